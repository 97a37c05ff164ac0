"""What travels to and from a decoding process arrives as it was sent; nothing else does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ingest.decode.document import Figure, Heading
from ingest.decode.image import DecodedImage
from ingest.decode.limits import Limits
from ingest.decode.policy import DecodePolicy
from ingest.decode.text import DecodedText
from ingest.decode.wire import FUNCTIONS, RECORDS, from_wire, to_function, to_wire

if TYPE_CHECKING:
    from ingest.decode.wire import Buffer

PIXEL_TYPES = {
    "CMYK": ("uint8", 4),
    "F": ("float32", 1),
    "I": ("int32", 1),
    "I;16": ("uint16", 1),
    "L": ("uint8", 1),
    "LA": ("uint8", 2),
    "RGB": ("uint8", 3),
    "RGBA": ("uint8", 4),
}

texts = st.text(st.characters(), max_size=20)
plain: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.binary(max_size=50),
    texts,
    texts.map(lambda text: text * 1000),
)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple)
)


def travelled(value: object) -> Any:
    buffers: list[Buffer] = []
    tree = to_wire(value, buffers)
    return from_wire(tree, [memoryview(bytes(one)) for one in buffers])


def an_image(mode: str, width: int, height: int, seed: int) -> Image.Image:
    dtype, bands = PIXEL_TYPES[mode]
    raw = np.random.default_rng(seed).integers(0, 256, width * height * bands * 4, np.uint8)
    pixels = raw.tobytes()[: width * height * bands * np.dtype(dtype).itemsize]
    return Image.frombytes(mode, (width, height), pixels)


@given(values)
def test_values_arrive_as_they_were_sent(value: object) -> None:
    again = travelled(value)
    assert again == value
    assert repr(again) == repr(value)  # True is no 1, and a tuple no list


@given(
    st.sampled_from(sorted(PIXEL_TYPES)),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(0, 1000),
)
def test_images_arrive_to_the_pixel(mode: str, width: int, height: int, seed: int) -> None:
    image = an_image(mode, width, height, seed)
    again = travelled(image)
    assert (again.mode, again.size, again.info) == (mode, (width, height), {})
    assert again.tobytes() == image.tobytes()


def test_floats_that_are_no_numbers_arrive() -> None:
    nan, infinite = travelled((math.nan, -math.inf))
    assert math.isnan(nan)
    assert infinite == -math.inf


@pytest.mark.parametrize(
    "record",
    [
        Limits(max_source_bytes=7, max_aspect_ratio=1.5),
        DecodedText("text " * 999, "a title", (0, 10, 20)),
        DecodedText("\ud800 a lone surrogate"),
        DecodedText(
            "text",
            headings=(Heading(0, 1, "One"), Heading(3, 2, "Two")),
            figures=(Figure(b"\x89PNG", "image/png", page=2, caption="A heron"),),
        ),
        DecodePolicy(frames=4, ocr=True),
    ],
)
def test_records_arrive(record: object) -> None:
    assert travelled(record) == record


def test_an_image_arrives_within_its_record() -> None:
    image = an_image("RGB", 8, 6, 1)
    again = travelled([DecodedImage(image, 80, 60, "2021-07-08T09:10:11")])
    assert again[0].image.tobytes() == image.tobytes()
    assert (again[0].width_pixels, again[0].taken_at) == (80, "2021-07-08T09:10:11")


def test_whatever_is_listed_is_there() -> None:
    assert all(callable(to_function(name)) for name in FUNCTIONS)
    for name, module in RECORDS.items():
        assert getattr(__import__(module, fromlist=[name]), name).__dataclass_fields__


@pytest.mark.parametrize("value", [{"a": 1}, {1}, object(), Limits, print, 1j, bytearray(b"x")])
def test_other_types_do_not_travel(value: object) -> None:
    with pytest.raises(TypeError, match="no type that travels"):
        to_wire([value], [])


def test_a_class_of_a_listed_name_does_not_travel_for_that() -> None:
    class Limits(str):
        __slots__ = ()

    with pytest.raises(TypeError):
        to_wire((type("Limits", (), {})(),), [])
    assert type(travelled(Limits("text"))) is str


@pytest.mark.parametrize(
    "tree",
    [
        {"record": ["Popen", {"args": "true"}]},
        {"record": ["DecodedText", {"no_such_field": 1}]},
        {"image": ["RGB", 4, 4, 0]},
        {"image": ["no mode", 1, 1, 0]},
        {"bytes": 9},
        {"text": 0},
        {"pickle": 0},
        {"bytes": 0, "text": 0},
        {},
    ],
)
def test_a_forged_tree_is_refused(tree: object) -> None:
    with pytest.raises((KeyError, IndexError, TypeError, ValueError)):
        from_wire(tree, [b"\xff" * 7])
