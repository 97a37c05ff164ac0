"""A guard against forgetting: between the encoder as it was and the trained adapter.

WiSE-FT (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models") interpolates the weights
of both. A map that is added to a base is zero before training, so that its weight in the sum is
that interpolation. A gate forgets less: what it takes for others lies where it lay, whatever the
weight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingest.encoders.bridge.gate import fit_gate
from ingest.encoders.bridge.recall import recall
from ingest.encoders.bridge.side import Base
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from ingest.encoders.bridge.described import Described
    from ingest.encoders.bridge.examples import Examples
    from ingest.encoders.bridge.recall import Recall
    from ingest.encoders.bridge.side import Side
    from ingest.encoders.bridge.training import Trained

_CUT: Final = 10

_ROUNDING: Final = 1e-9
"""Of a difference of two shares: 0.07 - 0.02 is more than 0.05."""

_WEIGHTS: Final = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Close together where they begin: a map soon outweighs its base, and most is forgotten there."""


@dataclass(frozen=True, slots=True)
class WisePoint:
    """One weight of the maps.

    Attributes:
        map_weight: 0 is the base alone, 1 what was trained.
        domain: Recall@10 on the domain, 0..1, mean of both directions.
        general: The same on the general set; None without one.
        gated: Whether a gate stands before the maps.
        domain_reciprocal: Mean of 1 / rank on the domain, 0..1, mean of both directions: what
            decides where few pairs are all among the first ten.
    """

    map_weight: float
    domain: float
    general: float | None
    gated: bool = False
    domain_reciprocal: float = 0.0


@dataclass(frozen=True, slots=True)
class Interpolation:
    """The chosen weight and what it was chosen from.

    Attributes:
        map_weight: The chosen one.
        curve: Every weight that was measured, from 0 to 1, and again behind the gate.
        gated: Whether the gate was chosen too.
    """

    map_weight: float
    curve: tuple[WisePoint, ...]
    gated: bool = False

    @property
    def shows_forgetting(self) -> bool:
        """Whether any weight changes what is found of the general set."""
        return _differs(self.curve)

    @property
    def finds_better(self) -> bool:
        """Whether any weight finds the domain better than the base does, whatever it forgets."""
        return max(map(_to_score, self.curve)) > _to_score(self.curve[0])


def add_gates(trained: Trained, domain: Examples, others: Examples) -> Trained:
    """What was trained, with a gate before each map that tells the domain from others.

    Args:
        trained: Of a recipe with a base.
        domain: What was learned from.
        others: Pairs of anything else.
    """
    return replace(
        trained,
        images=_add_gate(trained.images, domain.images, others.images),
        texts=_add_gate(trained.texts, domain.texts, others.texts),
    )


def _add_gate(side: Side, own: Described, others: Described) -> Side:
    if side.map is None:
        return side
    return replace(side, gate=fit_gate(own.features, others.features))


def choose_map_weight(
    trained: Trained,
    domain: Examples,
    general: Examples | None,
    *,
    tolerance: float,
    gated: Trained | None = None,
) -> Interpolation:
    """The weight that finds most of the domain and forgets little of the rest.

    Args:
        trained: Of a recipe with a base.
        domain: Pairs of the domain that training did not learn from.
        general: Pairs of anything else; without them only the domain decides.
        tolerance: How much recall@10 on the general set may fall below what the base reaches,
            0..1.
        gated: The same behind gates, if that may be chosen too.

    Returns:
        The weight of the best domain recall among those within the tolerance, by the mean of
        1 / rank where that is equal; the smallest such, without a gate if that is as good; 0 where
        nothing else is within it. Behind the gate, if there is one and the weight is not 0, where
        the general set shows no forgetting: few pairs are all found whatever the map does to the
        rest.

    Raises:
        SettingsError: There is no base to go back to, or the tolerance is no share.
    """
    if not 0 <= tolerance <= 1:
        raise SettingsError(f"the tolerance is a share of recall from 0 to 1, not {tolerance}")
    choices = [one for one in (trained, gated) if one is not None]
    curve = tuple(_measure(one, weight, domain, general) for one in choices for weight in _WEIGHTS)
    least = (curve[0].general or 0.0) - tolerance - _ROUNDING
    allowed = [point for point in curve if point.general is None or point.general >= least]
    if gated is not None and general is not None and not _differs(curve):
        allowed = [point for point in allowed if point.gated or not point.map_weight]
    best = max(allowed, key=_to_preference)
    return Interpolation(best.map_weight, curve, best.gated)


def _to_preference(point: WisePoint) -> tuple[float, float, bool, float]:
    return *_to_score(point), not point.gated, -point.map_weight


def _to_score(point: WisePoint) -> tuple[float, float]:
    return point.domain, point.domain_reciprocal


def _differs(curve: Sequence[WisePoint]) -> bool:
    return len({point.general for point in curve}) > 1


def _measure(
    trained: Trained, map_weight: float, domain: Examples, general: Examples | None
) -> WisePoint:
    between = interpolate(trained, map_weight)
    found, reciprocal = _search(between, domain).to_score(_CUT)
    rest = None if general is None else _search(between, general).to_mean(_CUT)
    return WisePoint(map_weight, found, rest, trained.is_gated, reciprocal)


def _search(trained: Trained, part: Examples) -> Recall:
    return recall(trained.images, trained.texts, part, (_CUT,))


def interpolate(trained: Trained, map_weight: float) -> Trained:
    """Both sides with another weight of their maps.

    Raises:
        SettingsError: A side has no base to go back to.
    """
    if Base.NONE in {trained.images.base, trained.texts.base}:
        raise SettingsError(
            "without a base there is nothing to interpolate towards: choose --base own or conse"
        )
    return replace(
        trained,
        images=trained.images.interpolated(map_weight),
        texts=trained.texts.interpolated(map_weight),
    )
