"""Where a photograph was taken, by the two spellings of it in a file's metadata."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from PIL import ExifTags

from schemas.records import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Exif

_DECIMALS = 7
"""About a centimetre; more is the noise of binary fractions."""

_COORDINATE = re.compile(
    r"\s*(\d{1,3}),(\d{1,2}(?:\.\d{1,9})?)(?:,(\d{1,2}(?:\.\d{1,9})?))?\s*([NSEW])\s*",
    re.IGNORECASE | re.ASCII,
)
"""XMP part 2, GPSCoordinate: ``48,8.2057N`` or ``48,8,12N``."""

_MINUTES = 60


def read_exif_place(exif: Exif) -> Place | None:
    """GPSLatitude and GPSLongitude (EXIF 2.32, 4.6.6), degrees, minutes and seconds each."""
    tags = exif.get_ifd(ExifTags.IFD.GPSInfo)
    latitude = _to_degrees(
        tags.get(ExifTags.GPS.GPSLatitude), tags.get(ExifTags.GPS.GPSLatitudeRef), "NS"
    )
    longitude = _to_degrees(
        tags.get(ExifTags.GPS.GPSLongitude), tags.get(ExifTags.GPS.GPSLongitudeRef), "EW"
    )
    return _to_place(latitude, longitude)


def to_xmp_place(latitude: str | None, longitude: str | None) -> Place | None:
    """``exif:GPSLatitude`` and ``exif:GPSLongitude`` of an XMP packet."""
    return _to_place(_parse(latitude, "NS"), _parse(longitude, "EW"))


def _to_degrees(parts: object, reference: object, directions: str) -> float | None:
    """Signed degrees; None when a part is missing, not finite or out of its range."""
    if not isinstance(parts, tuple):
        return None
    direction = str(reference or "").strip("\0 ").upper()
    numbers = [float(part) for part in parts]
    return _signed([*numbers, 0.0, 0.0][:3], direction, directions) if numbers else None


def _parse(text: str | None, directions: str) -> float | None:
    match = _COORDINATE.fullmatch(text or "")
    if match is None:
        return None
    degrees, minutes, seconds, direction = match.groups()
    parts = [float(degrees), float(minutes), float(seconds or 0)]
    return _signed(parts, direction.upper(), directions)


def _signed(parts: Sequence[float], direction: str, directions: str) -> float | None:
    degrees, minutes, seconds = parts
    # To 60, because programs round up to it; NaN is not sound.
    is_sound = degrees >= 0 and 0 <= minutes <= _MINUTES and 0 <= seconds <= _MINUTES
    if not is_sound or not direction or direction not in directions:
        return None
    total = degrees + minutes / _MINUTES + seconds / _MINUTES**2
    return -total if direction == directions[1] else total


def _to_place(latitude: float | None, longitude: float | None) -> Place | None:
    """None also for 0, 0, a buoy in the Gulf of Guinea: what devices write that know nothing."""
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return None
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        return None
    try:
        return Place(round(latitude, _DECIMALS), round(longitude, _DECIMALS))
    except ValueError:
        return None
