"""What decoding in a child process costs beside decoding in this one.

Run ``python benchmarks/sandbox.py``. The same JPEGs are decoded here, in a sandbox, and in a
sandbox without shared memory, one after another and interleaved, so that a busy machine slows all
three alike. It prints medians in milliseconds of one item, and of starting a child; where other
work keeps the cores busy, a tenth of the items is held up least.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.photographs import write_jpegs
from ingest.decode.image import decode_image
from ingest.decode.limits import Limits
from ingest.decode.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.decode.image import DecodedImage

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
        ways = {
            "in this process": decode_image,
            "sandbox": sandbox.decode_image,
            "sandbox, all over the socket": without.decode_image,
        }
        seconds = _time_ways(ways, contents)
    here = seconds["in this process"]
    print(f"{'':<30}{'median ms':>10}{'overhead ms':>13}{'its best tenth':>16}")
    for name, times in seconds.items():
        overheads = [1000 * (one - other) for one, other in zip(times, here, strict=True)]
        best = quantiles(overheads, n=10)[0]
        print(f"{name:<30}{1000 * median(times):>10.2f}{median(overheads):>13.2f}{best:>16.2f}")
    first, again = zip(*(_time_start(contents[0]) for _ in range(STARTS)), strict=True)
    start = median(one - other for one, other in zip(first, again, strict=True))
    print(f"starting a child and importing Pillow: {1000 * start:.0f} ms")


def _time_ways(
    ways: dict[str, Callable[..., DecodedImage]], contents: list[bytes]
) -> dict[str, list[float]]:
    """Seconds of each item of each round, by way; the first round warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for content in contents:
            for name, decode in ways.items():
                start = perf_counter()
                decode(content, "file", limits=LIMITS, side_pixels=SIDE_PIXELS)
                if number:
                    seconds[name].append(perf_counter() - start)
    return seconds


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
