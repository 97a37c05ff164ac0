"""What scores mean in one collection: how near its items lie to any query at all.

In a shared space texts lie much nearer to texts than images do, so a cosine of 0.3 may be an
excellent image and a poor text. A background is measured on a sample of the collection's own points
(:mod:`ingest.background`), kept in the collection's metadata, and makes scores of different
modalities comparable (:mod:`search.calibration`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, Final

from schemas.packed import pack_floats, unpack_floats
from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping

BACKGROUND_KEY: Final = "background"
"""Of the collection metadata."""

VERSION: Final = 1

LEVELS: Final = (
    *(0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    *(0.95, 0.975, 0.99, 0.995, 0.9975, 0.999, 0.9995, 0.9999),
)
"""Shares of the background's scores that lie below each of its quantiles; closer in the upper tail,
where answers are."""

Direction = tuple[Modality, Modality]
"""The modality of a query, and the one that is searched."""


@dataclass(frozen=True, slots=True)
class Background:
    """How scores are distributed where query and item have nothing to do with each other.

    Attributes:
        means: Modality -> the mean of its vectors, ``dimension`` numbers; not of unit length: the
            longer it is, the narrower the cone that the modality lies in.
        spreads: Direction -> how much the cosine of a query and an unrelated item differs from the
            query's cosine to the mean: the root of the mean square, above 0.
        quantiles: Direction -> calibrated scores below which the shares of :data:`LEVELS` lie,
            rising. The calibrated score of a query q with an item x is (q·x - q·mean) / spread:
            how much nearer the item lies than an item of its modality does on average.
        counts: Modality -> points in the collection when it was measured.
    """

    means: Mapping[Modality, tuple[float, ...]]
    spreads: Mapping[Direction, float]
    quantiles: Mapping[Direction, tuple[float, ...]]
    counts: Mapping[Modality, int]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict; means are float32, base64."""
        return {
            "version": VERSION,
            "means": {str(modality): pack_floats(mean) for modality, mean in self.means.items()},
            "spreads": {_to_name(one): spread for one, spread in self.spreads.items()},
            "quantiles": {_to_name(one): list(values) for one, values in self.quantiles.items()},
            "counts": {str(modality): count for modality, count in self.counts.items()},
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Background:
        """What :meth:`to_json` described.

        Raises:
            KeyError: A field is missing.
            ValueError: A field has a value that no background has, or it is of another version.
        """
        if fields["version"] != VERSION:
            msg = f"background version {fields['version']!r}, not {VERSION}"
            raise ValueError(msg)
        found = cls(
            means={Modality(name): unpack_floats(mean) for name, mean in fields["means"].items()},
            spreads={_to_direction(name): float(one) for name, one in fields["spreads"].items()},
            quantiles={
                _to_direction(name): tuple(values) for name, values in fields["quantiles"].items()
            },
            counts={Modality(name): int(count) for name, count in fields["counts"].items()},
        )
        found.check()
        return found

    def check(self) -> None:
        """Refuse what scores could not be read by.

        Raises:
            ValueError: A direction lacks its mean or its spread, or a number is out of range.
        """
        known = {(query, target) for query in self.means for target in self.means}
        is_sound = (
            set(self.quantiles) <= set(self.spreads) <= known
            and len({len(mean) for mean in self.means.values()}) <= 1
            and all(isfinite(number) for mean in self.means.values() for number in mean)
            and all(0 < spread < inf for spread in self.spreads.values())
            and all(
                len(values) == len(LEVELS)
                and all(map(isfinite, values))
                and list(values) == sorted(values)
                for values in self.quantiles.values()
            )
        )
        if not is_sound:
            msg = "the background is damaged"
            raise ValueError(msg)


def read_background(metadata: Mapping[str, Any]) -> Background | None:
    """The background in a collection's metadata; None where there is none that can be read."""
    try:
        return Background.from_json(metadata[BACKGROUND_KEY])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _to_name(direction: Direction) -> str:
    query, target = direction
    return f"{query}->{target}"


def _to_direction(name: str) -> Direction:
    query, _, target = name.partition("->")
    return Modality(query), Modality(target)
