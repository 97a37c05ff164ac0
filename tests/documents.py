"""Documents with pictures, made by the libraries that write them, for the readers to read."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from PIL import Image

from tests.hostile_documents import _with_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RED, GREEN, BLUE = (200, 30, 40), (20, 160, 60), (30, 60, 200)


def picture(colour: tuple[int, int, int] = RED, size: tuple[int, int] = (120, 80)) -> Image.Image:
    """One colour; JPEG keeps it to within a few levels."""
    return Image.new("RGB", size, colour)


def to_file(image: Image.Image, file_format: str = "PNG") -> bytes:
    """The image as a file."""
    buffer = BytesIO()
    image.save(buffer, file_format)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class PdfImage:
    """An image on a page.

    Attributes:
        stream: As it stands in the file.
        entries: Of its dictionary, besides type and length.
        matrix: Where it is put: ``a b c d e f``.
        mask: Stream of its soft mask, 8-bit gray of the same size.
    """

    stream: bytes
    entries: bytes
    matrix: str = "150 0 0 100 100 500"
    mask: bytes | None = None


def jpeg_image(image: Image.Image, matrix: str = "150 0 0 100 100 500") -> PdfImage:
    """As JPEG, in the image's own colour space."""
    space = {"L": b"DeviceGray", "RGB": b"DeviceRGB", "CMYK": b"DeviceCMYK"}[image.mode]
    entries = _entries(image, space, b"/DCTDecode")
    if image.mode == "CMYK":  # Pillow writes them inverted, as Photoshop does
        entries += b" /Decode [1 0 1 0 1 0 1 0]"
    return PdfImage(to_file(image, "JPEG"), entries, matrix)


def raw_image(
    image: Image.Image, matrix: str = "150 0 0 100 100 500", mask: Image.Image | None = None
) -> PdfImage:
    """As bare RGB pixels."""
    stream = image.tobytes()
    entries = _entries(image, b"DeviceRGB", None)
    return PdfImage(stream, entries, matrix, None if mask is None else mask.tobytes())


def _entries(image: Image.Image, space: bytes, encoding: bytes | None) -> bytes:
    size = b"/Width %d /Height %d /BitsPerComponent 8 /ColorSpace /%b" % (*image.size, space)
    return size + (b" /Filter %b" % encoding if encoding else b"")


@dataclass(frozen=True, slots=True)
class PdfPage:
    """A page.

    Attributes:
        texts: What stands where: x and y of the base line in points, and the line.
        images: In the order in which they are drawn.
        entries: Of the page's dictionary, such as ``/Rotate 90``.
    """

    texts: Sequence[tuple[int, int, str]] = ()
    images: Sequence[PdfImage] = ()
    entries: bytes = b""


def to_pdf(pages: Sequence[PdfPage], *, catalog: bytes = b"", info: bytes = b"") -> bytes:
    """A PDF of 612x792 points a page.

    Args:
        pages: Its pages; page ``n`` is object ``n`` behind the first three.
        catalog: Entries of the catalog, such as ``/Lang (en)``.
        info: Entries of the document information, such as ``/CreationDate (D:2024)``.
    """
    first = 4
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R %b >>" % catalog,
        b"<< /Type /Pages /Count %d /Kids [%b] >>"
        % (len(pages), b" ".join(b"%d 0 R" % (first + n) for n in range(len(pages)))),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *[b""] * len(pages),
    ]
    for number, page in enumerate(pages):
        objects[first - 1 + number] = _to_page(page, objects)
    objects.append(b"<< %b >>" % info)
    return _with_table(objects, b"/Root 1 0 R /Info %d 0 R" % len(objects))


def _to_page(page: PdfPage, objects: list[bytes]) -> bytes:
    names: list[bytes] = []
    drawing: list[bytes] = []
    for image in page.images:
        mask = b""
        if image.mask is not None:
            size = image.entries.partition(b"/BitsPerComponent")[0]
            gray = size + b"/BitsPerComponent 8 /ColorSpace /DeviceGray"
            objects.append(_to_stream(image.mask, b"/Subtype /Image " + gray))
            mask = b" /SMask %d 0 R" % len(objects)
        objects.append(_to_stream(image.stream, b"/Subtype /Image " + image.entries + mask))
        names.append(b"/I%d %d 0 R" % (len(names), len(objects)))
        drawing.append(b"q %b cm /I%d Do Q" % (image.matrix.encode(), len(names) - 1))
    for x, y, line in page.texts:
        drawing.append(b"BT /F1 10 Tf %d %d Td (%b) Tj ET" % (x, y, line.encode("latin-1")))
    objects.append(_to_stream(b"\n".join(drawing), b""))
    return (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R %b "
        b"/Resources << /Font << /F1 3 0 R >> /XObject << %b >> >> >>"
        % (len(objects), page.entries, b" ".join(names))
    )


def _to_stream(content: bytes, entries: bytes) -> bytes:
    return b"<< %b /Length %d >>\nstream\n%b\nendstream" % (entries, len(content), content)


def to_zip(members: Mapping[str, bytes | str]) -> bytes:
    """A zip archive; ``mimetype`` is stored as it is, as EPUB asks."""
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            method = ZIP_STORED if name == "mimetype" else ZIP_DEFLATED
            archive.writestr(name, content, compress_type=method)
    return buffer.getvalue()


_CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>"""


def to_epub(
    chapters: Mapping[str, str],
    *,
    metadata: str = "",
    manifest: str = "",
    extra: Mapping[str, bytes | str] | None = None,
) -> bytes:
    """An EPUB 3 whose spine is the chapters, in order.

    Args:
        chapters: File name below ``OPS`` -> body of the page.
        metadata: Inside ``<metadata>``.
        manifest: Further items.
        extra: Further files.
    """
    items = "".join(
        f'<item id="c{n}" href="{name}" media-type="application/xhtml+xml"/>'
        for n, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    book = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{metadata}</metadata>'
        f"<manifest>{items}{manifest}</manifest><spine>{spine}</spine></package>"
    )
    pages = {
        f"OPS/{name}": '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html>'
        f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head>'
        f"<body>{body}</body></html>"
        for name, body in chapters.items()
    }
    return to_zip(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": _CONTAINER,
            "OPS/book.opf": book,
            **pages,
            **(extra or {}),
        }
    )
