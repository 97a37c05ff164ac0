"""The second of two stages: a model that reads query and text orders the nearest anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from schemas.errors import QueryError
from search.hits import to_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.query import Composition
    from search.pool import View
    from search.ranking import Candidate


@dataclass(frozen=True, slots=True)
class Rerank:
    """A stage that orders candidates by how well their words answer the query.

    Read are a text's own words, the nearest passage of a document, and of an image the words that
    stand with it. What has no words keeps its place: the others share the places that are left,
    the best score first, equal ones as they stood.

    Attributes:
        model: See :func:`ingest.encoders.reranker.load_reranker`, which loads it at the first use.
    """

    model: str

    @property
    def needs_vectors(self) -> bool:
        """Never."""
        return False

    def apply(self, candidates: Sequence[Candidate], view: View) -> list[Candidate]:
        """All candidates, those with words in their new order."""
        from ingest.encoders.reranker import load_reranker

        words = [to_words(one.point.payload or {}).strip() for one in candidates]
        scores = load_reranker(self.model).score(view.aim.text or "", [one for one in words if one])
        return reorder(candidates, [bool(one) for one in words], scores.tolist())


def reorder(
    candidates: Sequence[Candidate], has_words: Sequence[bool], scores: Sequence[float]
) -> list[Candidate]:
    """The candidates that have words by falling score, the others in their places. Pure.

    Args:
        candidates: In their old order.
        has_words: For each of them.
        scores: Of those that have words, in order.
    """
    places = [place for place, is_one in enumerate(has_words) if is_one]
    scored = [
        replace(candidates[place], rerank_score=score)
        for place, score in zip(places, scores, strict=True)
    ]
    order = sorted(range(len(scored)), key=lambda nth: -scores[nth])
    reordered = list(candidates)
    for place, nth in zip(places, order, strict=True):
        reordered[place] = scored[nth]
    return reordered


def check_rerankable(query: Composition) -> None:
    """Refuse queries that a model which reads words cannot read.

    Raises:
        QueryError: A part is no text, or is not wanted.
    """
    if any(term.query.text is None or term.weight <= 0 for term in query.terms):
        raise QueryError(
            "rerank: the model reads the words of query and text, so every part of the query must "
            "be a text that is looked for; leave rerank out"
        )
