"""Pick workers and batch size by measuring them on the user's own items."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from ingest.encoders.workers import count_cores
from ingest.forecast import ingest_in_memory
from ingest.sample import draw_sample
from schemas.records import Modality

if TYPE_CHECKING:
    from ingest.sources.source import Source
    from schemas.settings import Settings
    from schemas.space import Encoder

BATCH_SIZES = (8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Trial:
    """One configuration, measured.

    Attributes:
        workers: Threads that encode.
        batch_size: Items in one encoder call.
        seconds: Wall time of the sample.
    """

    workers: int
    batch_size: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was measured.

    Attributes:
        trials: The quickest first; empty where there was nothing to measure with.
        sampled: Items in the sample.
    """

    trials: tuple[Trial, ...]
    sampled: int

    def applied_to(self, settings: Settings) -> Settings:
        """The settings with the quickest configuration."""
        if not self.trials:
            return settings
        best = self.trials[0]
        chosen = {"workers": best.workers, "batch_size": best.batch_size}
        return settings.model_copy(update=chosen)


def tune(source: Source, settings: Settings, encoder: Encoder) -> Tuning:
    """Ingest a sample of the source into memory in every configuration.

    One pass before warms caches up and is not counted. Takes about a dozen times what the sample
    takes; see :mod:`ingest.sample` for its size.

    Args:
        source: Whose first items are drawn from.
        settings: All else than workers and batch size.
        encoder: Whose calls are measured.
    """
    sample = draw_sample(source)
    records = [record for modality in Modality for record in sample.of(modality)]
    if not records:
        return Tuning((), 0)
    ingest_in_memory(records, source, settings, encoder)
    trials = []
    for workers, batch_size in product(_worker_counts(), BATCH_SIZES):
        tried = settings.model_copy(update={"workers": workers, "batch_size": batch_size})
        seconds, _ = ingest_in_memory(records, source, tried, encoder)
        trials.append(Trial(workers, batch_size, round(seconds, 3)))
    return Tuning(tuple(sorted(trials, key=lambda trial: trial.seconds)), len(records))


def _worker_counts() -> list[int]:
    cores = count_cores()
    return sorted({1, max(1, cores // 2), cores})
