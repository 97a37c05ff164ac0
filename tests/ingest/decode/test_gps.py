"""Where a photograph was taken, out of files that Pillow wrote."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from ingest.decode.image import decode_image
from ingest.decode.limits import Limits
from schemas.records import Place
from tests.described_images import described_jpeg, xmp

MUNICH = ((48, 8, 12.5), "N"), ((11, 30, 0), "E")


def jpeg(tags: dict[int, Any]) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(tags)
    out = BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, "JPEG", exif=exif)
    return out.getvalue()


def gps(latitude: tuple[Any, Any], longitude: tuple[Any, Any]) -> dict[int, Any]:
    def exact(parts: tuple[float, ...]) -> tuple[IFDRational, ...]:
        return tuple(IFDRational(round(part * 1000), 1000) for part in parts)

    return {1: latitude[1], 2: exact(latitude[0]), 3: longitude[1], 4: exact(longitude[0])}


def place_of(content: bytes) -> Place | None:
    return decode_image(content, "folder://r/a.jpg", limits=Limits(), side_pixels=8).place


def test_degrees_minutes_and_seconds_are_read() -> None:
    assert place_of(jpeg(gps(*MUNICH))) == Place(48.1368056, 11.5)


def test_south_and_west_are_negative() -> None:
    there = gps(((22, 54.5, 0), "S"), ((43, 10, 12), "W"))
    assert place_of(jpeg(there)) == Place(-22.9083333, -43.17)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        gps(((48, 8, 12), ""), ((11, 30, 0), "E")),
        gps(((48, 8, 12), "E"), ((11, 30, 0), "N")),
        gps(((91, 0, 0), "N"), ((11, 30, 0), "E")),
        gps(((48, 61, 0), "N"), ((11, 30, 0), "E")),
        gps(((48, 0, 0), "N"), ((181, 0, 0), "E")),
        gps(((0, 0, 0), "N"), ((0, 0, 0), "E")),
        {**gps(*MUNICH), 2: (IFDRational(0, 0), IFDRational(0, 0), IFDRational(0, 0))},
        gps(((48, 8, 61), "N"), ((11, 30, 0), "E")),
        {key: value for key, value in gps(*MUNICH).items() if key != 4},
    ],
)
def test_what_is_no_place_is_none_and_no_error(tags: dict[int, Any]) -> None:
    assert place_of(jpeg(tags)) is None


@pytest.mark.parametrize(
    ("latitude", "longitude", "place"),
    [
        ("48,8.2057N", "11,30E", Place(48.1367617, 11.5)),
        ("22,54,30S", "43,10,12W", Place(-22.9083333, -43.17)),
        ("48.1368", "11.5", None),
        ("95,0.0N", "11,30E", None),
        ("48,8.2057N", "", None),
    ],
)
def test_xmp_says_it_in_its_own_way(latitude: str, longitude: str, place: Place | None) -> None:
    said = f'exif:GPSLatitude="{latitude}" exif:GPSLongitude="{longitude}"'
    assert place_of(described_jpeg(xmp_packet=xmp("", said))) == place


rationals = st.builds(IFDRational, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))


@settings(max_examples=50, deadline=None)
@given(
    parts=st.lists(rationals, min_size=3, max_size=3).map(tuple),
    direction=st.sampled_from(["N", "S", "W", "\0", "north"]),
)
def test_whatever_a_camera_writes_is_a_place_or_none(parts: Any, direction: str) -> None:
    place = place_of(jpeg({**gps(*MUNICH), 1: direction, 2: parts}))
    assert place is None or (abs(place.latitude) <= 90 and place.longitude == 11.5)


def test_sixty_seconds_are_a_minute() -> None:
    assert place_of(jpeg(gps(((48, 11, 60), "N"), ((11, 30, 0), "E")))) == Place(48.2, 11.5)
