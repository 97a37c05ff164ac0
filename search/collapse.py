"""Near-duplicates among candidates: the best one stays and names the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from search.options import EXACT
from search.vectors import to_matrix

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from typing import Self

    from numpy.typing import NDArray

    from search.pool import View
    from search.ranking import Candidate

_TOLERANCE: Final = 1e-6
"""A cosine of float32 vectors is good to about 1e-7: a threshold of 1 means equal vectors."""

_ROWS: Final = 256
"""Candidates that are compared with all others in one product."""


@dataclass(frozen=True, slots=True)
class Collapse:
    """A stage that leaves out duplicates of better candidates.

    Two candidates of one modality are the same if their items have the same content, or if their
    vectors' cosine reaches the threshold. A candidate is compared with those that stay, not with
    those that went: what is like a duplicate, and unlike the one that stays, stays too.

    Attributes:
        threshold: The cosine; None compares contents alone.
        by_chunk: Whether candidates are chunks, of which one item may have several: then the same
            content is that of the same chunk.
    """

    threshold: float | None
    by_chunk: bool = False

    @classmethod
    def of(cls, asked: str | float, *, by_chunk: bool) -> Self:
        """The stage that an option asks for.

        Args:
            asked: :data:`search.options.EXACT`, or a cosine.
            by_chunk: See the class.
        """
        return cls(None if asked == EXACT else float(asked), by_chunk)

    @property
    def needs_vectors(self) -> bool:
        """For a threshold."""
        return self.threshold is not None

    def apply(self, candidates: Sequence[Candidate], view: View) -> list[Candidate]:  # noqa: ARG002 - as every stage
        """The candidates without duplicates of better ones, in their order.

        Each has the candidates that it stands for in ``duplicates``, best first.
        """
        if not candidates:
            return []
        leaders = self._find_leaders(candidates)
        behind: dict[int, list[Candidate]] = {}
        for place, leader in enumerate(leaders.tolist()):
            others = behind.setdefault(leader, [])
            if place != leader:
                others.append(candidates[place])
        return [
            replace(candidates[leader], duplicates=tuple(others))
            for leader, others in behind.items()
        ]

    def _find_leaders(self, candidates: Sequence[Candidate]) -> NDArray[np.intp]:
        """For each candidate the place of the one that stands for it; its own where it stays."""
        contents = _to_numbers([self._to_content(one) for one in candidates])
        leaders = np.full(len(candidates), -1, dtype=np.intp)
        if self.threshold is None:
            _, first, inverse = np.unique(contents, return_index=True, return_inverse=True)
            return first[inverse]
        modalities = _to_numbers([one.modality for one in candidates])
        vectors = to_matrix(candidates)
        for start in range(0, len(candidates), _ROWS):
            near = vectors[start : start + _ROWS] @ vectors.T >= self.threshold - _TOLERANCE
            for place, row in enumerate(near, start=start):
                if leaders[place] >= 0:
                    continue
                same = (row & (modalities == modalities[place])) | (contents == contents[place])
                leaders[same & (leaders < 0)] = place
                leaders[place] = place
        return leaders

    def _to_content(self, candidate: Candidate) -> Hashable:
        payload = candidate.point.payload or {}
        chunk = payload["chunk_ordinal"] if self.by_chunk else None
        return candidate.modality, payload["content_hash"], chunk


def _to_numbers(values: Sequence[Hashable]) -> NDArray[np.intp]:
    """Equal values as equal numbers."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.intp)
