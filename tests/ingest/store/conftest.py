"""The engines, behind one fixture."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.ingest.store.samples import create, reach, to_points
from tests.loopback.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.store.engine import Engine


@pytest.fixture(
    scope="module",
    params=["memory", "embedded", "rest", pytest.param("server", marks=pytest.mark.server)],
)
def address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of each engine in turn; a server's where ``QDRANT_URL`` names one."""
    if request.param == "rest":
        with serving() as server:
            yield server.url
        return
    addresses = {
        "memory": ":memory:",
        "embedded": str(tmp_path_factory.mktemp("embedded") / "index"),
        "server": os.environ.get("QDRANT_URL"),
    }
    found = addresses[request.param]
    if found is None:
        pytest.skip("QDRANT_URL is not set: name a Qdrant server to run the server suite")
    yield found


@pytest.fixture(scope="module")
def engine(address: str) -> Iterator[Engine]:
    """An open engine that the tests of a module share; each takes a collection of its own."""
    with reach(address) as opened:
        yield opened


@pytest.fixture
def name(engine: Engine, address: str) -> Iterator[str]:
    """A collection name that no other test uses; every generation leaves the server again."""
    unique = f"test_{uuid4().hex}"
    yield unique
    for collection in engine.get_collections().collections:
        if collection.name.startswith(unique) and "://" in address:
            engine.delete_collection(collection.name)


@pytest.fixture
def collection(engine: Engine, name: str) -> str:
    """An empty collection of four dimensions with a payload index."""
    create(engine, name)
    return name


@pytest.fixture(scope="module")
def filled(engine: Engine) -> Iterator[str]:
    """The nine points, for tests that only read."""
    name = f"test_{uuid4().hex}"
    create(engine, name)
    engine.upsert(name, to_points())
    yield name
    engine.delete_collection(name)


@pytest.fixture
def mine(engine: Engine, collection: str) -> str:
    """The nine points, for a test that changes them."""
    engine.upsert(collection, to_points())
    return collection
