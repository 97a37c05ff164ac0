"""A map of the shared space: a sample of the collection's points on a plane."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import numpy as np

from ingest.store.sampling import read_sample
from schemas.collection import read_vector
from schemas.projection import METHOD, read_projection
from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qdrant_client import models

    from ingest.store.engine import Engine
    from schemas.projection import Projection

    Floats = NDArray[np.float64]

MOST_POINTS: Final = 5_000
"""On a map; more hide each other, and every one is sent to whoever looks."""

MOST_TITLE_CHARACTERS: Final = 80

_FIELDS: Final = ("title", "caption", "source_uri")


@dataclass(frozen=True, slots=True)
class MapPoint:
    """A point of the collection on the map.

    Attributes:
        point_id: As in the collection.
        modality: What it is.
        x: From -1 to 1, along the axis with most variance.
        y: From -1 to 1, along the next.
        title: Its title, else its caption, else the end of its source URI; cut.
    """

    point_id: str
    modality: Modality
    x: float
    y: float
    title: str


@dataclass(frozen=True, slots=True)
class SpaceMap:
    """A sample of a collection on a plane, the same for the same points.

    Attributes:
        points: Images, then texts; as many of each as there are, or half of the map.
        method: How the plane was found: ``pca``, after taking each modality's mean out.
        collection: The concrete collection.
    """

    points: tuple[MapPoint, ...]
    method: str
    collection: str

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "method": self.method,
            "collection": self.collection,
            "points": [{**asdict(one), "modality": str(one.modality)} for one in self.points],
        }


def read_map(engine: Engine, collection: str, *, limit: int = MOST_POINTS) -> SpaceMap | None:
    """Project a sample of a collection; the sample's vectors are read, which takes a moment.

    Args:
        engine: The store.
        collection: The collection's own name.
        limit: Points at most.

    Returns:
        None where the collection has no plane yet: it has too few points, or no run has written to
        it since there are maps.

    Raises:
        StoreError: The store failed.
    """
    plane = read_projection(engine.read_metadata(collection))
    if plane is None:
        return None
    found = {
        modality: read_sample(
            engine, collection, modality, limit=limit // len(Modality), fields=_FIELDS
        )
        for modality in plane.means
    }
    placed = [
        (modality, records, _project(plane, modality, records))
        for modality, records in found.items()
        if records
    ]
    extent = max((np.abs(places).max() for _, _, places in placed), default=0.0) or 1.0
    points = (
        _to_point(modality, record, place / extent)
        for modality, records, places in placed
        for record, place in zip(records, places, strict=True)
    )
    return SpaceMap(tuple(points), METHOD, collection)


def _project(plane: Projection, modality: Modality, records: Sequence[models.Record]) -> Floats:
    vectors = np.asarray([read_vector(one) for one in records], dtype=np.float64)
    places: Floats = (vectors - plane.means[modality]) @ np.asarray(plane.axes).T
    return places


def _to_point(modality: Modality, record: models.Record, place: Floats) -> MapPoint:
    payload = record.payload or {}
    title = payload.get("title") or payload.get("caption") or _to_name(payload["source_uri"])
    x, y = (round(float(one), 4) for one in place)
    return MapPoint(str(record.id), modality, x, y, " ".join(title.split())[:MOST_TITLE_CHARACTERS])


def _to_name(source_uri: str) -> str:
    return unquote(source_uri.rsplit("/", 1)[-1])
