from __future__ import annotations

import pickle
import struct
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from ingest.decode.image import DecodedImage, decode_image, to_decoded
from ingest.decode.limits import Limits
from schemas.errors import DecodeError, SourceError, SourceTooLarge, UnsupportedFormat
from tests import hostile_images
from tests.hostile_images import HEIGHT, WIDTH, encoded, picture

if TYPE_CHECKING:
    from collections.abc import Sequence

SOUND = dict(hostile_images.iter_sound())
LIMITS = Limits()
URI = "folder://r/a.jpg"

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
GREY = {RED: (76,) * 3, GREEN: (150,) * 3, BLUE: (29,) * 3, WHITE: WHITE}  # ITU-R 601-2 luma


def decode(content: bytes, side_pixels: int = 224, limits: Limits = LIMITS) -> DecodedImage:
    decoded = decode_image(content, URI, limits=limits, side_pixels=side_pixels)
    assert decoded.image.mode == "RGB"
    assert decoded.image.info == {}
    return decoded


def bmp_header(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, *[0] * 6)


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """Colours in the middle of the four quarters, row by row."""
    x, y = image.width // 4, image.height // 4
    colours = [image.getpixel((a, b)) for b in (y, 3 * y) for a in (x, 3 * x)]
    assert all(isinstance(colour, tuple) for colour in colours)
    return colours  # type: ignore[return-value]


def shows(image: Image.Image, expected: Sequence[tuple[int, ...]], tolerance: int) -> bool:
    difference = np.abs(np.array(corners(image)) - np.array(expected))
    return bool(difference.max() <= tolerance)


@pytest.mark.parametrize(
    "name",
    [
        *("plain.jpg", "progressive.jpg", "lzw.tif", "plain.avif", "multi_picture.jpg"),
        *("animated.gif", "animated.webp", "animated.png", "two_pages.tif", "palette.bmp"),
        *("a_png_in_truth.jpg", "a_jpeg_in_truth.png", "a_webp_in_truth.TIFF", "cmyk.jpg"),
        *("trailing_garbage.jpg", "huge_exif.jpg", "broken_exif.jpg", "cyclic_exif.jpg"),
        *("broken_profile.png", "misfit_profile.jpg"),
        *(f"orientation_{number}.jpg" for number in range(1, 9)),
    ],
)
def test_colours_survive_every_way_to_store_them(name: str) -> None:
    decoded = decode(SOUND[name])
    assert (decoded.width_pixels, decoded.height_pixels) == decoded.image.size == (WIDTH, HEIGHT)
    assert shows(decoded.image, [RED, GREEN, BLUE, WHITE], tolerance=12)


def test_lab_is_converted_as_far_as_its_eight_bits_go() -> None:
    assert shows(decode(SOUND["lab.tif"]).image, [RED, GREEN, BLUE, WHITE], tolerance=24)


@pytest.mark.parametrize("name", ["grey.jpg", "grey16.png", "grey16.tif", "integer32.tif"])
def test_greys_survive_eight_sixteen_and_thirty_two_bits(name: str) -> None:
    expected = [GREY[colour] for colour in (RED, GREEN, BLUE, WHITE)]
    assert shows(decode(SOUND[name]).image, expected, tolerance=3)


def test_floats_from_0_to_1_are_shades_and_other_ranges_are_stretched() -> None:
    expected = [GREY[colour] for colour in (RED, GREEN, BLUE, WHITE)]
    assert shows(decode(SOUND["float.tif"]).image, expected, tolerance=1)
    # From -12.5 * 255 to -12.5 * 29: the lowest is black now, the highest white.
    stretched = corners(decode(SOUND["float_heights.tif"]).image)
    assert stretched[3] == (0, 0, 0)
    assert stretched[2] == (255, 255, 255)
    assert stretched[0][0] == pytest.approx(255 * (255 - 76) / (255 - 29), abs=1)


@pytest.mark.parametrize("value", [0, 1e-45, 3.4e38, -3.4e38, float("nan"), float("inf")])
def test_one_float_over_and_over_is_one_shade(value: float) -> None:
    image = Image.fromarray(np.full((4, 4), value, np.float32))
    decoded = to_decoded(image, URI, limits=LIMITS, side_pixels=8).image
    assert len(set(np.asarray(decoded).ravel().tolist())) == 1


def test_the_widest_range_of_floats_is_stretched() -> None:
    image = Image.fromarray(np.array([[-3.4e38, 3.4e38]], np.float32))
    decoded = to_decoded(image, URI, limits=LIMITS, side_pixels=8).image
    assert np.asarray(decoded)[..., 0].tolist() == [[0, 255]]


def test_what_is_not_finite_is_black() -> None:
    values = np.array([[np.nan, np.inf], [-np.inf, 1.0]], np.float32)
    decoded = to_decoded(Image.fromarray(values), URI, limits=LIMITS, side_pixels=8)
    assert np.asarray(decoded.image)[..., 0].tolist() == [[0, 0], [0, 255]]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGBA", "RGBa", "RGBX", "YCbCr"])
def test_an_image_that_pillow_made_keeps_its_black_and_white(mode: str) -> None:
    board = Image.new("RGB", (40, 40))
    board.paste(WHITE, (20, 0, 40, 40))
    via = {"La": "LA", "RGBa": "RGBA"}.get(mode)
    image = (board.convert(via) if via else board).convert(mode)
    decoded = to_decoded(image, URI, limits=LIMITS, side_pixels=224)
    assert shows(decoded.image, [(0, 0, 0), WHITE] * 2, tolerance=2)


@pytest.mark.parametrize("name", ["alpha.png", "alpha.webp"])
def test_what_is_transparent_is_white(name: str) -> None:
    assert shows(decode(SOUND[name]).image, [WHITE, WHITE, BLUE, WHITE], tolerance=1)


def test_transparent_greys_and_palette_entries_are_white() -> None:
    assert corners(decode(SOUND["grey_alpha.png"]).image)[:2] == [WHITE, WHITE]
    assert shows(decode(SOUND["palette_alpha.png"]).image, [WHITE, GREEN, BLUE, WHITE], 3)


def test_a_colour_that_a_png_declares_transparent_is_white() -> None:
    content = encoded(picture(), "PNG", transparency=RED)
    assert corners(decode(content).image) == [WHITE, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sizes_are_those_of_the_image_as_shown(orientation: int) -> None:
    decoded = decode(hostile_images.oriented_jpeg(orientation), side_pixels=16)
    assert (decoded.width_pixels, decoded.height_pixels) == (WIDTH, HEIGHT)
    assert decoded.taken_at == "2021-07-08T09:10:11"


@pytest.mark.parametrize(
    ("moment", "offset", "expected"),
    [
        ("2021:07:08 09:10:11", "+02:00", "2021-07-08T09:10:11+02:00"),
        ("2021:07:08 09:10:11\0", "", "2021-07-08T09:10:11"),
        ("2021:07:08 09:10:11", "?", "2021-07-08T09:10:11"),
        ("0000:00:00 00:00:00", "", None),
        ("    :  :     :  :  ", "", None),
        ("yesterday", "", None),
    ],
)
def test_when_a_photograph_was_taken(moment: str, offset: str, expected: str | None) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: moment, 0x9011: offset})
    assert decode(encoded(picture(), "JPEG", exif=exif)).taken_at == expected


def test_a_profile_changes_colours_only_where_it_says_something_else() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    patch = Image.new("RGB", (32, 32), (200, 90, 40))
    assert decode(encoded(patch, "PNG", icc_profile=srgb)).image.getpixel((5, 5)) == (200, 90, 40)

    swapped = _profile_with_swapped_primaries(srgb)
    red, green, blue = np.asarray(decode(encoded(patch, "PNG", icc_profile=swapped)).image)[5, 5]
    assert green > red > blue or green > blue > red


def _profile_with_swapped_primaries(srgb: bytes) -> bytes:
    """A valid profile of another name in which red and green have changed places."""
    renamed = srgb.replace("sRGB".encode("utf-16-be"), "diff".encode("utf-16-be"))
    swapped = renamed.replace(b"rXYZ", b"tmp_").replace(b"gXYZ", b"rXYZ").replace(b"tmp_", b"gXYZ")
    assert swapped != srgb
    return swapped


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("side_pixels", [32, 224, 260])
def test_large_images_shrink_to_no_less_than_twice_the_side(
    file_format: str, side_pixels: int
) -> None:
    content = encoded(picture(2400, 1500), file_format)
    decoded = decode(content, side_pixels)
    assert (decoded.width_pixels, decoded.height_pixels) == (2400, 1500)
    assert 2 * side_pixels <= decoded.image.height < 6 * side_pixels
    assert decoded.image.width / decoded.image.height == pytest.approx(1.6, rel=0.02)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_shrinking_leaves_what_an_encoder_sees(file_format: str) -> None:
    """Reference: the whole image resampled at once. Smooth noise has detail at every scale."""
    noise = np.random.default_rng(3).normal(size=(1200, 1600, 3)).cumsum(0).cumsum(1)
    levels = (noise - noise.min()) / np.ptp(noise) * 255
    texture = np.random.default_rng(4).integers(-40, 40, levels.shape)
    content = encoded(
        Image.fromarray((levels + texture).clip(0, 255).astype(np.uint8)), file_format, quality=90
    )
    whole = Image.open(BytesIO(content)).convert("RGB").resize((224, 224), Image.Resampling.BICUBIC)
    shrunk = decode(content).image.resize((224, 224), Image.Resampling.BICUBIC)
    expected, found = (np.asarray(image, np.float64).ravel() - 128 for image in (whole, shrunk))
    cosine = found @ expected / np.linalg.norm(found) / np.linalg.norm(expected)
    assert cosine > 0.9995


@pytest.mark.parametrize(("size", "cut"), [((1, 20_000), (1, 20)), ((20_000, 1), (20, 1))])
def test_of_a_very_long_image_the_centre_is_kept(
    size: tuple[int, int], cut: tuple[int, int]
) -> None:
    long = Image.new("RGB", size)
    long.putpixel((size[0] // 2, size[1] // 2), RED)
    decoded = decode(encoded(long, "PNG"))
    assert (decoded.width_pixels, decoded.height_pixels) == size
    assert decoded.image.size == cut
    assert decoded.image.getpixel((cut[0] // 2, cut[1] // 2)) == RED


def test_limits_are_checked_before_decoding() -> None:
    content = encoded(picture(), "PNG")
    exact = Limits(max_image_pixels=WIDTH * HEIGHT)
    assert decode(content, limits=exact).width_pixels == WIDTH
    tight = Limits(max_image_pixels=WIDTH * HEIGHT - 1)
    cut = content[:60]  # has no pixel data: decoding it would be another error
    with pytest.raises(SourceTooLarge, match="96x64 pixels, over the limit of 6,143"):
        decode(cut, limits=tight)


def test_heif_needs_its_extra_and_is_decoded_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    head = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pillow_heif", None)
        with pytest.raises(UnsupportedFormat, match=r"diptych\[heif\]"):
            decode(head)
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    decoded = decode(encoded(picture(), "HEIF", quality=95))
    assert (decoded.width_pixels, decoded.height_pixels) == (WIDTH, HEIGHT)
    assert shows(decoded.image, [RED, GREEN, BLUE, WHITE], tolerance=12)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", DecodeError, "the file is empty"),
        (b"GIF89a", DecodeError, "the GIF header is damaged or truncated"),
        (b"no image", UnsupportedFormat, "not an image of a supported format"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", SourceError, "HEIF"),
        (bmp_header(20_000, 20_000), SourceTooLarge, "decompression bomb.*; scale it down"),
    ],
)
def test_messages_say_what_and_what_to_do(
    content: bytes, error: type[SourceError], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        decode(content)
    assert caught.value.source_uri == URI
    assert "0x" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(SOUND)),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=6)), max_size=6),
    keep=st.floats(0.05, 1),
)
def test_damaged_files_decode_or_are_one_error(
    name: str, edits: list[tuple[float, bytes]], keep: float
) -> None:
    content = bytearray(SOUND[name])
    for place, patch in edits:
        start = int(place * len(content))
        content[start : start + len(patch)] = patch
    content = content[: int(keep * len(content))]
    with suppress(SourceError):
        decoded = decode(bytes(content), limits=Limits(max_image_pixels=1_000_000))
        assert min(decoded.image.size) > 0


def test_threads_decode_alike_and_leave_the_warning_filters_alone() -> None:
    before = list(warnings.filters)
    contents = [content for name, content in SOUND.items() if "20000" not in name] * 3
    alone = [np.asarray(decode(content).image) for content in contents]
    with ThreadPoolExecutor(8) as pool:
        together = pool.map(lambda content: np.asarray(decode(content).image), contents)
        assert all(map(np.array_equal, alone, together))
    assert list(warnings.filters) == before
