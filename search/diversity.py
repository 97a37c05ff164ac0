"""Maximal marginal relevance: each next candidate is near to the query and unlike those before.

Carbonell and Goldstein, "The use of MMR, diversity-based reranking for reordering documents and
producing summaries", SIGIR 1998.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from search.vectors import to_centred

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from search.pool import View
    from search.ranking import Candidate


@dataclass(frozen=True, slots=True)
class Diversity:
    """A stage that spreads the answer.

    The next candidate is the one with the largest

        (1 - weight) * relevance - weight * its largest similarity to those before it

    and of equal ones the one that stood first. Relevance is the calibrated score, which is the same
    scale for every modality, from 0 for the pool's lowest to 1 for its highest: so one weight means
    much the same whatever the model and the direction. Similarity is the cosine of vectors without
    the mean of their modality (:func:`search.vectors.to_centred`).

    Attributes:
        weight: Of similarity, above 0 and up to 1; what the paper calls 1 - lambda.
    """

    weight: float

    @property
    def needs_vectors(self) -> bool:
        """Always."""
        return True

    def apply(self, candidates: Sequence[Candidate], view: View) -> list[Candidate]:
        """As many candidates as are shown in their new order, then the others in the old one."""
        if not candidates:
            return []
        vectors = to_centred(candidates, view.scale)
        chosen = choose(to_relevances(candidates), vectors, self.weight, view.shown)
        taken = set(chosen)
        rest = (place for place in range(len(candidates)) if place not in taken)
        return [candidates[place] for place in [*chosen, *rest]]


def to_relevances(candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """From 1 for the best to 0 for the last, by score; all 0 where the scores are equal.

    Scores of several modalities without a background cannot be compared: then by rank.
    """
    modalities = {one.modality for one in candidates}
    if len(modalities) > 1 and any(one.calibrated is None for one in candidates):
        scores = -np.arange(len(candidates), dtype=np.float64)
    else:
        scores = np.array([one.score for one in candidates], dtype=np.float64)
    least, most = scores.min(), scores.max()
    if most == least:
        return np.zeros_like(scores)
    relevances: NDArray[np.float64] = (scores - least) / (most - least)
    return relevances


def choose(
    relevances: NDArray[np.float64], vectors: NDArray[np.float32], weight: float, wanted: int
) -> list[int]:
    """The places of the first candidates by maximal marginal relevance.

    Args:
        relevances: Shape ``(n,)``, in [0, 1].
        vectors: Shape ``(n, dimension)``, unit length.
        weight: Of similarity, in [0, 1].
        wanted: How many at most.

    Returns:
        Distinct places; those of a larger ``wanted`` begin with those of a smaller one.
    """
    gains = (1 - weight) * relevances
    nearest = np.full(len(relevances), -np.inf)
    chosen: list[int] = []
    for _ in range(min(wanted, len(relevances))):
        # What is near to nothing yet loses nothing; a product of infinity and 0 would be NaN.
        marginal = gains - weight * nearest if chosen else gains.copy()
        marginal[chosen] = -np.inf
        best = int(marginal.argmax())
        chosen.append(best)
        nearest = np.maximum(nearest, vectors @ vectors[best])
    return chosen
