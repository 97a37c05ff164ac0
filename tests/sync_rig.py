"""A folder, an index that outlives the process, and a process that can die at any call.

The truth is what a fresh ingest of the folder as it is gives in another index: after a
synchronisation the index must hold exactly that.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ingest.encoders.canary import CANARY_TEXTS, to_canary_images
from ingest.job import IngestJob
from ingest.ledger.ledger import Ledger
from ingest.sources.folder import FolderSource
from ingest.store.connect import connect
from ingest.store.embedded.engine import EmbeddedEngine
from ingest.store.embedded.points import to_edge_id
from ingest.store.retrying import without_retries
from ingest.sync.job import SyncJob
from ingest.sync.session import SyncOptions
from schemas.settings import RootSettings, load_settings
from tests.legible import LegibleEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pytest

    from ingest.store.engine import Engine
    from schemas.settings import Settings
    from schemas.space import Role, Vectors
    from schemas.sync_report import SyncReport

WRITES = frozenset({"upsert", "delete", "set_payload", "update_vectors", "update_collection"})
"""Engine calls that change points or what is said of them."""

_CANARY_BYTES = frozenset(image.tobytes() for image in to_canary_images())


class Died(BaseException):
    """The process is gone: nothing that it does after this has any effect."""


class World:
    """Counts calls, and lets the process die at one of them."""

    def __init__(self) -> None:
        self.calls = 0
        self.dies_at: int | None = None
        self.is_dead = False
        self.error: type[BaseException] = Died

    def call(self, act: Callable[[], Any]) -> Any:
        """An act with a crash point before it and one after it."""
        self._tick()
        answer = act()
        self._tick()
        return answer

    def revive(self, dies_at: int | None = None) -> None:
        self.calls, self.dies_at, self.is_dead, self.error = 0, dies_at, False, Died

    def _tick(self) -> None:
        self.calls += 1
        if self.is_dead or self.calls == self.dies_at:
            self.is_dead = True
            raise self.error("the process, or the store, is gone")


class CountingEncoder(LegibleEncoder):
    """Counts what it encodes, the canary aside."""

    def __init__(self, world: World | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.encoded = 0
        self._world = world or World()

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        count = sum(image.tobytes() not in _CANARY_BYTES for image in images)
        self.encoded += count
        answer: Vectors = self._world.call(
            lambda: super(CountingEncoder, self).encode_images(images)
        )
        return answer

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        self.encoded += sum(text not in CANARY_TEXTS for text in texts)
        answer: Vectors = self._world.call(
            lambda: super(CountingEncoder, self).encode_texts(texts, role)
        )
        return answer


class MortalEngine:
    """An engine whose every call is a crash point. What it has applied stays applied."""

    def __init__(self, engine: Engine, world: World) -> None:
        self._engine = engine
        self._world = world
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._engine, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.writes += name in WRITES
            return self._world.call(lambda: method(*args, **kwargs))

        return call


class Rig:
    """One folder that is synchronised into one index in memory.

    Args:
        base: Where the folder ``photos`` and the ledger are.
        settings: Further settings.
    """

    def __init__(self, base: Path, **settings: Any) -> None:
        self.folder = base / "photos"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.state = base / "state"
        self.world = World()
        self.memory = connect(":memory:")
        self.engine = MortalEngine(self.memory, self.world)
        self.encoder = CountingEncoder(self.world)
        self._settings = settings

    def settings(self, **more: Any) -> Settings:
        chosen = {"isolate": False, "chunk_overlap_tokens": 2, "workers": 1, "decode_workers": 1}
        return load_settings(
            url=":memory:", state_dir=self.state, **{**chosen, **self._settings, **more}
        )

    def sync(self, *sources: Path, **options: Any) -> SyncReport:
        """One run."""
        roots = [RootSettings(source=str(source)) for source in sources or (self.folder,)]
        return self.sync_roots(roots, **options)

    def sync_roots(self, roots: Sequence[RootSettings], **options: Any) -> SyncReport:
        """One run over roots that are more than a place."""
        self.encoder.encoded = 0
        self.engine.writes = 0
        chosen = SyncOptions(show_progress=False, **options)
        engine: Any = self.engine
        return SyncJob(roots, self.settings(), options=chosen).run(
            engine=engine, encoder=self.encoder
        )

    def found(self) -> dict[str, Any]:
        """What the index holds."""
        return read_points(self.memory)

    def truth(self) -> dict[str, Any]:
        """What it should hold."""
        return read_truth(self.folder, self.settings())

    def close(self) -> None:
        self.memory.close()


def read_points(engine: Engine, collection: str = "diptych") -> dict[str, Any]:
    """Point id -> vector to four decimals (engines scale vectors anew), words and payload."""
    points, _ = engine.scroll(collection, limit=100_000, with_vectors=True)
    words = _read_words(engine, collection, [point.id for point in points])
    return {
        str(point.id): (
            words.get(str(point.id)),
            np.asarray(point.vector, float).round(4).tolist(),
            # A refreshed listing leaves an empty field where there are no fields of the user's.
            {key: value for key, value in (point.payload or {}).items() if value != {}},
        )
        for point in points
    }


def _read_words(engine: Engine, collection: str, ids: Sequence[Any]) -> dict[str, Any]:
    """Point id -> its words, which engines themselves never return."""
    beneath: Any = without_retries(engine)
    if isinstance(beneath, EmbeddedEngine):
        edge = beneath._shard(collection)._edge
        edge_ids: Any = [to_edge_id(one) for one in ids]
        points: Any = edge.retrieve(edge_ids, [], ["words"])
    else:
        points = beneath._client.retrieve(
            collection, ids, with_payload=False, with_vectors=["words"]
        )
    vectors = {str(point.id): (point.vector or {}).get("words") for point in points}
    return {
        point_id: list(zip(words.indices, np.round(words.values, 4).tolist(), strict=True))
        for point_id, words in vectors.items()
        if words is not None
    }


def read_truth(
    folder: Path, settings: Settings, encoder: LegibleEncoder | None = None
) -> dict[str, Any]:
    """What a fresh ingest of a folder gives."""
    engine = connect(":memory:")
    source = FolderSource.open(folder)
    job = IngestJob(source, settings, show_progress=False)
    job.run(engine=engine, encoder=encoder or LegibleEncoder())
    try:
        return read_points(engine)
    finally:
        engine.close()


@contextmanager
def mortal_ledger(monkeypatch: pytest.MonkeyPatch, world: World) -> Iterator[None]:
    """Every read and every transaction of a ledger is a crash point."""
    changing, read = Ledger._changing, Ledger._read

    @contextmanager
    def mortal_changing(ledger: Ledger) -> Iterator[Any]:
        world._tick()
        with changing(ledger) as database:
            yield database
            world._tick()  # a transaction that is not committed
        world._tick()

    def mortal_read(ledger: Ledger, statement: str, *values: object) -> Any:
        return world.call(lambda: read(ledger, statement, *values))

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "_changing", mortal_changing)
        patched.setattr(Ledger, "_read", mortal_read)
        yield


def paint(path: Path, colour: tuple[int, int, int]) -> None:
    """A small picture of one colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), colour).save(path)


def write(path: Path, words: str) -> None:
    """A text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(words, encoding="utf-8")
