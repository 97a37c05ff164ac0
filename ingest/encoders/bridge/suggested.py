"""A recipe that suits so many pairs, where none is asked for.

The numbers are of runs on photographs and figures of four textbooks and of recipes, each of three
books held out in turn: what found most of the held-out book with 30, 100, 300, 1,000 and 3,000
pairs; those of an own base, of an encoder that was adapted to a book that it had not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingest.encoders.bridge.recipe import CLOSED_FORM, MapKind, Objective, Recipe
from ingest.encoders.bridge.side import Base

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

_RIDGE_BELOW: Final = 200
"""With fewer pairs contrast has too few negatives, and least squares finds more."""

_MANY: Final = 1000

_RIDGE_PAIRS: Final = 3000.0
"""The best regularisation was this over the pairs, from 30 to 3,000 of them. So few pairs as ridge
is suggested for leave no validation that could choose better."""


def suggest_recipe(pairs: int, base: Base, given: Mapping[str, Any] | None = None) -> Recipe:
    """What to train with, when there are ``pairs`` pairs of an image and a text.

    Args:
        pairs: How many there are to learn from.
        base: What the image encoder offers.
        given: Fields of the recipe that are asked for; the rest goes along with them.

    Raises:
        SettingsError: What is given does not go together.
    """
    asked = dict(given or {})
    base = Base(asked.get("base", base))
    objective = Objective(asked.get("objective", _suggest_objective(pairs, base, asked)))
    fields = (
        _for_closed_form(pairs, objective)
        if objective in CLOSED_FORM
        else _for_gradient(pairs, base)
    )
    return Recipe(**{"objective": objective, "base": base, **fields, **asked})


def _suggest_objective(pairs: int, base: Base, asked: Mapping[str, Any]) -> Objective:
    is_plain = (
        asked.get("image_map", MapKind.LINEAR) == MapKind.LINEAR
        and asked.get("text_map", MapKind.NONE) == MapKind.NONE
        and asked.get("members", 1) == 1
    )
    is_few = pairs < _RIDGE_BELOW and base is not Base.OWN
    return Objective.RIDGE if is_few and is_plain else Objective.INFONCE


def _for_closed_form(pairs: int, objective: Objective) -> dict[str, Any]:
    if objective is Objective.CCA:
        return {"text_map": MapKind.LINEAR, "base": Base.NONE, "dimension": 64}
    return {"ridge": _RIDGE_PAIRS / max(1, pairs)} if pairs < _RIDGE_BELOW else {}


def _for_gradient(pairs: int, base: Base) -> dict[str, Any]:
    if base is Base.OWN:
        rate = 1e-4 if pairs >= _RIDGE_BELOW // 2 else 3e-5
        return {"text_map": MapKind.LINEAR, "learning_rate": rate, "dropout": 0.5}
    if pairs < _MANY:
        return {"base_weight": 1.0, "dropout": 0.9, "epochs": 60, "patience": 20}
    return {}
