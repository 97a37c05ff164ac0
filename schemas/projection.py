"""From the embedding space onto a plane, to be looked at: two axes, kept in the collection.

The axes are those along which the points of each modality differ most from their own mean
(principal components): without taking the means out, the first axis would say no more than which
modality a point has. They are fitted with the background (:mod:`ingest.background`), and only they
are kept: whoever draws a map projects the points that are there then (:mod:`search.space_map`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from schemas.packed import pack_floats, unpack_floats
from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECTION_KEY: Final = "projection"
"""Of the collection metadata."""

METHOD: Final = "pca"


@dataclass(frozen=True, slots=True)
class Projection:
    """Two axes of an embedding space.

    Attributes:
        axes: Two orthogonal vectors of unit length, ``dimension`` numbers each, the one with more
            variance first.
        means: Modality -> the mean of its vectors, which is taken out before projecting.

    Raises:
        ValueError: Its parts do not fit together.
    """

    axes: tuple[tuple[float, ...], tuple[float, ...]]
    means: Mapping[Modality, tuple[float, ...]]

    def __post_init__(self) -> None:
        """Refuse what nothing could be projected with."""
        rows = [*self.axes, *self.means.values()]
        if len({len(row) for row in rows}) != 1 or not all(map(isfinite, sum(rows, ()))):
            msg = "the projection is damaged"
            raise ValueError(msg)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict; numbers are float32, base64."""
        return {
            "method": METHOD,
            "axes": [pack_floats(axis) for axis in self.axes],
            "means": {str(modality): pack_floats(mean) for modality, mean in self.means.items()},
        }


def read_projection(metadata: Mapping[str, Any]) -> Projection | None:
    """The projection in a collection's metadata; None where there is none that can be read."""
    try:
        fields = metadata[PROJECTION_KEY]
        if fields["method"] != METHOD:
            return None
        first, second = map(unpack_floats, fields["axes"])
        means = {Modality(name): unpack_floats(mean) for name, mean in fields["means"].items()}
        return Projection((first, second), means)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
