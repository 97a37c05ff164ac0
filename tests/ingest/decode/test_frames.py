from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ingest.decode.frames import to_spaced
from ingest.decode.image import DecodedImage, decode_frames, decode_image
from ingest.decode.limits import Limits
from ingest.decode.policy import DecodePolicy
from schemas.errors import DecodeError, SourceTooLarge
from tests import hostile_images
from tests.hostile_images import encoded, picture

URI = "folder://r/a.gif"
SOUND = dict(hostile_images.iter_sound())
WHITE, BLUE = (255, 255, 255), (0, 0, 255)


def decode(content: bytes, frames: int, limits: Limits | None = None) -> tuple[DecodedImage, ...]:
    policy = DecodePolicy(frames=frames)
    return decode_frames(content, URI, limits=limits or Limits(), side_pixels=224, policy=policy)


def flat(level: int, size: tuple[int, int] = (48, 32)) -> Image.Image:
    return Image.new("RGB", size, (level, 0, 0))


def levels(frames: tuple[DecodedImage, ...]) -> list[int]:
    """Of red, in the middle, to the nearest of the tens that the tests paint."""
    middle = [np.asarray(one.image)[one.image.height // 2, one.image.width // 2] for one in frames]
    return [10 * round(int(red) / 10) for red, _, _ in middle]


def moving(file_format: str, count: int) -> bytes:
    """Frame k, from 0, is of red level 10 k."""
    first, *others = (flat(10 * number) for number in range(count))
    lossless = {"lossless": True} if file_format == "WEBP" else {}
    return encoded(first, file_format, save_all=True, append_images=others, **lossless)


@given(total=st.integers(1, 10_000), wanted=st.integers(1, 300))
def test_positions_are_evenly_spaced(total: int, wanted: int) -> None:
    positions = to_spaced(total, wanted)
    assert len(positions) == min(total, wanted)
    assert positions[0] == 0
    assert positions[-1] < total
    gaps = {
        after - before for before, after in zip(positions, [*positions[1:], total], strict=True)
    }
    assert max(gaps) - min(gaps) <= 1
    assert min(gaps) >= 1


def test_positions_are_the_beginnings_of_equal_parts() -> None:
    assert to_spaced(10, 4) == (0, 2, 5, 7)
    assert to_spaced(9, 3) == (0, 3, 6)
    assert to_spaced(3, 5) == (0, 1, 2)
    assert to_spaced(100, 1) == (0,)


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP", "AVIF", "TIFF", "HEIF"])
def test_an_animation_gives_evenly_spaced_frames(file_format: str) -> None:
    if file_format == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    content = moving(file_format, 10)
    some = decode(content, 4)
    assert [one.frame for one in some] == [1, 3, 6, 8]
    assert levels(some) == [0, 20, 50, 70]
    every = decode(content, 99)
    assert [one.frame for one in every] == list(range(1, 11))
    assert levels(every) == list(range(0, 100, 10))
    assert all(one.width_pixels == 48 and one.height_pixels == 32 for one in every)


@pytest.mark.parametrize("name", sorted(SOUND))
def test_one_frame_is_what_decoding_an_image_gives(name: str) -> None:
    (frame,) = decode(SOUND[name], 1)
    image = decode_image(SOUND[name], URI, limits=Limits(), side_pixels=224)
    assert frame.image.tobytes() == image.image.tobytes()
    assert (frame.frame, frame.width_pixels) == (None, image.width_pixels)


@pytest.mark.parametrize("name", ["plain.jpg", "alpha.png", "alpha.webp", "lzw.tif", "plain.avif"])
def test_a_single_frame_has_no_number(name: str) -> None:
    (frame,) = decode(SOUND[name], 8)
    assert frame.frame is None


def test_the_other_pictures_of_a_camera_are_no_frames() -> None:
    (frame,) = decode(SOUND["multi_picture.jpg"], 8)
    assert frame.frame is None


def test_frames_are_painted_over_those_before_them() -> None:
    """A GIF whose second frame holds the upper left quarter alone, and stays."""
    first, quarter = Image.new("RGB", (40, 40), WHITE), Image.new("RGB", (40, 40), WHITE)
    quarter.paste(BLUE, (0, 0, 20, 20))
    third = quarter.copy()
    third.paste(BLUE, (20, 20, 40, 40))
    content = encoded(first, "GIF", save_all=True, append_images=[quarter, third], disposal=1)
    _, second_frame, third_frame = decode(content, 3)
    assert second_frame.image.getpixel((5, 5)) == BLUE
    assert second_frame.image.getpixel((30, 30)) == WHITE
    assert third_frame.image.getpixel((5, 5)) == BLUE
    assert third_frame.image.getpixel((30, 30)) == BLUE


def test_an_image_for_programs_without_animation_is_no_frame_of_an_apng() -> None:
    content = encoded(
        flat(200), "PNG", save_all=True, default_image=True, append_images=[flat(10), flat(20)]
    )
    assert levels(decode(content, 5)) == [10, 20]
    assert [one.frame for one in decode(content, 5)] == [1, 2]
    assert levels(decode(content, 1)) == [200]


def test_reduced_copies_and_masks_are_no_pages_of_a_tiff() -> None:
    content = bytearray(_paged(5))
    directories = _directories(content)
    for number, kind in ((1, 1), (3, 4)):
        _set_subfile_type(content, directories[number], kind)
    pages = decode(bytes(content), 9)
    assert levels(pages) == [0, 20, 40]
    assert [one.frame for one in pages] == [1, 2, 3]


def _paged(count: int) -> bytes:
    """Pages that have a NewSubfileType, 0."""
    first, *others = (flat(10 * number) for number in range(count))
    return encoded(first, "TIFF", save_all=True, append_images=others, tiffinfo={254: 0})


def _directories(content: bytearray) -> list[int]:
    found, (start,) = [], struct.unpack_from("<L", content, 4)
    while start:
        found.append(start)
        (count,) = struct.unpack_from("<H", content, start)
        (start,) = struct.unpack_from("<L", content, start + 2 + 12 * count)
    return found


def _set_subfile_type(content: bytearray, directory: int, kind: int) -> None:
    (count,) = struct.unpack_from("<H", content, directory)
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        if struct.unpack_from("<H", content, entry) == (254,):
            struct.pack_into("<L", content, entry + 8, kind)
            return
    raise AssertionError


def test_pages_have_their_own_sizes_and_each_is_held_to_the_limits() -> None:
    small, large = flat(0, (10, 20)), flat(0, (100, 50))
    content = encoded(small, "TIFF", save_all=True, append_images=[large])
    assert [(one.width_pixels, one.height_pixels) for one in decode(content, 2)] == [
        (10, 20),
        (100, 50),
    ]
    tight = Limits(max_image_pixels=4_999)
    assert len(decode(content, 1, tight)) == 1
    with pytest.raises(SourceTooLarge, match="100x50 pixels"):
        decode(content, 2, tight)


def test_frames_behind_the_limit_of_pages_are_not_looked_at() -> None:
    for file_format in ("GIF", "TIFF"):
        some = decode(moving(file_format, 10), 9, Limits(max_pages=4))
        assert levels(some) == [0, 10, 20, 30]


def test_a_damaged_frame_costs_the_file() -> None:
    content = moving("PNG", 10)
    half = content[: len(content) // 2]
    assert len(decode(half, 1)) == 1
    with pytest.raises(DecodeError):
        decode(half, 10)


def test_a_million_frames_are_counted_and_not_painted() -> None:
    one = encoded(Image.new("P", (1, 1)), "GIF")
    start = one.index(b",")
    content = one[:start] + one[start:-1] * 200_000 + b";"
    assert [frame.frame for frame in decode(content, 2)] == [1, 5001]


def test_an_animations_metadata_are_those_of_each_frame() -> None:
    exif = Image.Exif()
    exif[270] = "A heron"
    first, *others = (picture(), flat(10, (96, 64)), flat(20, (96, 64)))
    content = encoded(first, "WEBP", save_all=True, append_images=others, exif=exif)
    assert [one.caption for one in decode(content, 3)] == ["A heron"] * 3


def test_a_frame_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    first, second = picture(), Image.new("RGB", (96, 64))
    content = encoded(first, "PNG", save_all=True, append_images=[second], exif=exif)
    upright = decode(content, 2)
    assert [one.image.size for one in upright] == [(64, 96)] * 2
    assert upright[0].image.getpixel((50, 10)) == (255, 0, 0)
    assert Image.open(BytesIO(content)).size == (96, 64)
