"""What must be reached: ``recall@10=0.6``, ``text->image:recall@10=0.6``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from schemas.errors import SettingsError
from schemas.evaluation import Direction, Floor, Shortfall
from search.evaluate.measures import MEDIAN_RANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from schemas.evaluation import Figures


def parse_floor(text: str) -> Floor:
    """The floor that is written so.

    Raises:
        SettingsError: It is of another form, or asks a rank to be high.
    """
    where, colon, rest = text.rpartition(":")
    measure, _, number = rest.partition("=")
    try:
        floor = Floor(measure, float(number), Direction(where) if colon else None)
    except ValueError:
        floor = Floor(measure, math.nan)
    if not 0 <= floor.least <= 1:  # also when it is NaN
        directions = ", ".join(Direction)
        raise SettingsError(
            f"{text!r} is not MEASURE=NUMBER or DIRECTION:MEASURE=NUMBER, with a number from 0 to "
            f"1; directions: {directions}"
        )
    return floor


def check_floors(
    floors: Iterable[Floor], measures: Sequence[str], directions: Sequence[Direction] | None
) -> None:
    """Refuse a floor under what is not measured.

    Raises:
        SettingsError: Its measure or direction is not among those to measure.
    """
    for floor in floors:
        if floor.measure == MEDIAN_RANK:
            raise SettingsError(f"{floor}: a low median rank is good; set a floor under mrr")
        if floor.measure not in measures:
            raise SettingsError(f"{floor}: only {', '.join(measures)} are measured")
        if directions is not None and floor.direction and floor.direction not in directions:
            raise SettingsError(f"{floor}: only {', '.join(directions)} is measured")


def iter_shortfalls(floors: Iterable[Floor], figures: Sequence[Figures]) -> Iterator[Shortfall]:
    """The floors that were not reached by the value itself, whatever its interval.

    A floor with a direction in which nothing could be asked is not reached.
    """
    whole = [one for one in figures if not one.part]
    for floor in floors:
        concerned = [one for one in whole if floor.direction in (None, one.direction)]
        if not concerned:
            yield Shortfall(floor, None, None)
        for one in concerned:
            value = one.measures[floor.measure].value
            if value < floor.least:
                yield Shortfall(floor, one.direction, value)
