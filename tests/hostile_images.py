"""Image files that break careless readers, made from nothing: name -> content and its due end."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageCms

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH, HEIGHT = 96, 64
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def picture(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Red top left, green top right, blue bottom left, white bottom right."""
    pixels = np.zeros((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    pixels[:top, :left] = (255, 0, 0)
    pixels[:top, left:] = (0, 255, 0)
    pixels[top:, :left] = (0, 0, 255)
    pixels[top:, left:] = (255, 255, 255)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    """The image as a file."""
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG, with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int, *, bits: int = 1, colour: int = 0) -> bytes:
    """Signature and IHDR."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return PNG_SIGNATURE + png_chunk(b"IHDR", header)


def bomb_png(width: int, height: int) -> bytes:
    """A black PNG of any size, a thousandth of a bit for each of its pixels."""
    rows = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(rows.compress(row) for _ in range(height)) + rows.flush()
    return png_header(width, height) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def with_png_chunk(kind: bytes, body: bytes) -> bytes:
    """A sound PNG with one more chunk before its pixels."""
    sound = encoded(picture(), "PNG")
    head = len(PNG_SIGNATURE) + 25
    return sound[:head] + png_chunk(kind, body) + sound[head:]


def oriented_jpeg(orientation: int) -> bytes:
    """Stored so that the orientation tag, and it alone, brings :func:`picture` back."""
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = picture()
    if orientation in turns:
        stored = stored.transpose(turns[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.get_ifd(0x8769)[0x9003] = "2021:07:08 09:10:11"
    return encoded(stored, "JPEG", exif=exif, quality=95, subsampling=0)


def with_exif(payload: bytes) -> bytes:
    """A sound JPEG with these bytes as its EXIF segment."""
    sound = encoded(picture(), "JPEG")
    body = b"Exif\0\0" + payload
    return sound[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + sound[2:]


def animation(file_format: str) -> bytes:
    """Three frames; the picture is the first, the others are black."""
    frames = [Image.new("RGB", (WIDTH, HEIGHT)), Image.new("RGB", (WIDTH, HEIGHT), "navy")]
    lossless = {"lossless": True} if file_format == "WEBP" else {}
    return encoded(
        picture(), file_format, save_all=True, append_images=frames, duration=50, **lossless
    )


def transparent_palette() -> bytes:
    """A palette PNG whose red entry is see-through."""
    paletted = picture().quantize(8)
    red = int(np.asarray(paletted)[0, 0])
    return encoded(paletted, "PNG", transparency=bytes(0 if i == red else 255 for i in range(8)))


def transparent_rgba() -> Image.Image:
    """The picture, see-through in its upper half."""
    layered = picture().convert("RGBA")
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[: HEIGHT // 2] = 0
    layered.putalpha(Image.fromarray(alpha))
    return layered


def sixteen_bit(dtype: str = "uint16", scale: float = 257) -> Image.Image:
    """The picture's luminance with other numbers than bytes."""
    grey = np.asarray(picture().convert("L"), np.float64) * scale
    return Image.fromarray(grey.astype(dtype))


def lab() -> Image.Image:
    """The picture in CIE L*a*b*."""
    target = ImageCms.createProfile("LAB")
    converted = ImageCms.profileToProfile(
        picture(), ImageCms.createProfile("sRGB"), target, outputMode="LAB"
    )
    assert converted is not None
    return converted


def iter_sound() -> Iterator[tuple[str, bytes]]:
    """Odd, but each of them shows a picture."""
    yield "plain.jpg", encoded(picture(), "JPEG", quality=95)
    yield "progressive.jpg", encoded(picture(), "JPEG", progressive=True)
    yield "grey.jpg", encoded(picture().convert("L"), "JPEG")
    yield "cmyk.jpg", encoded(picture().convert("CMYK"), "JPEG", quality=95)
    yield "grey16.png", encoded(sixteen_bit(), "PNG")
    yield "grey16.tif", encoded(sixteen_bit(), "TIFF")
    yield "integer32.tif", encoded(sixteen_bit("int32"), "TIFF")
    yield "float.tif", encoded(sixteen_bit("float32", 1 / 255), "TIFF")
    yield "float_heights.tif", encoded(sixteen_bit("float32", -12.5), "TIFF")
    yield "lab.tif", encoded(lab(), "TIFF")
    yield "lzw.tif", encoded(picture(), "TIFF", compression="tiff_lzw")
    yield "two_pages.tif", animation("TIFF")
    yield "one_bit.png", encoded(picture().convert("1"), "PNG")
    yield "grey_alpha.png", encoded(transparent_rgba().convert("LA"), "PNG")
    yield "alpha.png", encoded(transparent_rgba(), "PNG")
    yield "alpha.webp", encoded(transparent_rgba(), "WEBP", lossless=True)
    yield "palette_alpha.png", transparent_palette()
    yield "animated.gif", animation("GIF")
    yield "animated.webp", animation("WEBP")
    yield "animated.png", animation("PNG")
    yield "palette.bmp", encoded(picture().quantize(8), "BMP")
    yield "plain.avif", encoded(picture(), "AVIF", quality=90)
    yield "multi_picture.jpg", animation("MPO")
    yield "a_png_in_truth.jpg", encoded(picture(), "PNG")
    yield "a_jpeg_in_truth.png", encoded(picture(), "JPEG")
    yield "a_webp_in_truth.TIFF", encoded(picture(), "WEBP")
    yield "one_pixel.png", encoded(Image.new("RGB", (1, 1), "red"), "PNG")
    yield "1x20000.png", encoded(Image.new("RGB", (1, 20_000), "red"), "PNG")
    yield "20000x1.png", encoded(Image.new("RGB", (20_000, 1), "red"), "PNG")
    yield "trailing_garbage.jpg", encoded(picture(), "JPEG") + bytes(range(256)) * 40
    yield "huge_exif.jpg", with_exif(b"MM\0*" + bytes(65_000))
    yield "broken_exif.jpg", with_exif(b"MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 400)
    yield "cyclic_exif.jpg", with_exif(b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0")
    yield "broken_profile.png", with_png_chunk(b"iCCP", b"x\0\0" + zlib.compress(b"no profile"))
    yield "misfit_profile.jpg", encoded(picture(), "JPEG", icc_profile=_lab_profile())
    yield "\u00e9moji \U0001f4f7 and\nline break.png", encoded(picture(), "PNG")
    for orientation in range(1, 9):
        yield f"orientation_{orientation}.jpg", oriented_jpeg(orientation)


def iter_unsound() -> Iterator[tuple[str, bytes, str]]:
    """Name, content and the class of error it must end as."""
    noise = Image.fromarray(
        np.random.default_rng(7).integers(0, 256, (128, 160, 3), dtype=np.uint8)
    )
    for name, file_format in (
        *(("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP"), ("gif", "GIF"), ("bmp", "BMP")),
        *(("tif", "TIFF"), ("avif", "AVIF")),
    ):
        whole = encoded(noise, file_format)
        yield f"half.{name}", whole[: len(whole) // 2], "DecodeError"
        yield f"head_only.{name}", whole[:20], "DecodeError"
    yield "bomb.png", bomb_png(20_000, 20_000), "SourceTooLarge"
    yield "bomb_below_pillows_ceiling.png", bomb_png(10_000, 10_000), "SourceTooLarge"
    yield "wider_than_all.png", png_header(2**31 - 1, 2**31 - 1), "DecodeError"
    yield "no_width.png", png_header(0, 10) + png_chunk(b"IEND", b""), "DecodeError"
    yield "no_pixels.png", png_header(10, 10) + png_chunk(b"IEND", b""), "DecodeError"
    yield "text_bomb.png", with_png_chunk(b"zTXt", b"k\0\0" + _zeros()), "DecodeError"
    yield "bad_checksum.png", _bad_checksum(), "DecodeError"
    yield "empty.jpg", b"", "DecodeError"
    yield "text.jpg", b"just some words", "UnsupportedFormat"
    yield "vector.png", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "UnsupportedFormat"
    yield "page.jpeg", b"%PDF-1.4\n", "UnsupportedFormat"
    yield "archive.webp", b"PK\x03\x04" + bytes(40), "UnsupportedFormat"
    yield "icon.png", b"\0\0\x01\0\x01\0" + bytes(60), "UnsupportedFormat"
    yield "postscript.gif", b"%!PS-Adobe-3.0 EPSF-3.0\n", "UnsupportedFormat"
    yield "nulls.bmp", bytes(4096), "UnsupportedFormat"
    yield "noise.jpg", b"\xff\xd8\xff" + np.random.default_rng(8).bytes(9000), "DecodeError"
    yield "noise.tif", b"II*\0" + np.random.default_rng(9).bytes(9000), "DecodeError"


def _zeros() -> bytes:
    """100 million NULs in 100 kB."""
    return zlib.compress(bytes(100_000_000), 9)


def _bad_checksum() -> bytes:
    sound = bytearray(encoded(picture(), "PNG"))
    sound[sound.index(b"IDAT") + 10] ^= 0xFF
    return bytes(sound)


def _lab_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
