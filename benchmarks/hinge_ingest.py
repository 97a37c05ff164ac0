"""Ingestion with ``hinge-en-1`` against opening and encoding images one by one.

Run ``python benchmarks/hinge_ingest.py``. 300 JPEGs of 640x480, made from the photographs of the
scikit-image wheel, are ingested whole (list, read, decode, encode, write to an embedded index and
flush it, with one worker a core) and, in turn, opened and encoded one after another by the same
encoder, with one thread a forward pass and with one a core. Models are loaded and the empty
collection is made before the clock starts; what making it takes, once for all, is printed too.
Medians of interleaved repeats.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from PIL import Image

from benchmarks.photographs import write_jpegs
from ingest.encoders.hinge.encoder import HingeEncoder
from ingest.job import IngestJob, open_collection
from ingest.sources.folder import FolderSource
from ingest.store.connect import connect
from schemas.settings import load_settings
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Print a row a way: images a second, and the ratio to one by one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    cores = os.cpu_count() or 1
    narrow, wide = HingeEncoder(), HingeEncoder(threads=cores)
    with tempfile.TemporaryDirectory() as scratch:
        photographs = Path(scratch) / "photographs"
        photographs.mkdir()
        paths = write_jpegs(photographs, chosen.images)
        ways: dict[str, Callable[[], float]] = {
            "one by one, 1 thread": lambda: time_one_by_one(paths, narrow),
            f"one by one, {cores} threads": lambda: time_one_by_one(paths, wide),
            f"ingest, {cores} workers": lambda: time_ingest(photographs, narrow),
        }
        for encoder in (narrow, wide):
            encoder.encode_images([Image.open(paths[0])])
            encoder.encode_texts(["warm"], Role.QUERY)
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(chosen.repeats):
            for way, run in ways.items():
                seconds[way].append(run())
    print_table(seconds, chosen.images)


def time_one_by_one(paths: list[Path], encoder: HingeEncoder) -> float:
    """Wall seconds of the plain loop a user would write."""
    start = perf_counter()
    for path in paths:
        with Image.open(path) as image:
            encoder.encode_images([image.convert("RGB")])
    return perf_counter() - start


def time_ingest(folder: Path, encoder: HingeEncoder) -> float:
    """Wall seconds of one whole run into an empty collection of a new embedded index."""
    with tempfile.TemporaryDirectory() as index:
        url = str(Path(index) / "index")
        settings = load_settings(url=url)
        with connect(url) as engine:
            start = perf_counter()
            open_collection(engine, settings.collection, encoder)
            print(f"(collection made in {perf_counter() - start:.2f} s)", end=" ", flush=True)
            job = IngestJob(FolderSource.open(folder), settings, show_progress=False)
            start = perf_counter()
            report = job.run(engine=engine, encoder=encoder)
            taken = perf_counter() - start
    if report.failures:
        raise SystemExit(f"not measured: {report.failures[0]}")
    return taken


def print_table(seconds: dict[str, list[float]], images: int) -> None:
    """Medians of the rates; ratios are taken run by run, then their median."""
    first, second, _ = seconds
    print()
    print(f"{'way':<28}{'images/s':>10}{'ratio to ' + first:>32}{'to ' + second:>26}")
    for way, taken in seconds.items():
        rate = median(images / value for value in taken)
        ratios = [
            median(base / value for base, value in zip(seconds[other], taken, strict=True))
            for other in (first, second)
        ]
        print(f"{way:<28}{rate:>10.1f}{ratios[0]:>32.2f}{ratios[1]:>26.2f}")


if __name__ == "__main__":
    main()
