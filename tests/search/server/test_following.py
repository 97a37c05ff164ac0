"""A server goes on answering while the collection's name moves to another generation."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import httpx

from ingest.encoders.canary import canary_vectors
from ingest.store.collections import ensure_collection
from schemas.records import Modality
from tests.search.conftest import to_image_points

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.search.server.conftest import Served


def test_a_new_generation_is_taken_without_an_error(
    serve: Callable[..., Served], things: Path
) -> None:
    served = serve()
    old = served.client.post("/v1/search", json={"text": "red"}).json()["collection"]
    canary = canary_vectors(served.encoder, tuple(Modality))
    new = ensure_collection(served.engine, "other", served.encoder.space, canary).name
    photographs = {name: things / f"{name}.png" for name in ("red", "green", "blue", "yellow")}
    served.engine.upsert(new, to_image_points(served.encoder, photographs))
    seen: list[tuple[int, Any]] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=served.url, timeout=30) as client:
            while not stop.is_set():
                answer = client.get("/v1/search", params={"q": "red", "target": "image"})
                seen.append((answer.status_code, answer.json().get("collection")))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(seen) < 10:
        stop.wait(0.01)
    _move(served, "things", new)
    served.engine.delete_collection(old)
    while not any(collection == new for _, collection in seen[-3:]):
        stop.wait(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert {status for status, _ in seen} == {200}
    assert {collection for _, collection in seen} == {old, new}
    assert served.client.get("/readyz").status_code == 200


def _move(served: Served, alias: str, collection: str) -> None:
    from qdrant_client import models

    operations: list[models.CreateAliasOperation | models.DeleteAliasOperation] = [
        models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)),
        models.CreateAliasOperation(
            create_alias=models.CreateAlias(collection_name=collection, alias_name=alias)
        ),
    ]
    served.engine.update_collection_aliases(operations)
