"""What was found in each modality -> one ranking. Pure functions."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from qdrant_client import models

    from schemas.records import Modality
    from search.calibration import Calibration
    from search.candidates import Found

LEAST_SHARE: Final = 0.4
"""Of the hits of any number of first pages, for each of two modalities (docs/search.md says what
other shares gave)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may become a hit.

    Attributes:
        point: The nearest point.
        passages: The document's nearest points, that one first.
        modality: Of the point.
        cosine: To the query, in [-1, 1].
        calibrated: See :class:`search.calibration.Calibration`; None without a background.
        percentile: Likewise.
        duplicates: Those that it stands for, best first; None where nobody looked for any.
        words: Its BM25 score where words were compared and it has any.
        standing: Where words were compared, what a ranking falls by: calibrated where there is a
            background.
        rerank_score: What a second model said of it; None where it was not asked.
    """

    point: models.ScoredPoint
    passages: tuple[models.ScoredPoint, ...]
    modality: Modality
    cosine: float
    calibrated: float | None = None
    percentile: float | None = None
    duplicates: tuple[Candidate, ...] | None = None
    words: float | None = None
    standing: float | None = None
    rerank_score: float | None = None

    @property
    def score(self) -> float:
        """What a ranking falls by: the standing, or the calibrated score, or else the cosine."""
        if self.standing is not None:
            return self.standing
        return self.cosine if self.calibrated is None else self.calibrated

    @property
    def point_id(self) -> str:
        """The point's id as text."""
        return str(self.point.id)


def to_candidates(
    found: Iterable[Found], modality: Modality, calibration: Calibration | None
) -> list[Candidate]:
    """What was found in one modality, in the order given."""
    return [_to_candidate(one, modality, calibration) for one in found]


def to_ranking(
    answers: Sequence[Sequence[Candidate]], given: Mapping[Modality, int] | None = None
) -> list[Candidate]:
    """One ranking of what each modality gave, each by falling cosine.

    One modality keeps its order. Several are merged by falling calibrated score, equal ones by
    point id; but of any number of first hits each has :data:`LEAST_SHARE`, as long as it lasts:
    what is nearest to a photograph are photographs, and nobody who asks for texts too wants ten of
    them. Where a modality has no background, they take turns.

    Args:
        answers: What each modality gave.
        given: How many of each modality were on the pages before.
    """
    left = [deque(answer) for answer in answers if answer]
    if len(left) == 1:
        return list(left[0])
    counts = Counter(given or {})
    is_calibrated = all(one.calibrated is not None for answer in left for one in answer)
    merged: list[Candidate] = []
    while left:
        taken = _choose(left, counts, is_calibrated=is_calibrated).popleft()
        counts[taken.modality] += 1
        merged.append(taken)
        left = [answer for answer in left if answer]
    return merged


def _choose(
    left: Sequence[deque[Candidate]], counts: Counter[Modality], *, is_calibrated: bool
) -> deque[Candidate]:
    """Which modality the next hit is of."""

    def to_count(answer: deque[Candidate]) -> int:
        return counts[answer[0].modality]

    rarest = min(left, key=to_count)
    if not is_calibrated or to_count(rarest) < int(LEAST_SHARE * (counts.total() + 1)):
        return rarest
    return min(left, key=lambda answer: (-answer[0].score, answer[0].point_id))


def to_cosine(score: float) -> float:
    """A store's score, which sums of float32 products put a few units outside [-1, 1]."""
    return min(1.0, max(-1.0, score))


def _to_candidate(found: Found, modality: Modality, calibration: Calibration | None) -> Candidate:
    cosine = to_cosine(found.point.score)
    calibrated = calibration.to_score(cosine, modality) if calibration else None
    percentile = None
    if calibration and calibrated is not None:
        percentile = calibration.to_percentile(calibrated, modality)
    standing = found.standing
    if calibration and calibrated is not None and standing is not None:
        standing = calibration.to_score(standing, modality)
    return Candidate(
        found.point,
        found.passages,
        modality,
        cosine,
        calibrated,
        percentile,
        words=found.words,
        standing=standing,
    )
