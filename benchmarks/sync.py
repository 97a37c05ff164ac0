"""What a synchronisation costs when little or nothing has changed.

Prints, for an embedded index:

- a run over unchanged files beside a bare walk (``os.scandir`` and ``stat``) of the same tree,
  taken by turns in one process: encoder calls, writes, the ratio of the medians, the largest
  resident set, and whether torch was loaded. What a process imports is timed apart.
- encoder calls when 1 % of the files have changed;
- encoder calls after a folder was renamed.

The encoder is a stand-in of 16 dimensions that counts, so that filling the index takes minutes; a
run that has nothing to do never asks it anyway.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent))

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from schemas.space import Role, Vectors
    from schemas.sync_report import SyncReport

FILES_PER_FOLDER = 100
RACY_SECONDS = 2.1
"""A file that was written a moment ago is hashed once more; a schedule never sees many of those."""


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--changing", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.measure:
        measure_idle(parsed.measure, parsed.repeats)
        return
    with tempfile.TemporaryDirectory() as base:
        show_changes(Path(base) / "changing", parsed.changing)
        show_idle(Path(base) / "idle", parsed.files, parsed.repeats)


def show_idle(base: Path, files: int, repeats: int) -> None:
    """Fill an index, then measure runs over it in a process of their own."""
    write_tree(base / "tree", files)
    report, encoded = run(base)
    print(f"filled: {report.counts.added:,} items, {encoded:,} encoded, {report.seconds:.0f} s")
    command = [sys.executable, __file__, "--measure", str(base), "--repeats", str(repeats)]
    subprocess.run(command, check=True)


def measure_idle(base: Path, repeats: int) -> None:
    """Walks and runs by turns."""
    begun = perf_counter()
    make_encoder()
    for name in ("ingest.sync.job", "qdrant_client", "qdrant_edge"):
        import_module(name)
    importing = perf_counter() - begun
    walks, runs, encoded, writes, count = [], [], 0, 0, 0
    for _ in range(repeats):
        begun = perf_counter()
        count = walk(base / "tree")
        walks.append(perf_counter() - begun)
        before = index_stamp(base)
        begun = perf_counter()
        report, calls = run(base)
        runs.append(perf_counter() - begun)
        encoded += calls
        writes += index_stamp(base) != before
        if report.counts.unchanged != count:
            raise SystemExit(f"{report.counts.unchanged:,} of {count:,} files were unchanged")
    peak = peak_megabytes()
    print(f"no-op over {count:,} files, median of {repeats}")
    print(f"  bare walk        {median(walks):8.2f} s")
    print(
        f"  sync             {median(runs):8.2f} s   {median(runs) / median(walks):.2f} x the walk"
    )
    print(f"  imports          {importing:8.2f} s   (not in the above)")
    print(f"  encoder calls    {encoded:8,}")
    print(f"  runs that wrote  {writes:8,}")
    print(f"  peak RSS         {peak:8.0f} MB")
    print(f"  torch loaded     {'torch' in sys.modules!s:>8}")


def show_changes(base: Path, files: int) -> None:
    """One in a hundred changes; then a folder is renamed."""
    tree = base / "tree"
    write_tree(tree, files)
    run(base)
    changed = sorted(tree.rglob("*.txt"))[::100]
    for path in changed:
        path.write_text(f"changed {path.name}", encoding="utf-8")
    report, encoded = run(base)
    print(
        f"{len(changed):,} of {files:,} changed: "
        f"{encoded:,} encoded, {report.counts.updated:,} updated"
    )
    folder = min(path for path in tree.iterdir() if path.is_dir())
    count = sum(1 for _ in folder.rglob("*.txt"))
    folder.rename(tree / "renamed")
    report, encoded = run(base)
    print(f"a folder of {count:,} renamed: {encoded:,} encoded, {report.counts.moved:,} moved")


def run(base: Path) -> tuple[SyncReport, int]:
    """One synchronisation; gives its report and how many items were encoded."""
    from ingest.sync.job import SyncJob
    from ingest.sync.session import SyncOptions
    from schemas.settings import RootSettings, load_settings

    encoder = make_encoder()
    settings = load_settings(url=str(base / "index"), isolate=False, batch_size=256)
    options = SyncOptions(show_progress=False)
    roots = [RootSettings(source=str(base / "tree"))]
    report = SyncJob(roots, settings, options=options).run(encoder=encoder)
    return report, encoder.encoded


def make_encoder() -> Any:  # noqa: ANN401 - a class made when its base can be imported
    """An encoder of 16 dimensions that counts what it encodes, the canary aside."""
    import numpy as np
    from blake3 import blake3

    from ingest.encoders.canary import CANARY_TEXTS
    from tests.legible import LegibleEncoder

    class CountingEncoder(LegibleEncoder):
        encoded = 0

        def __init__(self) -> None:
            super().__init__()
            self.space = replace(self.space, dimension=16)

        def encode_images(self, images: Sequence[Image]) -> Vectors:
            return self._encode([image.tobytes() for image in images])

        def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:  # noqa: ARG002
            self.encoded += sum(text not in CANARY_TEXTS for text in texts)
            return self._encode([text.encode() for text in texts])

        def _encode(self, contents: Sequence[bytes]) -> Vectors:
            digests = b"".join(blake3(content).digest(length=16) for content in contents)
            rows = np.frombuffer(digests, dtype=np.uint8).reshape(-1, 16).astype(np.float32) - 127.5
            unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
            return unit

    return CountingEncoder()


def write_tree(tree: Path, files: int) -> None:
    """Small texts, a hundred in a folder, folders in folders."""
    for number in range(files):
        folder = tree / f"{number // 2_000:03d}" / f"{number // FILES_PER_FOLDER:04d}"
        if number % FILES_PER_FOLDER == 0:
            folder.mkdir(parents=True)
        (folder / f"item-{number:06d}.txt").write_text(f"item {number}", encoding="utf-8")
    sleep(RACY_SECONDS)


def walk(folder: Path) -> int:
    """What the operating system alone takes."""
    count, stack = 0, [str(folder)]
    while stack:
        with os.scandir(stack.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    stack.append(entry.path)
                else:
                    entry.stat()
                    count += 1
    return count


def peak_megabytes() -> float:
    """The largest resident set since the program began.

    ``getrusage`` would give the parent's as well: Linux keeps that mark across ``exec``, and the
    parent filled the index.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (mark,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(mark) / 1024


def index_stamp(base: Path) -> list[tuple[str, int, int]]:
    """Changes when anything in the index's collections is written."""
    files = [path for path in (base / "index" / "collections").rglob("*") if path.is_file()]
    return sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files)


if __name__ == "__main__":
    main()
