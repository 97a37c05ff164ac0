"""Points whose cosines one can compute by hand, for the tests of the store.

Import it as ``from tests.ingest.store.samples import ...``.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from qdrant_client import models

from ingest.store.connect import connect

if TYPE_CHECKING:
    from ingest.store.engine import Engine


def reach(address: str) -> Engine:
    """Open an address; a loopback server speaks REST alone and asks for no key."""
    is_loopback = "127.0.0.1" in address and address != os.environ.get("QDRANT_URL")
    key = None if is_loopback else os.environ.get("QDRANT_API_KEY")
    return connect(address, api_key=key, prefer_grpc=not is_loopback)


# Unit vectors at growing angles from the first axis: cosines that one can compute by hand.
ANGLES = {number: number * 10 for number in range(1, 10)}


def at_angle(degrees: float) -> list[float]:
    return [math.cos(math.radians(degrees)), math.sin(math.radians(degrees)), 0.0, 0.0]


def to_points() -> list[models.PointStruct]:
    """Nine points at 10, 20, ... 90 degrees: odd ones images, three to a document."""
    return [
        models.PointStruct(
            id=number,
            vector=at_angle(angle),
            payload={
                "modality": "image" if number % 2 else "text",
                "source_uri": f"folder://r/{(number - 1) // 3}",
                "page": number,
            },
        )
        for number, angle in ANGLES.items()
    ]


def matching(key: str, value: str | int) -> models.Filter:
    condition = models.FieldCondition(key=key, match=models.MatchValue(value=value))
    return models.Filter(must=[condition])


def point_alias(engine: Engine, alias: str, collection: str) -> None:
    create = models.CreateAlias(collection_name=collection, alias_name=alias)
    engine.update_collection_aliases([models.CreateAliasOperation(create_alias=create)])


def create(engine: Engine, name: str, dimension: int = 4) -> None:
    """An empty collection with a payload index."""
    params = models.VectorParams(size=dimension, distance=models.Distance.COSINE)
    engine.create_collection(name, params, metadata={"made_by": "a test"})
    engine.create_payload_index(name, "modality", models.PayloadSchemaType.KEYWORD)


IMAGES = matching("modality", "image")
AXIS = at_angle(0)
