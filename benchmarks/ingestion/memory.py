"""The peak of memory of ``diptych ingest``, at a small and at a tenfold corpus."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.ingestion.findings import Finding, interleave
from benchmarks.ingestion.null_server import REPOSITORY, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import psutil

    from benchmarks.ingestion.workplace import Photographs, Workplace

FRONT_DOOR = "import diptych; diptych.main()"
SAMPLE_SECONDS = 0.02
MIB = 2**20
TARGET = 1.10


@dataclass
class Peak:
    """The largest memory seen, in MiB, over a process and its children.

    Attributes:
        resident: Resident set, summed over the processes: what they share counts for each.
        private: Of that, what is backed by no file; the rest is libraries and the index's files,
            which the system can drop again.
        processes: At most so many at once.
    """

    resident: float = 0.0
    private: float = 0.0
    processes: int = 0


def run(workplace: Workplace) -> Iterator[Finding]:
    """Two tables: into an embedded index, and to a server, which keeps the points itself."""
    with serving() as port:
        server = {"DIPTYCH_URL": "http://127.0.0.1:6333", "DIPTYCH_GRPC_PORT": str(port)}
        yield measure("into an embedded index", workplace, {"DIPTYCH_URL": "index"})
        yield measure("to a null gRPC server", workplace, server)


def measure(where: str, workplace: Workplace, settings: Mapping[str, str]) -> Finding:
    """The peaks at both counts, and their ratio."""
    counts = workplace.thumbnails
    folders = {count: workplace.make_thumbnails(count) for count in counts}
    peaks: dict[int, list[Peak]] = {count: [] for count in counts}

    def watch(count: int) -> float:
        peaks[count].append(measure_peak(folders[count], workplace.small_clip, settings))
        return peaks[count][-1].resident

    few, many = (f"{count:,} images of 96x96" for count in counts)
    finding = Finding(f"Peak memory of one run of `diptych ingest` {where}", "MiB resident")
    finding.rates = interleave(
        {few: lambda: watch(counts[0]), many: lambda: watch(counts[1])},
        min(workplace.repeats, 3),
    )
    finding.claim(f"{many} / {few}", many, few, TARGET, at_most=True)
    few_private, many_private = (f"{way}, without files mapped" for way in (few, many))
    for way, count in ((few_private, counts[0]), (many_private, counts[1])):
        finding.rates[way] = [peak.private for peak in peaks[count]]
    finding.claim("the same without files mapped", many_private, few_private)
    finding.notes.append(
        "The whole command in its own process, sampled every 20 ms and summed over its children "
        f"(at most {max(peak.processes for peak in peaks[counts[1]])} processes at once); vectors "
        "of 512 dimensions, by a CLIP small enough to cost little."
    )
    return finding


def measure_peak(photographs: Photographs, model: Path, settings: Mapping[str, str]) -> Peak:
    """Ingest a folder with the command line and watch it."""
    import psutil

    with tempfile.TemporaryDirectory() as scratch:
        command = ["ingest", str(photographs.folder), "--model", str(model), "--json"]
        report = Path(scratch) / "report.json"
        with report.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", FRONT_DOOR, *command],
                cwd=scratch,
                env={**_environment(), **settings},
                stdout=output,
                stderr=subprocess.DEVNULL,
            )
            peak = _watch(process, psutil.Process(process.pid))
        written = json.loads(report.read_text(encoding="utf-8"))["counts"]["images"]
    if process.returncode or written != len(photographs.paths):
        raise SystemExit(f"not measured: exit status {process.returncode}, {written} images")
    return peak


def _environment() -> dict[str, str]:
    import os

    kept = {name: value for name, value in os.environ.items() if not name.startswith("DIPTYCH_")}
    return {**kept, "PYTHONPATH": str(REPOSITORY)}


def _watch(process: subprocess.Popen[Any], top: psutil.Process) -> Peak:
    peak = Peak()
    while process.poll() is None:
        resident, private, processes = _sum_up(top)
        peak.resident = max(peak.resident, resident / MIB)
        peak.private = max(peak.private, private / MIB)
        peak.processes = max(peak.processes, processes)
        time.sleep(SAMPLE_SECONDS)
    return peak


def _sum_up(top: psutil.Process) -> tuple[int, int, int]:
    """Bytes resident and private, and processes, of the tree as it is now."""
    import psutil

    resident = private = processes = 0
    try:
        family = [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0, 0, 0
    for one in family:
        try:
            # Between fork and exec a child seems to hold all of its parent's memory.
            if one != top and one.cmdline() == top.cmdline():
                continue
            memory = one.memory_info()
        except psutil.NoSuchProcess:  # it has just ended
            continue
        resident += memory.rss
        private += memory.rss - getattr(memory, "shared", 0)
        processes += 1
    return resident, private, processes
