"""Thumbnails and originals of what is indexed, from real roots of each kind."""

from __future__ import annotations

import json
import tarfile
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from docx import Document
from PIL import Image, ImageChops

from ingest.job import IngestJob
from ingest.sources.open import SourceOptions, open_source
from ingest.store.connect import connect
from schemas.collection import from_payload, to_point_id
from schemas.errors import (
    PointMissing,
    QueryError,
    SourceChanged,
    SourceTooLarge,
    UnreadableSource,
    UnsupportedFormat,
)
from schemas.records import Modality, Part
from schemas.settings import RootSettings, load_settings
from search.pictures import read_original
from search.thumbnail import to_thumbnail
from search.thumbnail_cache import ThumbnailCache
from tests.documents import PdfPage, jpeg_image, to_pdf
from tests.hostile_images import bomb_png
from tests.legible import LegibleEncoder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemas.records import Chunk
    from schemas.settings import Settings
    from search.thumbnail import Thumbnail

RED, GREEN, BLUE = (255, 0, 0), (0, 160, 0), (0, 0, 255)


def to_file(colour: Any, size: tuple[int, int] = (80, 60), form: str = "PNG", **how: Any) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, form, **how)
    return buffer.getvalue()


class Gallery:
    """An index in memory that is filled from roots, and looked at."""

    def __init__(self, folder: Path) -> None:
        self.engine = connect(":memory:")
        self.cache = ThumbnailCache(folder / "cache")
        self.settings: Settings = load_settings(
            url=":memory:", isolate=False, workers=1, decode_workers=1
        )

    def ingest(self, place: Path, **options: Any) -> list[Chunk]:
        """Index a root; its chunks by URI and ordinal."""
        settings = self.settings.model_copy(update=options)
        root = RootSettings(source=str(place))
        source = open_source(str(place), SourceOptions())
        job = IngestJob(source, settings, show_progress=False, root=root)
        report = job.run(engine=self.engine, encoder=LegibleEncoder())
        assert not report.failures
        points, _ = self.engine.scroll("diptych", limit=1_000)
        chunks = [from_payload(point.payload or {}) for point in points]
        return sorted(chunks, key=lambda one: (one.record.source_uri, one.ordinal))

    def look(self, chunk: Chunk, side_pixels: int = 64, **options: Any) -> Thumbnail:
        return to_thumbnail(
            self.engine,
            "diptych",
            to_id(chunk),
            side_pixels,
            settings=self.settings.model_copy(update=options),
            kept=self.cache,
        )

    def see(self, chunk: Chunk, side_pixels: int = 64) -> Image.Image:
        with Image.open(BytesIO(self.look(chunk, side_pixels).content)) as image:
            image.load()
            return image

    def read(self, chunk: Chunk, **options: Any) -> bytes:
        settings = self.settings.model_copy(update=options)
        return read_original(self.engine, "diptych", to_id(chunk), settings=settings).content


def to_id(chunk: Chunk) -> str:
    return to_point_id(chunk.record.source_uri, chunk.ordinal)


def is_like(image: Image.Image, colour: tuple[int, int, int]) -> bool:
    """Every pixel within what WebP loses."""
    apart = ImageChops.difference(image, Image.new("RGB", image.size, colour))
    return max(high for _, high in apart.getextrema()) < 12  # type: ignore[misc,operator]


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    gallery = Gallery(tmp_path)
    yield gallery
    gallery.engine.close()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


def test_a_photograph_is_small_upright_and_says_nothing_of_itself(
    gallery: Gallery, photos: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a secret"
    content = to_file(RED, (400, 200), "JPEG", exif=exif)
    (photos / "a.jpg").write_bytes(content)
    (chunk,) = gallery.ingest(photos)
    thumbnail = gallery.look(chunk, 100)
    assert (thumbnail.media_type, len(thumbnail.etag)) == ("image/webp", 32)
    seen = gallery.see(chunk, 100)
    assert (seen.format, seen.size) == ("WEBP", (50, 100))
    assert is_like(seen, (254, 0, 0))
    assert not seen.getexif()
    assert b"secret" not in thumbnail.content
    assert gallery.look(chunk, 200).etag != thumbnail.etag
    assert gallery.see(chunk, 1024).size == (200, 400)
    original = read_original(gallery.engine, "diptych", to_id(chunk), settings=gallery.settings)
    assert (original.content, original.media_type) == (content, "image/jpeg")
    assert original.file_name == "a.jpg"


def test_the_frame_that_was_indexed_is_the_one_that_is_seen(gallery: Gallery, photos: Path) -> None:
    frames = [Image.new("RGB", (80, 60), colour) for colour in (RED, BLUE, GREEN, BLUE)]
    frames[0].save(photos / "a.gif", save_all=True, append_images=frames[1:])
    chunks = gallery.ingest(photos, frames=2)
    assert [chunk.frame for chunk in chunks] == [1, 3]
    assert [is_like(gallery.see(one), c) for one, c in zip(chunks, (RED, GREEN), strict=True)] == [
        True,
        True,
    ]


def test_figures_are_counted_as_indexing_counts_them(gallery: Gallery, photos: Path) -> None:
    document = Document()
    document.add_paragraph("words")
    for colour, size in ((RED, (80, 60)), (GREEN, (8, 8)), (BLUE, (90, 70))):
        document.add_picture(BytesIO(to_file(colour, size)))
    document.save(str(photos / "a.docx"))
    text, red, blue = gallery.ingest(photos)
    assert [red.part, blue.part] == [Part.FIGURE] * 2
    assert is_like(gallery.see(red), RED)
    assert is_like(gallery.see(blue), BLUE)
    assert gallery.read(blue) == to_file(BLUE, (90, 70))
    assert gallery.read(text) == (photos / "a.docx").read_bytes()
    with pytest.raises(UnsupportedFormat, match="has no picture"):
        gallery.look(text)


def test_a_passage_of_a_pdf_shows_its_page(gallery: Gallery, photos: Path) -> None:
    figure = jpeg_image(Image.new("RGB", (120, 80), RED))
    pages = [PdfPage([(72, 700, "red words")]), PdfPage([(72, 700, "more words")], [figure])]
    (photos / "a.pdf").write_bytes(to_pdf(pages))
    chunks = gallery.ingest(photos)
    (figure_chunk,) = [one for one in chunks if one.part is Part.FIGURE]
    assert is_like(gallery.see(figure_chunk), (254, 0, 0))
    passages = [one for one in chunks if one.modality is Modality.TEXT]
    seen = gallery.see(passages[0], 200)
    assert max(seen.size) == 200
    assert seen.getpixel((0, 0)) == (255, 255, 255)


def test_a_linked_figure_is_read_beside_its_document(gallery: Gallery, photos: Path) -> None:
    (photos / "pictures").mkdir()
    (photos / "pictures/a.png").write_bytes(to_file(RED))
    (photos / "a.md").write_text("words\n\n![red](pictures/a.png)\n")
    figure = next(one for one in gallery.ingest(photos) if one.part is Part.FIGURE)
    assert is_like(gallery.see(figure), RED)
    (photos / "pictures/a.png").write_bytes(to_file(RED, (90, 90)))
    with pytest.raises(SourceChanged, match="figure"):
        gallery.read(figure)


def test_a_member_of_a_shard_and_its_caption(gallery: Gallery, tmp_path: Path) -> None:
    path = tmp_path / "pets.tar"
    with tarfile.open(path, "w") as tar:
        for name, content in (
            ("a.png", to_file(RED)),
            ("b.png", to_file(BLUE)),
            ("b.txt", b"the blue sea"),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    red, blue, caption = gallery.ingest(path)
    assert caption.part is Part.CAPTION
    assert is_like(gallery.see(red), RED)
    assert is_like(gallery.see(blue), BLUE)
    assert gallery.look(caption).etag == gallery.look(blue).etag
    assert gallery.read(caption) == to_file(BLUE)
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(UnreadableSource, match="pets.tar/b.png.*cannot be read"):
        gallery.read(blue)


def test_rows_of_a_table(gallery: Gallery, tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(to_file(RED))
    inline = "data:image/png;base64," + b64encode(to_file(BLUE)).decode()
    rows = [
        {"id": "in", "url": inline, "note": "x"},
        {"id": "out", "path": "red.png", "note": "y"},
    ]
    table = tmp_path / "rows.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    within, beside = gallery.ingest(table)
    assert is_like(gallery.see(within), BLUE)
    assert is_like(gallery.see(beside), RED)
    assert gallery.read(within) == to_file(BLUE)
    table.write_text(json.dumps(rows[1]) + "\n")
    with pytest.raises(UnreadableSource, match="manifest://rows/in: is not in"):
        gallery.read(within)


def test_what_was_kept_stays_to_be_seen_and_nothing_else(gallery: Gallery, photos: Path) -> None:
    for name, colour in (("a", RED), ("b", BLUE)):
        (photos / f"{name}.png").write_bytes(to_file(colour))
    red, blue = gallery.ingest(photos)
    gallery.look(red)
    for chunk in (red, blue):
        (photos / chunk.record.location.rpartition("/")[2]).unlink()
    assert is_like(gallery.see(red), RED)
    with pytest.raises(UnreadableSource, match="folder://photos/b.png: cannot be found"):
        gallery.look(blue)
    with pytest.raises(UnreadableSource, match="folder://photos/a.png"):
        gallery.read(red)


def test_changed_linked_away_grown_or_hostile_files_are_refused(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    path = photos / "a.png"
    path.write_bytes(to_file(RED))
    (chunk,) = gallery.ingest(photos)
    (tmp_path / "secret.png").write_bytes(to_file(RED))
    with pytest.raises(SourceTooLarge, match="folder://photos/a.png"):
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
