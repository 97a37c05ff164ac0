from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw, ImageFont

from ingest.decode.image import DecodedImage, decode_frames
from ingest.decode.limits import Limits
from ingest.decode.ocr import MAX_PIXELS, MAX_SIDE_PIXELS, load_reader, to_legible_size
from ingest.decode.policy import DecodePolicy
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

SENTENCE = "The herons of Lake Geneva"
SECOND = "fly south in 1923."


def decode(content: bytes, policy: DecodePolicy) -> tuple[DecodedImage, ...]:
    return decode_frames(
        content, "folder://r/a.png", limits=Limits(), side_pixels=32, policy=policy
    )


def page(*lines: str, size: tuple[int, int] = (600, 160)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((20, 20 + 60 * number), line, "black", ImageFont.load_default(36))
    return image


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def test_the_extra_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    load_reader.__globals__["_load"].cache_clear()
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(SettingsError, match=r"pip install 'diptych\[ocr\]'"):
        decode(encoded(page(SENTENCE), "PNG"), DecodePolicy(ocr=True))


@pytest.mark.parametrize(
    ("size", "legible"),
    [
        ((640, 480), (981, 736)),
        ((800, 800), (800, 800)),
        ((4000, 3000), (1632, 1224)),
        ((600, 160), (2000, 533)),
        ((1, 20_000), (1, 2000)),
        ((7000, 7000), (1414, 1414)),
    ],
)
def test_small_images_are_enlarged_and_large_ones_shrunk(
    size: tuple[int, int], legible: tuple[int, int]
) -> None:
    assert to_legible_size(*size) == legible
    assert max(legible) <= MAX_SIDE_PIXELS
    assert legible[0] * legible[1] <= MAX_PIXELS


@pytest.fixture
def _rapidocr() -> None:
    pytest.importorskip("rapidocr", reason="the text in images is read by the extra `ocr`")


@pytest.mark.usefixtures("_rapidocr")
def test_lines_are_read_in_order_from_an_upright_image_that_is_not_shrunk() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = page(SENTENCE, SECOND).transpose(Image.Transpose.ROTATE_90)
    content = encoded(sideways, "JPEG", quality=90, exif=exif)
    (decoded,) = decode(content, DecodePolicy(ocr=True))
    assert decoded.ocr_text == f"{SENTENCE}\n{SECOND}"
    assert decoded.image.height < 160  # the encoder's copy is too small to read
    (without,) = decode(content, DecodePolicy())
    assert without.ocr_text is None
    assert without.image.tobytes() == decoded.image.tobytes()


@pytest.mark.usefixtures("_rapidocr")
@pytest.mark.parametrize("size", [(200, 100), (1, 20_000), (20_000, 1), (9, 2000), (2000, 9)])
def test_an_image_without_text_has_none(size: tuple[int, int]) -> None:
    grey = encoded(Image.new("L", size, 128), "PNG")
    assert decode(grey, DecodePolicy(ocr=True))[0].ocr_text is None


@pytest.mark.usefixtures("_rapidocr")
def test_each_frame_has_its_own_text() -> None:
    pages = [page(word, size=(200, 100)) for word in ("first", "second", "third", "fourth")]
    content = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    frames = decode(content, DecodePolicy(frames=2, ocr=True))
    assert [(one.frame, one.ocr_text) for one in frames] == [(1, "first"), (3, "third")]


CONFINED = """
import os, resource, sys
from pathlib import Path

content = Path(sys.argv[1]).read_bytes()
from ingest.decode.image import decode_frames
from ingest.decode.limits import Limits
from ingest.decode.policy import DecodePolicy

def refuse(event, arguments):
    if event == "socket.connect":
        raise PermissionError("no network")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise PermissionError(f"no file is written: {arguments[0]}")

sys.addaudithook(refuse)
os.chdir("/")
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
with Path("/proc/self/statm").open() as pages:
    size = int(pages.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 2**31, size + 2**31))
policy = DecodePolicy(ocr=True)
(decoded,) = decode_frames(content, "x", limits=Limits(), side_pixels=224, policy=policy)
print(decoded.ocr_text)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the size of the address space is Linux's")
@pytest.mark.usefixtures("_rapidocr")
def test_it_needs_no_network_no_file_and_two_gibibytes_at_most(
    tmp_path: Path,
) -> None:
    largest = page(*["herons"] * 20, size=(1414, 1414))
    path = tmp_path / "page.png"
    largest.save(path)
    command = [sys.executable, "-B", "-c", CONFINED, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("herons\n" * 20, "", 0)
