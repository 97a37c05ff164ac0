from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image

from ingest.sources.sniff import sniff_media_type


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP", "AVIF"])
def test_images_are_told_by_how_they_begin(kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(buffer, kind)
    assert sniff_media_type(buffer.getvalue()) == f"image/{kind.lower()}"


def test_heif_is_told_from_avif() -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="HEIF comes with the extra `heif`")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (16, 16))).save(buffer)
    assert sniff_media_type(buffer.getvalue()) == "image/heic"
    assert sniff_media_type(b"\0\0\0\x14ftypmif1\0\0\0\0msf1") == "image/heif"


@pytest.mark.parametrize(
    ("member", "media_type"),
    [
        (
            "word/document.xml",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (
            "ppt/presentation.xml",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ),
        ("META-INF/container.xml", "application/epub+zip"),
        ("photos/a.jpg", None),
    ],
)
def test_packages_are_told_by_what_is_in_them(member: str, media_type: str | None) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr(member, "x")
    assert sniff_media_type(buffer.getvalue()) == media_type
    assert sniff_media_type(buffer.getvalue()[:40]) is None


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"BMW is a maker of cars and of motorcycles", None),
        (b"\0\0\0\x18ftypisom\0\0\0\0", None),
        (b"PK\x03\x04" + b"PK\x01\x02" * 20_001, None),
        (b"plain words", None),
        (b"", None),
    ],
)
def test_other_bytes(content: bytes, media_type: str | None) -> None:
    assert sniff_media_type(content) == media_type
