"""What was found in each modality -> one ranking. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qdrant_client import models

    from schemas.records import Modality
    from search.calibration import Calibration
    from search.candidates import Found


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
    """

    point: models.ScoredPoint
    passages: tuple[models.ScoredPoint, ...]
    modality: Modality
    cosine: float
    calibrated: float | None = None
    percentile: float | None = None

    @property
    def score(self) -> float:
        """What a ranking falls by: the calibrated score if there is one, else the cosine."""
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


def to_ranking(answers: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """One ranking of what each modality gave, each by falling cosine.

    One modality keeps its order. Several are merged by falling calibrated score, equal ones by
    point id; where one of them has no background, all first ones come first, then all second ones.
    """
    given = [answer for answer in answers if answer]
    if len(given) <= 1:
        return list(chain.from_iterable(given))
    if all(candidate.calibrated is not None for candidate in chain.from_iterable(given)):
        return sorted(chain.from_iterable(given), key=lambda one: (-one.score, one.point_id))
    in_turn = chain.from_iterable(zip_longest(*given))
    return [candidate for candidate in in_turn if candidate is not None]


def to_cosine(score: float) -> float:
    """A store's score, which sums of float32 products put a few units outside [-1, 1]."""
    return min(1.0, max(-1.0, score))


def _to_candidate(found: Found, modality: Modality, calibration: Calibration | None) -> Candidate:
    cosine = to_cosine(found.point.score)
    calibrated = calibration.to_score(cosine, modality) if calibration else None
    percentile = None
    if calibration and calibrated is not None:
        percentile = calibration.to_percentile(calibrated, modality)
    return Candidate(found.point, found.passages, modality, cosine, calibrated, percentile)
