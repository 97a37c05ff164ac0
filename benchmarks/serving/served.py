"""``diptych serve`` as a process of its own, on the loopback interface.

Run as a module it is that process: its first arguments are how many searches are asked together,
and whether pages are timed.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 120

RENDER_FIELD = "x-render-seconds"
TIMED = "timed"


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs.

    Attributes:
        port: On 127.0.0.1.
        process_id: Of the process that answers.
    """

    port: int
    process_id: int

    def read_memory_bytes(self) -> int:
        """What the process holds in memory now (resident)."""
        pages = int(Path(f"/proc/{self.process_id}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def read_processor_seconds(self) -> float:
        """What the process has computed so far, in all threads."""
        fields = Path(f"/proc/{self.process_id}/stat").read_text(encoding="ascii").split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serve(
    index: Path,
    port: int,
    *,
    most_in_batch: int = 16,
    max_searches: int | None = None,
    times_pages: bool = False,
) -> Iterator[Served]:
    """A server over an embedded index, which nobody else may have open.

    Args:
        index: Its folder.
        port: On 127.0.0.1.
        most_in_batch: How many searches are asked together; 1 for one by one.
        max_searches: Searches that run and wait; None for the default.
        times_pages: Whether pages say how long they took, in :data:`RENDER_FIELD`.
    """
    command = [sys.executable, "-m", __spec__.name, str(most_in_batch)]
    command.append(TIMED if times_pages else "plain")
    command += ["serve", "--url", str(index), "--port", str(port)]
    environment = dict(os.environ)
    if max_searches is not None:
        environment["DIPTYCH_SERVE__MAX_SEARCHES"] = str(max_searches)
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            _wait(process, port)
            yield Served(port, process.pid)
        finally:
            process.terminate()
            process.communicate(timeout=60)


def _wait(process: subprocess.Popen[str], port: int) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise SystemExit(process.stderr.read() if process.stderr else "the server ended")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"no server on port {port} after {START_SECONDS} s")


def main() -> None:
    """Be the server."""
    from search import async_searcher

    async_searcher.MOST_IN_BATCH = int(sys.argv.pop(1))  # type: ignore[misc] # measured without

    if sys.argv.pop(1) == TIMED:
        _time_pages()
    import diptych

    diptych.main()


def _time_pages() -> None:
    """Have every page say how long its template took, in :data:`RENDER_FIELD`."""
    renderer = import_module("search.server.page.renderer").Renderer
    render = renderer.render

    def timed(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
        begun = time.perf_counter()
        answer = render(*args, **kwargs)
        answer.headers[RENDER_FIELD] = str(time.perf_counter() - begun)
        return answer

    renderer.render = timed


if __name__ == "__main__":
    main()
