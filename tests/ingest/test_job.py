"""Ingestion through its public API: folders in, points out, every item accounted for."""

from __future__ import annotations

import json
import os
import shutil
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from ingest.job import IngestJob
from ingest.sources.folder import FolderSource
from ingest.store.collections import resolve_collection
from ingest.store.connect import connect
from schemas.collection import from_payload, to_point_id
from schemas.errors import LockHeld, SettingsError, SpaceMismatch
from schemas.settings import load_settings
from tests.legible import VOID_COLOUR, VOID_WORD, LegibleEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ingest.store.engine import Engine
    from schemas.records import Chunk
    from schemas.report import RunReport

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = connect(":memory:")
    yield engine
    engine.close()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    Image.new("RGB", (8, 6), RED).save(folder / "red.png")
    Image.new("RGB", (6, 8), BLUE).save(folder / "deep" / "blue.jpg", quality=95)
    (folder / "note.txt").write_text("a red note", encoding="utf-8")
    (folder / "deep" / "long.md").write_text("# Greens\n\n" + "green " * 30, encoding="utf-8")
    (folder / "unknown.bin").write_bytes(b"\0\1")
    return folder


@pytest.fixture
def run(engine: Engine, tmp_path: Path) -> Callable[..., RunReport]:
    def run(folder: Path, encoder: LegibleEncoder | None = None, **options: Any) -> RunReport:
        chosen = {"chunk_overlap_tokens": 2, "workers": 2, **options.pop("settings", {})}
        settings = load_settings(url=":memory:", **chosen)
        source = FolderSource.open(folder, **options.pop("source", {}))
        letters = tmp_path / "dead-letters.jsonl"
        job = IngestJob(source, settings, dead_letters=letters, show_progress=False, **options)
        return job.run(engine=engine, encoder=encoder or LegibleEncoder())

    return run


def indexed(engine: Engine, collection: str = "diptych") -> dict[str, Chunk]:
    points, _ = engine.scroll(collection, limit=10_000, with_payload=True)
    return {str(point.id): from_payload(point.payload or {}) for point in points}


def paths(engine: Engine) -> set[tuple[str, int]]:
    return {(chunk.record.source_uri, chunk.ordinal) for chunk in indexed(engine).values()}


def test_a_folder_becomes_points_with_stable_ids(
    engine: Engine, run: Callable[..., RunReport], photos: Path
) -> None:
    report = run(photos)
    counts = report.counts
    assert (counts.scanned, counts.added, counts.failed) == (4, 4, 0)
    assert counts.balanced
    assert report.exit_code == 0
    assert (report.root, report.model_id) == ("photos", LegibleEncoder().space.model_id)
    chunks = indexed(engine)
    assert counts.images + counts.texts == len(chunks)
    red = chunks[to_point_id("folder://photos/red.png", 0)]
    assert (red.width_pixels, red.height_pixels) == (8, 6)
    assert red.record.location == str(photos / "red.png")
    longs = [c for c in chunks.values() if c.record.source_uri == "folder://photos/deep/long.md"]
    assert len(longs) == longs[0].count > 1
    assert {chunk.title for chunk in longs} == {"Greens"}


def test_a_second_run_encodes_nothing_and_writes_nothing(
    engine: Engine, run: Callable[..., RunReport], photos: Path
) -> None:
    first = run(photos)
    before = indexed(engine)
    encoder = LegibleEncoder()
    second = run(photos, encoder)
    assert (encoder.encoded_images, encoder.encoded_texts) == (0, 0)
    assert second.counts.unchanged == second.counts.scanned == first.counts.added
    assert (second.counts.images, second.counts.texts, second.counts.tokens) == (0, 0, 0)
    assert indexed(engine) == before


def test_only_what_changed_is_encoded_again(
    engine: Engine, run: Callable[..., RunReport], photos: Path
) -> None:
    run(photos)
    (photos / "note.txt").write_text("a blue note", encoding="utf-8")
    report = run(photos)
    assert (report.counts.updated, report.counts.unchanged, report.counts.texts) == (1, 3, 1)
    assert indexed(engine)[to_point_id("folder://photos/note.txt", 0)].text == "a blue note"


def test_a_document_that_shrinks_leaves_no_stale_chunk(
    engine: Engine, run: Callable[..., RunReport], photos: Path
) -> None:
    run(photos)
    assert ("folder://photos/deep/long.md", 1) in paths(engine)
    (photos / "deep" / "long.md").write_text("short green", encoding="utf-8")
    run(photos)
    assert {path for path in paths(engine) if "long.md" in path[0]} == {
        ("folder://photos/deep/long.md", 0)
    }


def test_an_update_cut_short_is_completed_by_the_next_run(
    engine: Engine, run: Callable[..., RunReport], photos: Path
) -> None:
    run(photos)
    engine.delete("diptych", [to_point_id("folder://photos/deep/long.md", 1)])
    report = run(photos)
    assert (report.counts.updated, report.counts.unchanged) == (1, 3)
    assert ("folder://photos/deep/long.md", 1) in paths(engine)


def test_a_broken_item_costs_only_itself_and_keeps_its_old_version(
    engine: Engine, run: Callable[..., RunReport], photos: Path, tmp_path: Path
) -> None:
    run(photos)
    whole = (photos / "red.png").read_bytes()
    (photos / "red.png").write_bytes(whole[: len(whole) // 2])
    (photos / "note.txt").write_text("changed to blue", encoding="utf-8")
    report = run(photos)
    assert (report.counts.failed, report.counts.updated, report.counts.unchanged) == (1, 1, 2)
    assert report.exit_code == 3
    [failure] = report.failures
    assert failure.source_uri == "folder://photos/red.png"
    assert failure.kind == "DecodeError"
    assert ("folder://photos/red.png", 0) in paths(engine)
    [line] = (tmp_path / "dead-letters.jsonl").read_text(encoding="utf-8").splitlines()
    letter = json.loads(line)
    assert letter["location"] == str(photos / "red.png")
    assert letter["fingerprint"] == report.fingerprint


def test_the_dead_letter_file_holds_the_last_run_alone(
    run: Callable[..., RunReport], photos: Path, tmp_path: Path
) -> None:
    (photos / "empty.png").touch()
    assert run(photos).counts.failed == 1
    (photos / "empty.png").unlink()
    assert run(photos).counts.failed == 0
    assert (tmp_path / "dead-letters.jsonl").read_text(encoding="utf-8") == ""


def test_an_item_that_the_model_cannot_encode_fails_alone(
    engine: Engine, run: Callable[..., RunReport], photos: Path
) -> None:
    (photos / "poison.txt").write_text(VOID_WORD, encoding="utf-8")
    Image.new("RGB", (8, 8), VOID_COLOUR).save(photos / "poison.png")
    report = run(photos)
    assert (report.counts.added, report.counts.failed) == (4, 2)
    assert {failure.kind for failure in report.failures} == {"InvalidVector"}
    assert not {path for path, _ in paths(engine) if "poison" in path}


def test_another_model_is_refused_and_nothing_is_touched(
    engine: Engine, run: Callable[..., RunReport], photos: Path
) -> None:
    run(photos)
    before = indexed(engine)
    with pytest.raises(SpaceMismatch, match="--collection"):
        run(photos, LegibleEncoder(model_id="another"))
    assert indexed(engine) == before


def test_two_roots_share_a_collection_and_keep_apart(
    engine: Engine, run: Callable[..., RunReport], photos: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "photos"
    shutil.copytree(photos, other)
    run(photos)
    with pytest.raises(SettingsError, match="--name"):
        run(other)
    report = run(other, source={"name": "copies"})
    assert report.counts.added == 4
    assert len(paths(engine)) == 2 * len(
        {p for p in paths(engine) if p[0].startswith("folder://p")}
    )


def test_a_root_that_moved_is_re_pointed_without_encoding(
    engine: Engine, run: Callable[..., RunReport], photos: Path, tmp_path: Path
) -> None:
    run(photos)
    moved = tmp_path / "elsewhere" / "photos"
    moved.parent.mkdir()
    photos.rename(moved)
    encoder = LegibleEncoder()
    report = run(moved, encoder)
    assert report.counts.unchanged == 4
    assert (encoder.encoded_images, encoder.encoded_texts) == (0, 0)
    assert {chunk.record.location for chunk in indexed(engine).values()} == {
        str(path) for path in moved.rglob("*") if path.is_file() and path.suffix != ".bin"
    }


def test_a_touched_item_is_found_by_its_new_time_without_encoding(
    engine: Engine, run: Callable[..., RunReport], photos: Path
) -> None:
    run(photos)
    os.utime(photos / "red.png", (86_400, 86_400))
    encoder = LegibleEncoder()
    assert run(photos, encoder).counts.unchanged == 4
    assert (encoder.encoded_images, encoder.encoded_texts) == (0, 0)
    points, _ = engine.scroll("diptych", limit=100, with_payload=True)
    times = {(p.payload or {})["source_uri"]: (p.payload or {})["modified_at"] for p in points}
    assert times["folder://photos/red.png"] == "1970-01-02T00:00:00+00:00"


def test_another_overlap_cuts_and_encodes_texts_again_and_leaves_images(
    run: Callable[..., RunReport], photos: Path
) -> None:
    run(photos)
    report = run(photos, settings={"chunk_overlap_tokens": 3})
    assert (report.counts.updated, report.counts.unchanged) == (2, 2)
    assert report.counts.images == 0


def test_include_exclude_and_hidden_choose_the_items(
    engine: Engine, run: Callable[..., RunReport], photos: Path
) -> None:
    (photos / ".secret.txt").write_text("red", encoding="utf-8")
    run(photos, source={"include": ("*.txt",), "hidden": True})
    assert {path for path, _ in paths(engine)} == {
        "folder://photos/note.txt",
        "folder://photos/.secret.txt",
    }
    run(photos, source={"exclude": ("deep/",)})
    assert not {path for path, _ in paths(engine) if "deep" in path}


def test_a_set_stop_ends_the_run_whole_and_the_next_one_goes_on(
    run: Callable[..., RunReport], photos: Path
) -> None:
    stopping = Event()
    stopping.set()
    report = run(photos, stopping=stopping)
    assert report.interrupted
    assert report.counts.scanned == 0
    assert run(photos).counts.scanned == 4


def test_every_item_is_counted_once_whatever_the_slices(
    engine: Engine, run: Callable[..., RunReport], tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(67):
        (folder / f"{number}.txt").write_text(f"red number {number}", encoding="utf-8")
    report = run(folder, settings={"batch_size": 5})
    assert report.counts.balanced
    assert (report.counts.scanned, report.counts.added, report.counts.texts) == (67, 67, 67)
    assert len(indexed(engine)) == 67


def test_an_embedded_index_keeps_its_points_and_its_dead_letters(
    photos: Path, tmp_path: Path
) -> None:
    (photos / "empty.jpg").touch()
    index = tmp_path / "index"
    job = IngestJob(FolderSource.open(photos), load_settings(url=str(index)), show_progress=False)
    report = job.run(encoder=LegibleEncoder())
    assert report.counts.failed == 1
    assert len((index / "dead-letters.jsonl").read_text(encoding="utf-8").splitlines()) == 1
    engine = connect(str(index))
    try:
        collection = resolve_collection(engine, "diptych")
        assert collection.name == report.collection == "diptych__g001"
        assert collection.space == LegibleEncoder().space
        assert engine.count("diptych").count == report.counts.images + report.counts.texts
        with pytest.raises(LockHeld):
            IngestJob(FolderSource.open(photos), load_settings(url=str(index))).run(
                encoder=LegibleEncoder()
            )
    finally:
        engine.close()


def test_an_index_inside_its_own_root_is_not_indexed(photos: Path) -> None:
    index = photos / "diptych-index"
    settings = load_settings(url=str(index))
    for expected in (4, 4):
        job = IngestJob(FolderSource.open(photos), settings, show_progress=False)
        assert job.run(encoder=LegibleEncoder()).counts.scanned == expected
    assert index.is_dir()
