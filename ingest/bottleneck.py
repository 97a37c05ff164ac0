"""Where the time of a run went, and one sentence of advice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.report import RunReport

STAGE_LAPS: Mapping[str, tuple[str, ...]] = {
    "list": ("list",),
    "read": ("read", "compare"),
    "decode": ("decode", "cut"),
    "encode": ("encode",),
    "upsert": ("upsert",),
}
"""Stage -> the laps of the stopwatch that its threads work in."""

BUSY_SHARE = 0.6
"""A stage whose threads work less than this is not what the run waits for."""

_ADVICE = {
    "list": "Listing is the limit: name a smaller root, or a manifest of what has changed.",
    "read": "Reading is the limit: raise --read-workers, or bring the data nearer.",
    "decode": "Decoding is the limit: raise --decode-workers where cores are free, or ingest "
    "smaller images.",
    "encode": "The encoder is the limit, as it should be; quicker are --backend onnx or openvino, "
    "--dtype int8, a smaller model or a GPU (diptych ingest --tune measures workers and batches).",
    "upsert": "The store is the limit: use a server over gRPC near this machine, or one with "
    "faster disks.",
}
_NO_LIMIT = "No stage was busy throughout: the run was too short, or other work took the cores."
_NOTHING = "Nothing was encoded."


@dataclass(frozen=True, slots=True)
class StageShare:
    """One row of the table.

    Attributes:
        stage: Its name; ``waiting`` is what all threads together waited.
        threads: How many threads it had.
        seconds: What they worked, summed.
        share: Of the time of all threads of all stages, 0 to 1.
        busy: Of the time of its own threads, 0 to 1.
    """

    stage: str
    threads: int
    seconds: float
    share: float
    busy: float


def to_shares(report: RunReport) -> list[StageShare]:
    """The table of a run, in the order of the stages, with what was waited for at the end."""
    wall = report.seconds.get("pipeline", 0.0)
    if wall <= 0:
        return []
    threads = {stage: report.workers.get(stage, 1) for stage in STAGE_LAPS}
    everything = wall * sum(threads.values())
    worked = {
        stage: sum(report.seconds.get(lap, 0.0) for lap in laps)
        for stage, laps in STAGE_LAPS.items()
    }
    rows = [
        StageShare(
            stage,
            threads[stage],
            seconds,
            seconds / everything,
            min(1.0, seconds / (wall * threads[stage])),
        )
        for stage, seconds in worked.items()
    ]
    waited = max(0.0, everything - sum(worked.values()))
    share = waited / everything
    return [*rows, StageShare("waiting", sum(threads.values()), waited, share, share)]


def to_advice(report: RunReport) -> str:
    """One sentence: which stage set the pace, and what would help."""
    if not (report.counts.images or report.counts.texts):
        return _NOTHING
    stages = [row for row in to_shares(report) if row.stage != "waiting"]
    slowest = max(stages, key=lambda row: row.busy, default=None)
    if slowest is None or slowest.busy < BUSY_SHARE:
        return _NO_LIMIT
    return _ADVICE[slowest.stage]
