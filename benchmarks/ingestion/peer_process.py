"""A peer in an environment and a process of its own, asked through a pipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from benchmarks.ingestion.workplace import Photographs, Workplace

REPOSITORY = Path(__file__).resolve().parent.parent.parent
_SHOWN_CHARS = 300
_INSTALL_SECONDS = 1_500


@dataclass(frozen=True)
class Peer:
    """Another way to embed a folder of images.

    Attributes:
        name: As it is called in the table.
        requirements: What pip installs.
        module: Of :mod:`benchmarks.ingestion.peer_side`.
        prepare: Puts the model where the peer looks for it; gives arguments and environment.
        note: What the reader of its figure must know.
    """

    name: str
    requirements: tuple[str, ...]
    module: str
    prepare: Callable[[Workplace], tuple[list[str], dict[str, str]]]
    note: str


class PeerUnavailable(Exception):
    """A peer cannot be measured; says why."""


class PeerProcess:
    """A running peer.

    Args:
        peer: Which.
        process: Answers on its standard output what it is asked on its standard input.
        log: Where its standard error goes.

    Attributes:
        peer: Likewise.
        first: Vector of the first image that it embedded last, of unit length.
    """

    def __init__(self, peer: Peer, process: subprocess.Popen[str], log: Path) -> None:
        """Nothing is asked yet."""
        self.peer = peer
        self.first: NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self._process = process
        self._log = log

    def embed(self, photographs: Photographs) -> float:
        """Embed a folder.

        Returns:
            Images a second, by the peer's own clock: starting it and loading its model are not in.

        Raises:
            PeerUnavailable: It ended, or left images out.
        """
        answer = self._ask(str(photographs.folder))
        count = answer["images"]
        if count != len(photographs.paths):
            raise PeerUnavailable(f"it embedded {count} of {len(photographs.paths)} images")
        row = np.array(answer["first"], dtype=np.float32)
        self.first = row / np.linalg.norm(row)
        return float(count / answer["seconds"])

    def to_way(self, photographs: Photographs) -> Callable[[], float]:
        """:meth:`embed` of one folder."""
        return lambda: self.embed(photographs)

    def _ask(self, folder: str) -> dict[str, Any]:
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        assert self._process.stdout is not None  # noqa: S101 - likewise
        try:
            self._process.stdin.write(f"{folder}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise PeerUnavailable(_last_line(self._log)) from None
        line = self._process.stdout.readline()
        if not line:
            raise PeerUnavailable(_last_line(self._log))
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def opened(peer: Peer, workplace: Workplace) -> Iterator[PeerProcess]:
    """A peer with its model loaded, in its own process.

    Raises:
        PeerUnavailable: It cannot be installed, or ends when it is asked.
    """
    python = _install(peer, workplace.folder / f"peers-{peer.module.replace('_', '-')}")
    arguments, environment = peer.prepare(workplace)
    log = workplace.folder / f"peer-{peer.module}.log"
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            [str(python), "-m", f"benchmarks.ingestion.peer_side.{peer.module}", *arguments],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        yield PeerProcess(peer, process, log)
        assert process.stdin is not None  # noqa: S101 - a pipe
        process.stdin.close()


def _install(peer: Peer, folder: Path) -> Path:
    """The interpreter of the peer's environment, which is made if it is not there."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = folder / ".installed"
    wanted = " ".join(peer.requirements)
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return python
    print(f"  installing {wanted} into {folder}", file=sys.stderr)
    venv.create(folder, with_pip=True, clear=True)
    command = [str(python), "-m", "pip", "install", "--quiet", *peer.requirements]
    try:
        pip = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_INSTALL_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise PeerUnavailable(f"pip took over {_INSTALL_SECONDS} s") from None
    if pip.returncode:
        lines = [line for line in pip.stderr.splitlines() if line.startswith("ERROR")]
        raise PeerUnavailable(f"pip: {' '.join(lines)[:_SHOWN_CHARS]}")
    done.write_text(wanted, encoding="utf-8")
    return python


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:_SHOWN_CHARS] if lines else "it ended without a word"
