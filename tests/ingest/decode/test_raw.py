from __future__ import annotations

import sys
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ingest.decode.image import DecodedImage, decode_image
from ingest.decode.limits import Limits
from ingest.decode.raw import is_raw
from ingest.sources.media_types import MEDIA_TYPES
from schemas.errors import DecodeError, SourceError, SourceTooLarge, UnsupportedFormat
from tests import hostile_images
from tests.described_images import described_jpeg, exif, items, xmp
from tests.hostile_images import picture
from tests.raw_images import HEIGHT, WIDTH, Field, TiffWriter, dng, jpeg_preview

rawpy = pytest.importorskip("rawpy", reason="the previews of RAW files come with the extra `raw`")

URI = "folder://r/a.dng"
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
UPRIGHT = {
    1: (RED, GREEN, BLUE, WHITE),
    3: (WHITE, BLUE, GREEN, RED),
    6: (BLUE, RED, WHITE, GREEN),
    8: (GREEN, WHITE, RED, BLUE),
}


def decode(content: bytes, limits: Limits | None = None) -> DecodedImage:
    return decode_image(content, URI, limits=limits or Limits(), side_pixels=32)


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    pixels = np.asarray(image)
    y, x = image.height // 4, image.width // 4
    return [tuple(map(int, pixels[b, a])) for b in (y, 3 * y) for a in (x, 3 * x)]


@pytest.mark.parametrize("orientation", sorted(UPRIGHT))
def test_the_preview_stands_for_a_raw_file(orientation: int) -> None:
    decoded = decode(dng(preview=jpeg_preview(), orientation=orientation))
    size = (WIDTH, HEIGHT) if orientation in {1, 3} else (HEIGHT, WIDTH)
    assert (decoded.width_pixels, decoded.height_pixels) == size
    difference = np.abs(np.array(corners(decoded.image)) - np.array(UPRIGHT[orientation]))
    assert difference.max() < 12


def test_sizes_are_those_of_the_photograph_and_limits_hold_for_the_preview() -> None:
    small = jpeg_preview(80, 60)
    decoded = decode(dng(preview=small), Limits(max_image_pixels=80 * 60))
    assert (decoded.width_pixels, decoded.height_pixels) == (WIDTH, HEIGHT)
    assert decoded.image.size == (80, 60)
    with pytest.raises(SourceTooLarge, match="80x60 pixels"):
        decode(dng(preview=small), Limits(max_image_pixels=80 * 60 - 1))


def test_the_raw_files_own_metadata_come_before_the_previews() -> None:
    packet = xmp(items("dc:subject", "Bag", ["lake", "heron"]), 'photoshop:Headline="Own"')
    block = exif({270: b"of the preview\0"}, {36867: b"2001:01:01 00:00:00\0"})
    preview = described_jpeg(exif_block=block)
    own = dng(preview=preview, taken_at=b"2021:07:08 09:10:11\0", xmp=packet)
    decoded = decode(own)
    assert (decoded.title, decoded.keywords) == ("Own", ("lake", "heron"))
    assert (decoded.caption, decoded.taken_at) == ("of the preview", "2021-07-08T09:10:11")


def test_a_raw_file_without_a_preview_is_an_error_with_advice() -> None:
    with pytest.raises(DecodeError, match="no preview that can be read; develop it to JPEG"):
        decode(dng())
    with pytest.raises(DecodeError, match=r"no preview that can be read|damaged"):
        decode(dng(preview=b"\xff\xd8\xff" + bytes(3000)))


def test_raw_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(UnsupportedFormat, match=r"pip install 'diptych\[raw\]'"):
        decode(dng(preview=jpeg_preview()))


@pytest.mark.parametrize(
    "head",
    [
        *(b"II*\0\x10\0\0\0CR\x02\0", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom"),
        *(b"FUJIFILMCCD-RAW 0201", b"IIRO\x08\0\0\0", b"MMOR\0\0\0\x08", b"IIU\0\x18\0\0\0"),
        *(b"II*\0\x08\0\0\0IIII", b"\0MRM\0\0", b"FOVb\0\0", b"II\x1a\0\0\0HEAPCCDR"),
    ],
)
def test_a_camera_that_libraw_does_not_know_is_an_error_with_advice(head: bytes) -> None:
    assert is_raw(head)
    with pytest.raises(UnsupportedFormat, match=r"LibRaw does not know .* convert it to DNG"):
        decode(head + bytes(2_000))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({50706: 0x0401}, True),  # DNG
        ({262: 32803}, True),
        ({259: 34713}, True),  # NEF
        ({254: 1, 271: 0, 330: 8}, True),
        ({254: 1, 330: 8}, False),  # a pyramid that no camera made
        ({271: 0, 330: 8}, False),
        ({262: 2, 259: 1}, False),
    ],
)
def test_a_tiff_is_raw_if_its_first_directory_says_so(
    fields: dict[int, int], *, expected: bool
) -> None:
    tiff = TiffWriter()
    assert is_raw(tiff.finish([Field(tag, 4, (value,)) for tag, value in fields.items()])) is (
        expected
    )


@pytest.mark.parametrize("name", [name for name, _ in hostile_images.iter_sound()])
def test_no_other_image_is_taken_for_raw(name: str) -> None:
    assert not is_raw(dict(hostile_images.iter_sound())[name])


@settings(max_examples=100, deadline=None)
@given(
    edits=st.lists(st.tuples(st.integers(0, 1_500), st.binary(max_size=4)), max_size=5),
    keep=st.floats(0.01, 1),
)
def test_damaged_raw_files_decode_or_are_one_error(
    edits: list[tuple[int, bytes]], keep: float
) -> None:
    sound = dng(preview=jpeg_preview(64, 48), width=64, height=48, taken_at=b"2021:07:08 09:10:11")
    content = bytearray(sound)
    for place, patch in edits:
        start = len(content) - 1_500 + place  # where the directories are
        content[start : start + len(patch)] = patch
    with suppress(SourceError):
        decoded = decode(bytes(content[: int(keep * len(content))]))
        assert min(decoded.image.size) > 0


def test_raw_files_are_listed() -> None:
    for extension in (".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef"):
        assert MEDIA_TYPES[extension].startswith("image/x-")


def test_libraw_opens_what_these_tests_write() -> None:
    with rawpy.imread(BytesIO(dng(preview=jpeg_preview()))) as raw:
        assert raw.raw_image.shape == (HEIGHT, WIDTH)
        assert Image.open(BytesIO(raw.extract_thumb().data)).size == picture(WIDTH, HEIGHT).size
