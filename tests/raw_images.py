"""RAW files made from nothing: DNGs of a few kilobytes that LibRaw opens."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tests.hostile_images import encoded, picture

WIDTH, HEIGHT = 320, 240
_MATRIX = (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1)
_FORMATS = {1: "B", 2: "s", 3: "H", 4: "L", 7: "s", 10: "l"}
"""TIFF field type -> struct format."""


@dataclass(frozen=True)
class Field:
    """One TIFF field: its tag, type and values."""

    tag: int
    kind: int
    values: tuple[int, ...] | bytes

    def packed(self) -> tuple[int, bytes]:
        """Count, and the values as bytes."""
        if isinstance(self.values, bytes):
            return len(self.values), self.values
        body = struct.pack(f"<{len(self.values)}{_FORMATS[self.kind]}", *self.values)
        return len(self.values) // (2 if self.kind == 10 else 1), body


class TiffWriter:
    """A little-endian TIFF that grows; what is written returns its offset."""

    def __init__(self) -> None:
        self.content = bytearray(b"II*\0\0\0\0\0")

    def write(self, body: bytes) -> int:
        self.content += bytes(-len(self.content) % 4)
        self.content += body
        return len(self.content) - len(body)

    def write_directory(self, fields: list[Field]) -> int:
        entries = b""
        for field in sorted(fields, key=lambda one: one.tag):
            count, body = field.packed()
            value = body.ljust(4, b"\0") if len(body) <= 4 else struct.pack("<L", self.write(body))
            entries += struct.pack("<HHL", field.tag, field.kind, count) + value
        return self.write(struct.pack("<H", len(fields)) + entries + bytes(4))

    def finish(self, fields: list[Field]) -> bytes:
        """The file, with these fields in its first directory."""
        start = self.write_directory(fields)
        return bytes(self.content[:4]) + struct.pack("<L", start) + bytes(self.content[8:])


def dng(
    *,
    preview: bytes | None = None,
    orientation: int = 1,
    taken_at: bytes = b"",
    xmp: bytes = b"",
    width: int = WIDTH,
    height: int = HEIGHT,
) -> bytes:
    """A DNG of one grey sensor image.

    The first directory is that of the JPEG preview, as cameras write it; without one, that of
    the sensor image.
    """
    tiff = TiffWriter()
    sensor = _sensor_fields(tiff, width, height)
    camera = [
        Field(271, 2, b"Diptych\0"),
        Field(272, 2, b"Obscura\0"),
        Field(274, 3, (orientation,)),
        Field(50706, 1, (1, 4, 0, 0)),  # DNGVersion
        Field(50708, 2, b"Diptych Obscura\0"),  # UniqueCameraModel
        Field(50721, 10, _MATRIX),  # ColorMatrix1
        Field(50778, 3, (21,)),  # CalibrationIlluminant1: D65
    ]
    if taken_at:
        camera.append(Field(34665, 4, (tiff.write_directory([Field(36867, 2, taken_at)]),)))
    if xmp:
        camera.append(Field(700, 1, xmp))
    if preview is None:
        first = [*sensor, *camera]
    else:
        subdirectory = Field(330, 4, (tiff.write_directory(sensor),))
        first = [*_preview_fields(tiff, preview, width, height), *camera, subdirectory]
    return tiff.finish(first)


def jpeg_preview(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """The four colours, without any metadata."""
    return encoded(picture(width, height), "JPEG", quality=95, subsampling=0)


def _sensor_fields(tiff: TiffWriter, width: int, height: int) -> list[Field]:
    pixels = struct.pack("<H", 2048) * width * height
    return [
        Field(254, 4, (0,)),
        Field(256, 4, (width,)),
        Field(257, 4, (height,)),
        Field(258, 3, (16,)),
        Field(259, 3, (1,)),
        Field(262, 3, (32803,)),  # colour filter array
        Field(273, 4, (tiff.write(pixels),)),
        Field(277, 3, (1,)),
        Field(278, 4, (height,)),
        Field(279, 4, (len(pixels),)),
        Field(33421, 3, (2, 2)),
        Field(33422, 1, (0, 1, 1, 2)),
        Field(50717, 3, (4095,)),  # WhiteLevel
    ]


def _preview_fields(tiff: TiffWriter, preview: bytes, width: int, height: int) -> list[Field]:
    return [
        Field(254, 4, (1,)),  # a reduced copy
        Field(256, 4, (width,)),
        Field(257, 4, (height,)),
        Field(258, 3, (8, 8, 8)),
        Field(259, 3, (7,)),
        Field(262, 3, (6,)),
        Field(273, 4, (tiff.write(preview),)),
        Field(277, 3, (3,)),
        Field(278, 4, (height,)),
        Field(279, 4, (len(preview),)),
    ]
