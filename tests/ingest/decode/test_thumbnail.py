"""Small pictures of frames and pages: the same ones that are indexed."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageChops

from ingest.decode.image import decode_frames
from ingest.decode.limits import Limits
from ingest.decode.policy import DecodePolicy
from ingest.decode.thumbnail import decode_page, decode_thumbnail
from schemas.errors import DecodeError, SourceError, SourceTooLarge
from tests.documents import PdfPage, to_pdf
from tests.hostile_images import bomb_png, iter_unsound, oriented_jpeg

LIMITS = Limits()
URI = "folder://r/a"


def to_animation(form: str) -> bytes:
    frames = [Image.new("RGB", (80, 60), (60 * number, 0, 0)) for number in range(5)]
    buffer = BytesIO()
    more = {} if form == "TIFF" else {"lossless": True}
    frames[0].save(buffer, form, save_all=True, append_images=frames[1:], **more)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_a_frame_is_the_one_that_decoding_numbers_so(form: str) -> None:
    content = to_animation(form)
    policy = DecodePolicy(frames=3)
    frames = decode_frames(content, URI, limits=LIMITS, side_pixels=64, policy=policy)
    assert [frame.frame for frame in frames] == [1, 2, 4]
    for frame in frames:
        found = decode_thumbnail(content, URI, limits=LIMITS, side_pixels=80, frame=frame.frame)
        assert ImageChops.difference(found.image, frame.image).getbbox() is None
    for number in (0, 6):
        with pytest.raises(DecodeError, match=rf"frame {number} of 5"):
            decode_thumbnail(content, URI, limits=LIMITS, side_pixels=64, frame=number)


def test_the_longer_side_is_as_asked_and_the_first_frame_is_meant() -> None:
    found = decode_thumbnail(to_animation("GIF"), URI, limits=LIMITS, side_pixels=64)
    assert (found.image.size, found.width_pixels, found.frame) == ((64, 48), 80, None)
    upright = decode_thumbnail(oriented_jpeg(6), URI, limits=LIMITS, side_pixels=64)
    assert (upright.width_pixels, upright.height_pixels) == (96, 64)
    assert upright.image.size == (64, 43)
    assert not upright.image.info


def test_what_indexing_refuses_is_refused() -> None:
    for name, content, _ in iter_unsound():
        with pytest.raises(SourceError) as caught:
            decode_thumbnail(content, URI, limits=LIMITS, side_pixels=64)
        assert caught.value.source_uri == URI, name
    with pytest.raises(SourceTooLarge):
        decode_thumbnail(bomb_png(10_000, 10_000), URI, limits=LIMITS, side_pixels=64)


def test_a_page_is_drawn_on_white() -> None:
    content = to_pdf([PdfPage(), PdfPage([(72, 700, "words " * 10)])])
    empty, written = (
        decode_page(content, URI, limits=LIMITS, side_pixels=396, page=page).image
        for page in (1, 2)
    )
    assert empty.size == (306, 396)
    assert empty.getextrema() == ((255, 255),) * 3
    assert written.convert("L").getextrema()[0] < 128  # type: ignore[operator]


@pytest.mark.parametrize("page", [0, 2])
def test_a_page_that_is_not_there_is_named(page: int) -> None:
    with pytest.raises(DecodeError, match=f"no page {page}"):
        decode_page(to_pdf([PdfPage()]), URI, limits=LIMITS, side_pixels=64, page=page)
    with pytest.raises(DecodeError, match="damaged"):
        decode_page(b"%PDF-1.4", URI, limits=LIMITS, side_pixels=64, page=1)


@pytest.mark.parametrize("box", ["0 0 14400 1", "0 0 0.001 0.001", "0 0 1 14400"])
def test_a_page_of_any_shape_takes_little_memory(box: str) -> None:
    content = to_pdf([PdfPage(entries=f"/CropBox [{box}]".encode())])
    drawn = decode_page(content, URI, limits=LIMITS, side_pixels=64, page=1)
    assert max(drawn.image.size) <= 64
