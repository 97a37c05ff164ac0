"""Words reach every point: of new items, of twins and renamed ones, and of old collections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingest.store.collections import resolve_collection
from ingest.store.connect import connect
from ingest.sync.job import SyncJob
from ingest.sync.session import SyncOptions
from schemas.settings import RootSettings, load_settings
from search.searcher import Searcher
from tests.sync_rig import CountingEncoder, Rig, paint, read_points, write

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from ingest.store.engine import Engine

RED = (255, 0, 0)


def test_twins_and_renamed_items_keep_their_words(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    write(rig.folder / "a.txt", "the red harbour")
    paint(rig.folder / "plain.png", RED)
    rig.sync()
    write(rig.folder / "twin.txt", "the red harbour")
    (rig.folder / "a.txt").rename(rig.folder / "b.txt")
    rig.sync()
    assert rig.encoder.encoded == 0
    found = rig.found()
    assert found == rig.truth()
    with_words = [words for words, *_ in found.values() if words]
    assert len(with_words) == 2
    assert with_words[0] == with_words[1]
    rig.close()


def test_an_old_collection_gets_words_once_and_encodes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    write(folder / "a.txt", "the red harbour of Oslo")
    write(folder / "b.txt", "a blue sea")
    encoder = CountingEncoder()
    with connect(str(tmp_path / "index")) as engine:
        with monkeypatch.context() as before:
            make_old(before)
            sync(engine, encoder, tmp_path)
        name = resolve_collection(engine, "diptych").name
        engine.update_collection(name, metadata={"words": None})
        plain, _ = engine.scroll(name, limit=100, with_vectors=True)
        encoder.encoded = 0

        sync(engine, encoder, tmp_path)
        assert encoder.encoded == 0
        found = read_points(engine)
        assert all(words for words, *_ in found.values())
        assert engine.scroll(name, limit=100, with_vectors=True)[0] == plain
        with Searcher(engine, resolve_collection(engine, "diptych"), encoder) as searcher:
            page = searcher.search("oslo", target="text", hybrid=True, explain=True)
            words: list[Any] = [(hit.explanation or {})["words"] for hit in page.hits]
            assert page.hits[0].source_uri.endswith("a.txt")
            assert words[0] > 0 == words[1]


def make_old(patch: pytest.MonkeyPatch) -> None:
    """Collections and points as they were before words."""
    patch.setattr("ingest.store.collections.sparse_vector_params", lambda: None)
    patch.setattr("schemas.collection.to_vectors", lambda vector, _texts: vector)


def sync(engine: Engine, encoder: CountingEncoder, base: Path) -> Any:
    settings = load_settings(
        url=str(base / "index"), state_dir=base / "state", isolate=False, workers=1
    )
    roots = [RootSettings(source=str(base / "notes"))]
    job = SyncJob(roots, settings, options=SyncOptions(show_progress=False))
    return job.run(engine=engine, encoder=encoder)
