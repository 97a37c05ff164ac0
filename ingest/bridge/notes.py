"""What is said of a training beside its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingest.bridge.material import LEAST_GENERAL
from ingest.encoders.bridge.side import Base

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.bridge.material import Parts
    from ingest.encoders.bridge.training import Trained
    from ingest.encoders.bridge.wise import Interpolation

_NOTHING_LEARNED: Final = (
    "No epoch found more of the validation pairs than what training began with, so that is what "
    "is kept: more pairs help, or another recipe."
)
_NOTHING_KNOWN: Final = (
    "Nothing is known of what was forgotten outside this domain: --general PAIRS measures it, and "
    "holds it within --forgetting."
)
_NOTHING_HELD: Final = (
    "Without a base there is nothing to go back to: what is found of the general pairs was "
    "measured, and not held within --forgetting."
)
_CHOSEN_BY_GENERAL: Final = (
    "The general pairs also chose the weight of the map, which flatters their figures a little."
)
_GATED: Final = (
    "A gate stands before the map: half of the general pairs taught it what is not of this domain, "
    "and that lies where it lay. The other half is what was measured."
)
_NOTHING_SEEN: Final = (
    "The general pairs show nothing of what was forgotten: whatever the weight of the map, as many "
    "of them are found among the first ten. Give more of them, some hundred."
)
_NOT_GATED: Final = (
    "Half of the general pairs taught a gate, which was not taken: without it the validation pairs "
    "are found as well. The other half is what was measured."
)
_TOO_FEW_FOR_A_GATE: Final = (
    f"No gate was taught: that takes {LEAST_GENERAL} general images that share no text and no "
    f"group with each other."
)
_NOTHING_BETTER: Final = (
    "No weight of the map finds the validation pairs better than the encoder as it was, so the map "
    "counts for nothing: more pairs help, or another recipe."
)
_NOTHING_KEPT: Final = (
    "Whatever weight of the map finds the validation pairs better forgets more of the general ones "
    "than --forgetting allows, so the map counts for nothing: pairs of more kinds help, or another "
    "tolerance."
)
_NOTHING_GATED: Final = (
    "Only without the gate are the validation pairs found better, so the map counts for nothing: "
    "what it would forget there is not known."
)


def iter_notes(
    trained: Trained, chosen: Interpolation | None, parts: Parts, base: Base, *, gate: bool
) -> Iterator[str]:
    """Sentences for the report.

    Args:
        trained: How the training went.
        chosen: The map's weight; None where it was not chosen.
        parts: Who was learned from.
        base: What the map corrects.
        gate: Whether a gate was wanted.
    """
    if base is Base.NONE:
        yield from [_NOTHING_HELD] if parts.general else []
        return
    is_learned = trained.best or not trained.epochs
    if not is_learned:
        yield _NOTHING_LEARNED
    if chosen is None:
        yield from [_NOTHING_KNOWN] if base is Base.OWN else []
    elif is_learned:
        yield from _iter_reasons(chosen)
        yield from _iter_gate(chosen, parts, gate=gate)
    elif parts.outside:
        yield _NOT_GATED


def _iter_reasons(chosen: Interpolation) -> Iterator[str]:
    """Why the map has its weight."""
    if chosen.map_weight == 0 and not chosen.finds_better:
        yield _NOTHING_BETTER
    elif chosen.shows_forgetting:
        yield _CHOSEN_BY_GENERAL if chosen.map_weight else _NOTHING_KEPT
    else:
        yield _NOTHING_SEEN
        yield from [] if chosen.map_weight else [_NOTHING_GATED]


def _iter_gate(chosen: Interpolation, parts: Parts, *, gate: bool) -> Iterator[str]:
    """What became of the gate, if one was wanted."""
    if parts.outside:
        yield _GATED if chosen.gated else _NOT_GATED
    elif gate:
        yield _TOO_FEW_FOR_A_GATE
