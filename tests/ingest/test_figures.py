"""Documents with figures, images with frames: points of the other modality that know their item."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import TYPE_CHECKING

from docx import Document
from PIL import Image

from ingest.prepare import MOST_WARNINGS
from ingest.sources.folder import FolderSource
from schemas.records import Modality, Part
from tests.ingest.conftest import read_chunks
from tests.legible import LegibleEncoder
from tests.list_source import ListSource, image, to_png

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from ingest.store.engine import Engine
    from schemas.records import Chunk
    from tests.ingest.conftest import Ingest

RED, BLUE = to_png((255, 0, 0), (80, 60)), to_png((0, 0, 255), (80, 60))


def in_order(engine: Engine) -> list[Chunk]:
    return sorted(read_chunks(engine).values(), key=lambda chunk: chunk.ordinal)


def write_docx(path: Path, *pictures: bytes) -> None:
    document = Document()
    document.core_properties.title = "Report"
    document.add_heading("Colours", level=1)
    document.add_paragraph("red words here")
    for picture in pictures:
        document.add_picture(BytesIO(picture))
    document.save(str(path))


def test_a_figure_is_an_image_point_of_its_document(
    engine: Engine, ingest: Ingest, tmp_path: Path
) -> None:
    write_docx(tmp_path / "a.docx", RED, BLUE)
    report = ingest(FolderSource.open(tmp_path, name="docs"))
    assert (report.counts.scanned, report.counts.images, report.counts.texts) == (1, 2, 1)
    text, *figures = in_order(engine)
    assert (text.part, text.modality) == (Part.CONTENT, Modality.TEXT)
    assert [(figure.part, figure.modality) for figure in figures] == [
        (Part.FIGURE, Modality.IMAGE)
    ] * 2
    assert {chunk.record.source_uri for chunk in (text, *figures)} == {"folder://docs/a.docx"}
    assert {chunk.title for chunk in (text, *figures)} == {"Report"}
    assert [figure.headings for figure in figures] == [("Colours",)] * 2
    assert [figure.width_pixels for figure in figures] == [80, 80]
    assert {chunk.count for chunk in (text, *figures)} == {3}


def test_no_more_than_some_figures_that_are_left_out_are_named(
    ingest: Ingest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for nth in range(4):
        links = "\n\n".join(f"![]({nth}-{picture}.png)" for picture in range(8))
        (tmp_path / f"{nth}.md").write_text(f"red\n\n{links}\n", encoding="utf-8")
    report = ingest(FolderSource.open(tmp_path))
    assert report.counts.figures_left_out == 32
    # Documents are prepared side by side, so one of them may say its last word late.
    last = "further figures that are left out are only counted"
    named = [message for message in caplog.messages if message != last]
    assert len(named) == MOST_WARNINGS == len(caplog.messages) - 1
    assert all(".png is left out: cannot be found" in message for message in named)


def test_fewer_figures_leave_no_stale_point_behind(
    engine: Engine, ingest: Ingest, tmp_path: Path
) -> None:
    write_docx(tmp_path / "a.docx", RED, BLUE)
    ingest(FolderSource.open(tmp_path))
    write_docx(tmp_path / "a.docx", BLUE)
    assert ingest(FolderSource.open(tmp_path)).counts.updated == 1
    assert [chunk.count for chunk in in_order(engine)] == [2, 2]
    report = ingest(FolderSource.open(tmp_path), figures=False)
    assert (report.counts.updated, len(in_order(engine))) == (1, 1)


def test_linked_figures_are_read_beside_the_document_and_never_above_the_root(
    engine: Engine, ingest: Ingest, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    (root / "deep" / "pictures").mkdir(parents=True)
    (root / "deep" / "pictures" / "red one.png").write_bytes(RED)
    (root / "up.png").write_bytes(BLUE)
    (tmp_path / "secret.png").write_bytes(BLUE)
    (root / "deep" / "page.md").write_text(
        "# Title\n\nred words\n\n![a red thing](pictures/red%20one.png)\n![up](../up.png)\n"
        "![no](../../secret.png)\n![no](/etc/passwd)\n![no](https://example.org/x.png)\n"
        f"![inline](data:image/png;base64,{b64encode(BLUE).decode()})\n",
        encoding="utf-8",
    )
    report = ingest(FolderSource.open(root, include=["*.md"]))
    figures = [chunk for chunk in in_order(engine) if chunk.part is Part.FIGURE]
    assert [figure.alt_text for figure in figures] == ["a red thing", "up", "inline"]
    assert report.counts.failed == 0
    assert report.counts.figures_left_out >= 1


def test_a_document_whose_figures_are_all_it_has_is_indexed_by_them(
    engine: Engine, ingest: Ingest, tmp_path: Path
) -> None:
    Image.open(BytesIO(to_png((255, 0, 0), (200, 260)))).save(tmp_path / "scan.pdf")
    report = ingest(FolderSource.open(tmp_path))
    assert (report.counts.images, report.counts.texts, report.counts.failed) == (1, 0, 0)
    (page,) = in_order(engine)
    assert (page.part, page.page) == (Part.FIGURE, 1)
    without = ingest(FolderSource.open(tmp_path), figures=False)
    assert [failure.kind for failure in without.failures] == ["DecodeError"]


def test_an_encoder_of_texts_alone_takes_the_words_of_a_document(
    ingest: Ingest, tmp_path: Path
) -> None:
    write_docx(tmp_path / "a.docx", RED)
    report = ingest(FolderSource.open(tmp_path), LegibleEncoder(modalities=(Modality.TEXT,)))
    assert (report.counts.images, report.counts.texts) == (0, 1)


def to_gif(*colours: tuple[int, int, int]) -> bytes:
    frames = [Image.new("RGB", (16, 16), colour) for colour in colours]
    stream = BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=40)
    return stream.getvalue()


def test_frames_are_points_of_one_item_and_share_its_caption(
    engine: Engine, ingest: Ingest
) -> None:
    film = to_gif((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))
    record = image("film", film, caption="red then blue")
    report = ingest(ListSource([record]), frames=2)
    assert (report.counts.images, report.counts.texts) == (2, 1)
    first, second, caption = in_order(engine)
    assert (first.frame, second.frame) == (1, 3)
    assert first.paired_ordinals == second.paired_ordinals == (2,)
    assert caption.paired_ordinals == (0, 1)
    assert ingest(ListSource([record]), frames=2).counts.unchanged == 1
    assert ingest(ListSource([record])).counts.updated == 1
    assert [chunk.frame for chunk in in_order(engine)] == [None, None]
