"""How a hit's score came about, for people who wonder. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.collection import read_vector

if TYPE_CHECKING:
    from search.calibration import Calibration
    from search.composition import Aim, Part
    from search.ranking import Candidate


def explain(candidate: Candidate, aim: Aim, calibration: Calibration | None) -> dict[str, Any]:
    """The parts of a score, JSON-ready.

    Args:
        candidate: With the vector of its point.
        aim: The query.
        calibration: Of the query; None without a background.

    Returns:
        ``direction``; ``cosine``; where there is a background also ``expected_cosine`` (of an
        average item of the modality), ``spread`` and ``calibrated`` = (cosine - expected) /
        spread; where words were compared ``words`` (BM25; None for an item without words) and
        ``standing``, by which the answer falls; and ``parts``, each with its weight and its own
        cosine.
    """
    vector = np.asarray(read_vector(candidate.point), dtype=np.float32)
    found: dict[str, Any] = {
        "direction": f"{aim.modality}->{candidate.modality}",
        "cosine": candidate.cosine,
        "parts": [_explain_part(part, float(part.vector @ vector)) for part in aim.parts],
    }
    if calibration is not None and candidate.calibrated is not None:
        found |= {
            "expected_cosine": calibration.expected(candidate.modality),
            "spread": calibration.spread(candidate.modality),
            "calibrated": candidate.calibrated,
        }
    if candidate.standing is not None:
        found |= {"words": candidate.words, "standing": candidate.standing}
    return found


def _explain_part(part: Part, cosine: float) -> dict[str, Any]:
    query = part.term.query
    said: dict[str, Any] = {"modality": str(part.modality), "weight": part.term.weight}
    if query.text is not None:
        said["text"] = query.text
    if query.item is not None:
        said["item"] = query.item
    return {**said, "cosine": round(cosine, 6)}
