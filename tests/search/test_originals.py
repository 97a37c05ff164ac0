"""What the one door to originals lets through: only what was indexed, where it was indexed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ingest.sync.roots import forget_remembered
from schemas.collection import to_point_id
from schemas.errors import (
    PointMissing,
    QueryError,
    RootForgotten,
    SourceChanged,
    SourceTooLarge,
    UnreadableSource,
)
from search.pictures import read_original
from tests.hostile_images import bomb_png
from tests.search.gallery import BLUE, RED, is_like, to_file, to_id

if TYPE_CHECKING:
    from pathlib import Path

    from tests.search.gallery import Gallery


def test_a_collection_without_roots_hands_out_nothing(gallery: Gallery, photos: Path) -> None:
    (photos / "a.png").write_bytes(to_file(RED))
    (chunk,) = gallery.ingest(photos)
    forget_remembered(gallery.engine, "diptych", ["photos"])
    with pytest.raises(RootForgotten, match="where its root 'photos' lies"):
        gallery.read(chunk)


def test_what_was_kept_stays_to_be_seen_and_nothing_else(gallery: Gallery, photos: Path) -> None:
    for name, colour in (("a", RED), ("b", BLUE)):
        (photos / f"{name}.png").write_bytes(to_file(colour))
    red, blue = gallery.ingest(photos)
    gallery.look(red)
    for chunk in (red, blue):
        (photos / chunk.record.location.rpartition("/")[2]).unlink()
    assert is_like(gallery.see(red), RED)
    with pytest.raises(UnreadableSource, match=r"folder://photos/b\.png: cannot be found"):
        gallery.look(blue)
    with pytest.raises(UnreadableSource, match=r"folder://photos/a\.png"):
        gallery.read(red)


def test_changed_linked_away_grown_or_hostile_files_are_refused(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    path = photos / "a.png"
    path.write_bytes(to_file(RED))
    (chunk,) = gallery.ingest(photos)
    (tmp_path / "secret.png").write_bytes(to_file(RED))
    with pytest.raises(SourceTooLarge, match=r"folder://photos/a\.png"):
        gallery.read(chunk, max_source_bytes=10)
    path.write_bytes(bomb_png(30_000, 30_000))
    with pytest.raises(SourceChanged, match=r"folder://photos/a\.png: has changed"):
        gallery.look(chunk)
    path.unlink()
    path.symlink_to(tmp_path / "secret.png")  # of the same bytes: the place decides
    with pytest.raises(UnreadableSource, match="out of its root"):
        gallery.read(chunk)
    path.unlink()
    path.mkdir()
    with pytest.raises(UnreadableSource, match=r"a\.png: not a regular file"):
        gallery.read(chunk)


@pytest.mark.parametrize(
    "uri",
    [
        "folder://photos/../secret.png",
        "folder://photos/%2E%2E/secret.png",
        "folder://photos//etc/passwd",
        "folder://photos/a%00.png",
        "folder://photos/",
        "shard://photos/a.png",
        "folder://other/a.png",
    ],
)
def test_a_point_that_names_a_place_outside_opens_nothing(
    gallery: Gallery, photos: Path, tmp_path: Path, uri: str
) -> None:
    """Even where whoever wrote the point knows the file's hash, and claims its path."""
    (photos / "a.png").write_bytes(to_file(RED))
    (tmp_path / "secret.png").write_bytes(to_file(RED))
    (chunk,) = gallery.ingest(photos)
    forged = {"source_uri": uri, "location": str(tmp_path / "secret.png")}
    if "other" in uri:
        forged["root"] = "other"
    gallery.engine.set_payload("diptych", forged, [to_id(chunk)])
    with pytest.raises(UnreadableSource):
        gallery.read(chunk)
    with pytest.raises(UnreadableSource):
        gallery.look(chunk)


def test_unknown_points_and_sizes_are_named(gallery: Gallery, photos: Path) -> None:
    (photos / "a.png").write_bytes(to_file(RED))
    (chunk,) = gallery.ingest(photos)
    for name in ("nonsense", "../../etc/passwd", to_point_id("folder://photos/b.png", 0)):
        with pytest.raises(PointMissing, match="no point of the collection"):
            read_original(gallery.engine, "diptych", name, settings=gallery.settings)
    for side in (63, 1025):
        with pytest.raises(QueryError, match="64 to 1024 pixels"):
            gallery.look(chunk, side)


def test_the_sandbox_draws_for_many_threads(gallery: Gallery, photos: Path) -> None:
    for number in range(8):
        (photos / f"{number}.png").write_bytes(to_file((number * 30, 0, 0)))
    chunks = gallery.ingest(photos)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda one: gallery.look(one, isolate=True), chunks * 2))
    assert [one.content for one in found[:8]] == [one.content for one in found[8:]]
    assert len({one.etag for one in found}) == 8
