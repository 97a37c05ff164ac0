"""What decoding in a child process costs beside decoding in this one.

Run ``python benchmarks/sandbox.py``. The same JPEGs are decoded here, in a sandbox, and in a
sandbox without shared memory, in turn, so that a busy machine slows all three alike. It prints, in
milliseconds an item, the median time, how much longer than here each item took (median, and the
tenth that was held up least), the processor time of both processes together (Linux alone tells
that of another one), and what starting a child takes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median, quantiles
from time import clock_gettime, perf_counter, process_time
from typing import TYPE_CHECKING

from benchmarks.photographs import write_jpegs
from ingest.decode.image import decode_image
from ingest.decode.limits import Limits
from ingest.decode.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.decode.image import DecodedImage

    Way = tuple[Callable[..., DecodedImage], Sandbox | None]

COUNT = 60
ROUNDS = 5
STARTS = 9
SIDE_PIXELS = 224
LIMITS = Limits()


def main() -> None:
    """Print a row a way of decoding, then what starting a child takes."""
    with tempfile.TemporaryDirectory() as folder:
        contents = [path.read_bytes() for path in write_jpegs(Path(folder), COUNT)]
    size = decode_image(contents[0], "", limits=LIMITS, side_pixels=SIDE_PIXELS).image.size
    file_bytes = median(map(len, contents))
    print(f"{COUNT} JPEGs, median {file_bytes:,.0f} bytes, decoded to {size[0]}x{size[1]}")
    with Sandbox() as sandbox, Sandbox(shared_bytes=4096) as without:
        ways: dict[str, Way] = {
            "in this process": (decode_image, None),
            "sandbox": (sandbox.decode_image, sandbox),
            "sandbox, all over the socket": (without.decode_image, without),
        }
        _print_ways({name: _Times() for name in ways}, ways, contents)
    first, again = zip(*(_time_start(contents[0]) for _ in range(STARTS)), strict=True)
    start = median(one - other for one, other in zip(first, again, strict=True))
    print(f"starting a child and importing Pillow: {1000 * start:.0f} ms")


class _Times:
    """Milliseconds of each item: on the clock, and of processor time."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.processor: list[float] = []

    def add(self, way: Way, content: bytes) -> None:
        decode, sandbox = way
        start, start_used = perf_counter(), _used_seconds(sandbox)
        decode(content, "file", limits=LIMITS, side_pixels=SIDE_PIXELS)
        self.wall.append(1000 * (perf_counter() - start))
        self.processor.append(1000 * (_used_seconds(sandbox) - start_used))


def _used_seconds(sandbox: Sandbox | None) -> float:
    """Processor time of this process and of the child's."""
    pid = sandbox.pid if sandbox else None
    if pid is None or sys.platform != "linux":
        return process_time()
    clock = (~pid << 3) | 2  # MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) in linux/posix-timers.h
    return process_time() + clock_gettime(clock)


def _print_ways(times: dict[str, _Times], ways: dict[str, Way], contents: list[bytes]) -> None:
    for decode, _ in ways.values():  # starts the children
        decode(contents[0], "file", limits=LIMITS, side_pixels=SIDE_PIXELS)
    for _ in range(ROUNDS):
        for content in contents:
            for name, way in ways.items():
                times[name].add(way, content)
    here = times["in this process"]
    print(f"{'':<30}{'median':>8}{'longer':>8}{'best tenth':>12}{'processor':>11}{'more':>7}")
    for name, one in times.items():
        longer = [mine - other for mine, other in zip(one.wall, here.wall, strict=True)]
        used = median(one.processor)
        more = used - median(here.processor)
        row = f"{name:<30}{median(one.wall):>8.2f}{median(longer):>8.2f}"
        print(f"{row}{quantiles(longer, n=10)[0]:>12.2f}{used:>11.2f}{more:>7.2f}")


def _time_start(content: bytes) -> tuple[float, float]:
    """Seconds of the first and of the second item of a new child."""
    with Sandbox() as sandbox:
        times = []
        for _ in range(2):
            start = perf_counter()
            sandbox.decode_image(content, "file", limits=LIMITS, side_pixels=SIDE_PIXELS)
            times.append(perf_counter() - start)
    return times[0], times[1]


if __name__ == "__main__":
    main()
