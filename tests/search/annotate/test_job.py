"""Tags of files and of collections; what is written survives synchronisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from ingest.store.collections import resolve_collection
from ingest.store.connect import connect
from ingest.store.lease import Lease, hold
from schemas.errors import LockHeld, SpaceMismatch, UnknownField
from schemas.records import Part
from schemas.settings import Settings, load_settings
from search.annotate.captions import find_captions
from search.annotate.indexed import open_tag_writer, read_typical_images
from search.annotate.job import Tagged, Vocabulary, tag_collection, tag_photographs
from search.annotate.tagger import Rule
from search.searcher import Searcher
from tests.legible import VOID_COLOUR, LegibleEncoder
from tests.search.conftest import COLOURS, fill
from tests.search.corpus import to_image_chunk, to_text_points
from tests.sync_rig import Rig, paint, write

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ingest.store.engine import Engine

COLOUR_LABELS = Vocabulary(("red", "green", "blue"), ("{}", "a photo of {}"))


@pytest.fixture
def settings() -> Settings:
    return load_settings(isolate=False, url=":memory:")


def labels_of(tagged: Iterable[Tagged]) -> dict[str, list[str]]:
    """File name -> labels."""
    return {
        one.location.rpartition("/")[2]: [tag.label for tag in one.tags]
        for one in tagged
        if one.error is None
    }


def test_files_and_folders_are_tagged_in_order(
    photographs: dict[str, Path], settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("red")
    paths = [photographs["blue"], tmp_path]
    tagged = list(tag_photographs(paths, COLOUR_LABELS, LegibleEncoder(), settings))
    assert [one.location for one in tagged] == [
        str(photographs[name]) for name in ("blue", *sorted(COLOURS))
    ]
    assert labels_of(tagged) == {
        "red.png": ["red"],
        "green.png": ["green"],
        "blue.png": ["blue"],
        "yellow.png": ["red", "green"],
    }
    assert [tag.score for tag in tagged[-1].tags] == pytest.approx([0.7071068] * 2)


@pytest.mark.parametrize("isolate", [False, True])
def test_a_file_that_cannot_be_read_costs_only_itself(
    photographs: dict[str, Path], tmp_path: Path, *, isolate: bool
) -> None:
    broken, void = tmp_path / "broken.png", tmp_path / "void.png"
    broken.write_bytes(photographs["red"].read_bytes()[:40])
    Image.new("RGB", (8, 6), VOID_COLOUR).save(void)
    (tmp_path / "link.png").symlink_to("/etc/hostname")
    paths = [tmp_path / "gone.png", tmp_path]
    settings = load_settings(isolate=isolate)
    tagged = list(tag_photographs(paths, COLOUR_LABELS, LegibleEncoder(), settings))
    failed = {
        one.location.rpartition("/")[2]: one.to_json()["error"] for one in tagged if one.error
    }
    assert failed == {
        "gone.png": "UnreadableSource",
        "broken.png": "DecodeError",
        "void.png": "InvalidVector",
        "link.png": "UnreadableSource",
    }
    assert set(labels_of(tagged)) == {f"{name}.png" for name in COLOURS}


def test_nothing_that_can_be_read_is_no_error(settings: Settings, tmp_path: Path) -> None:
    assert list(tag_photographs([tmp_path], COLOUR_LABELS, LegibleEncoder(), settings)) == []
    gone = list(tag_photographs([tmp_path / "a.png"], COLOUR_LABELS, LegibleEncoder(), settings))
    assert [one.error is None for one in gone] == [False]


def test_a_collection_is_tagged_by_its_vectors(engine: Engine, encoder: LegibleEncoder) -> None:
    collection = resolve_collection(engine, "colours")
    vocabulary = Vocabulary(("red", "green"), rule=Rule(top=1))
    before = encoder.encoded_images
    tagged = list(tag_collection(engine, collection, vocabulary, encoder))
    assert encoder.encoded_images == before
    assert labels_of(tagged) == {
        "red.png": ["red"],
        "green.png": ["green"],
        "blue.png": [],
        "yellow.png": ["red"],
    }
    some = tag_collection(engine, collection, vocabulary, encoder, where={"width_pixels": 2})
    assert [one.source_uri for one in some] == ["folder://root/green.png"]
    assert "tags" not in engine.scroll(collection.name, limit=1)[0][0].payload  # type: ignore[operator]


def test_a_collection_needs_its_own_space_and_known_fields(
    engine: Engine, encoder: LegibleEncoder
) -> None:
    collection = resolve_collection(engine, "colours")
    with pytest.raises(SpaceMismatch):
        list(tag_collection(engine, collection, COLOUR_LABELS, LegibleEncoder("legible-2")))
    with pytest.raises(UnknownField):
        list(tag_collection(engine, collection, COLOUR_LABELS, encoder, where={"colour": "red"}))


def test_the_typical_images_are_the_collections(engine: Engine) -> None:
    rows = read_typical_images(engine, resolve_collection(engine, "colours").name)
    assert rows.shape == (4, 5)
    assert rows.dtype == np.float32


@pytest.mark.parametrize("place", [":memory:", "embedded"])
def test_written_tags_are_searched_by_and_replaced(
    place: str, photographs: dict[str, Path], encoder: LegibleEncoder, tmp_path: Path
) -> None:
    url = place if place == ":memory:" else str(tmp_path / "index")
    settings = load_settings(url=url)
    engine = connect(url)
    fill(engine, encoder, photographs)
    collection = resolve_collection(engine, "colours")
    payloads = {one.id: one.payload for one in engine.scroll(collection.name, limit=100)[0]}
    for names in (("green", "red"), ("red", "blue")):
        list(tag_collection(engine, collection, Vocabulary(names), encoder, writing=settings))
    after = {
        one.id: dict(one.payload or {}) for one in engine.scroll(collection.name, limit=100)[0]
    }
    tags = {one["location"].rpartition("/")[2]: one.pop("tags", None) for one in after.values()}
    assert {name: tags[name] for name in ("red.png", "green.png", "yellow.png", "rose.txt")} == {
        "red.png": ["red"],
        "green.png": [],
        "yellow.png": ["red"],
        "rose.txt": None,
    }
    assert after == payloads
    with Searcher(engine, collection, encoder) as searcher:
        hits = searcher.search("green", target="image", where={"tags": "red"}).hits
        assert [hit.location.rpartition("/")[2] for hit in hits] == ["yellow.png", "red.png"]


def test_tags_survive_a_synchronisation_until_the_image_changes(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    paint(rig.folder / "a.png", (255, 0, 0))
    paint(rig.folder / "b.png", (0, 255, 0))
    write(rig.folder / "c.txt", "a red rose")
    rig.sync()
    collection = resolve_collection(rig.memory, "diptych")
    encoder = LegibleEncoder()
    for _ in tag_collection(rig.memory, collection, COLOUR_LABELS, encoder, writing=rig.settings()):
        pass

    def tags() -> dict[str, object]:
        points = rig.found().values()
        return {payload["location"][-5:]: payload.get("tags") for *_, payload in points}

    tagged = {"a.png": ["red"], "b.png": ["green"], "c.txt": None}
    assert tags() == tagged
    rig.sync()
    assert (rig.engine.writes, rig.encoder.encoded, tags()) == (0, 0, tagged)
    (rig.folder / "b.png").touch()  # its listing is refreshed
    rig.sync(checksum=True)
    assert tags() == tagged
    paint(rig.folder / "a.png", (0, 0, 255))
    rig.sync()
    assert tags() == {**tagged, "a.png": None}
    rig.close()


def test_on_a_server_one_run_at_a_time_writes(engine: Engine, encoder: LegibleEncoder) -> None:
    collection = resolve_collection(engine, "colours")
    settings = load_settings(url="http://127.0.0.1:1")

    def tag() -> list[Tagged]:
        return list(tag_collection(engine, collection, COLOUR_LABELS, encoder, writing=settings))

    run = Lease(engine, collection.name, place="another machine", seconds=60)
    with hold(run), pytest.raises(LockHeld):
        tag()
    assert len(tag()) == 4
    with open_tag_writer(engine, collection.name, settings), pytest.raises(LockHeld):
        run.take()
    run.take()


def test_captions_come_before_passages(
    engine: Engine, encoder: LegibleEncoder, photographs: dict[str, Path]
) -> None:
    collection = resolve_collection(engine, "colours")
    with Searcher(engine, collection, encoder) as searcher:
        page = find_captions(searcher, photographs["blue"], top_k=2)
        assert [hit.snippet for hit in page.hits] == ["the blue sea", "a black night"]
        captions = [
            to_image_chunk(f"{words}.png", text=words, part=Part.CAPTION)
            for words in ("a blue boat", "a red boat")
        ]
        engine.upsert(collection.name, to_text_points(encoder, captions))
        page = find_captions(searcher, photographs["blue"], top_k=2)
        assert [(hit.snippet, hit.part) for hit in page.hits] == [
            ("a blue boat", "caption"),
            ("a red boat", "caption"),
        ]
