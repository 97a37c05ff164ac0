"""A few of the listed records, drawn evenly from all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

from schemas.errors import SourceError
from schemas.records import Modality

if TYPE_CHECKING:
    from ingest.sources.source import Source
    from schemas.records import Record

SAMPLE_IMAGES = 48
SAMPLE_DOCUMENTS = 12

MAX_SAMPLE_BYTES = 2_000_000
"""Larger documents are not drawn: one of them would take longer than all others together. Their
share of the time is told by their size."""

MAX_LISTED = 10_000
"""Items that :func:`draw_sample` lists."""

_SEED = 7


@dataclass(slots=True)
class Sample:
    """Reservoir sampling (Vitter 1985, algorithm R), a reservoir for each modality.

    Records with a vector are not drawn: nothing is encoded for them.
    """

    seen: Counter[Modality] = field(default_factory=Counter)
    seen_bytes: Counter[Modality] = field(default_factory=Counter)
    _drawn: dict[Modality, list[Record]] = field(default_factory=dict)
    _candidates: Counter[Modality] = field(default_factory=Counter)
    _random: Random = field(default_factory=lambda: Random(_SEED))  # noqa: S311 - a sample

    def offer(self, record: Record) -> None:
        """Perhaps take this record."""
        modality, size_bytes = record.modality, _to_size(record)
        self.seen[modality] += 1
        self.seen_bytes[modality] += size_bytes
        if record.vector is not None or (
            modality is Modality.TEXT and size_bytes > MAX_SAMPLE_BYTES
        ):
            return
        drawn = self._drawn.setdefault(modality, [])
        self._candidates[modality] += 1
        if len(drawn) < _room(modality):
            drawn.append(record)
        elif (place := self._random.randrange(self._candidates[modality])) < len(drawn):
            drawn[place] = record

    @property
    def records(self) -> list[Record]:
        """All that were drawn."""
        return [record for drawn in self._drawn.values() for record in drawn]

    def of(self, modality: Modality) -> list[Record]:
        """Those of one modality."""
        return self._drawn.get(modality, [])

    def scale(self, modality: Modality) -> float:
        """How many times the sample's work everything of this modality is.

        Documents are compared by their bytes where all of the sample have some, as their work
        grows with their length; images by their number.
        """
        drawn = self.of(modality)
        sizes = [_to_size(record) for record in drawn]
        if modality is Modality.TEXT and sizes and all(sizes):
            return self.seen_bytes[modality] / sum(sizes)
        return self.seen[modality] / len(drawn) if drawn else 0.0


def draw_sample(source: Source) -> Sample:
    """A sample of a source's first items: it should not cost a walk through millions."""
    sample = Sample()
    for item in islice(source.iter_records(), MAX_LISTED):
        if not isinstance(item, SourceError):
            sample.offer(item)
    return sample


def _to_size(record: Record) -> int:
    return record.size_bytes or len(record.content or b"")


def _room(modality: Modality) -> int:
    return SAMPLE_IMAGES if modality is Modality.IMAGE else SAMPLE_DOCUMENTS
