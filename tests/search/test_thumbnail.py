"""Thumbnails and originals of what is indexed, from real roots of each kind."""

from __future__ import annotations

import json
import tarfile
from base64 import b64encode
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from docx import Document
from PIL import Image

from ingest.store.collections import resolve_collection
from schemas.errors import (
    SourceChanged,
    UnreadableSource,
    UnsupportedFormat,
)
from schemas.records import Modality, Part
from search.pictures import read_original
from search.searcher import Searcher
from search.sheet import draw_sheets
from search.thumbnail_cache import ThumbnailCache
from tests.documents import PdfPage, jpeg_image, to_pdf
from tests.legible import LegibleEncoder
from tests.search.gallery import BLUE, GREEN, RED, count_like, is_like, to_file, to_id

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.query import Hit
    from tests.search.gallery import Gallery


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
    (photos / "pictures/dot.png").write_bytes(to_file(GREEN, (8, 8)))
    links = [f"![x](pictures/{name}.png)" for name in ("dot", "gone", "a")]
    (photos / "a.md").write_text("\n\n".join(["words", *links]))
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
    with pytest.raises(UnreadableSource, match=r"pets\.tar/b\.png.*cannot be read"):
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


def test_a_row_that_brought_its_vector(gallery: Gallery, tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(to_file(RED))
    row = {"path": "red.png", "embedding": [1, 0, 0, 0, 0]}
    table = tmp_path / "rows.jsonl"
    table.write_text(json.dumps(row) + "\n")
    (chunk,) = gallery.ingest(table, columns={"vector": "embedding"})
    assert is_like(gallery.see(chunk), RED)
    table.write_text(json.dumps({**row, "embedding": [0, 1, 0, 0, 0]}) + "\n")
    with pytest.raises(SourceChanged):
        gallery.read(chunk)


def test_rows_of_a_dataset(gallery: Gallery, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="the extra `datasets` is not installed")
    images = [{"bytes": to_file(colour), "path": None} for colour in (RED, BLUE)]
    folder = tmp_path / "saved"
    datasets.Dataset.from_dict({"id": ["a", "b"], "image": images}).save_to_disk(str(folder))
    red, blue = gallery.ingest(folder)
    assert is_like(gallery.see(red), RED)
    assert gallery.read(blue) == to_file(BLUE)


def test_an_object_of_a_bucket(gallery: Gallery) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    bucket = MemoryFileSystem()
    bucket.pipe("/thumbnails/in/a.png", to_file(RED))
    bucket.pipe("/thumbnails/secret.png", to_file(RED))
    try:
        (chunk,) = gallery.ingest("memory://thumbnails/in")
        assert is_like(gallery.see(chunk), RED)
        forged = {"source_uri": "remote://in/../secret.png"}
        gallery.engine.set_payload("diptych", forged, [to_id(chunk)])
        with pytest.raises(UnreadableSource, match="is no item of"):
            gallery.read(chunk)
        gallery.engine.set_payload(
            "diptych", {"source_uri": chunk.record.source_uri}, [to_id(chunk)]
        )
        bucket.rm("/thumbnails/in/a.png")
        with pytest.raises(UnreadableSource, match=r"remote://in/a\.png"):
            gallery.read(chunk)
    finally:
        bucket.rm("/thumbnails", recursive=True)


def test_sheets_draw_what_is_no_file_of_its_own(gallery: Gallery, tmp_path: Path) -> None:
    inline = "data:image/png;base64," + b64encode(to_file(BLUE)).decode()
    table = tmp_path / "rows.jsonl"
    table.write_text(json.dumps({"id": "in", "url": inline}) + "\n")
    (chunk,) = gallery.ingest(table)
    with Searcher(
        gallery.engine, resolve_collection(gallery.engine, "diptych"), LegibleEncoder()
    ) as searcher:
        page = searcher.search("blue", target="image")

        def look(_hit: Hit, side_pixels: int) -> bytes:
            return gallery.look(chunk, side_pixels).content

        drawn, bare = draw_sheets([("blue", page)], look=look), draw_sheets([("blue", page)])
        assert count_like(drawn, BLUE) > 20_000
        assert count_like(bare, BLUE) == 0
        table.unlink()
        gallery.cache = ThumbnailCache(tmp_path / "another")
        assert count_like(draw_sheets([("blue", page)], look=look), BLUE) == 0
