"""A paragraph of a Word document: its text, and the images and text boxes anchored in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.decode.docx_styles import W
from ingest.decode.office import MC, A, R, V

if TYPE_CHECKING:
    from docx.parts.document import DocumentPart
    from lxml import etree

_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_PIC = "{http://schemas.openxmlformats.org/drawingml/2006/picture}"

_TEXTS = {
    **dict.fromkeys((f"{W}tab", f"{W}ptab"), "\t"),
    **dict.fromkeys((f"{W}br", f"{W}cr"), "\n"),
    f"{W}noBreakHyphen": "-",
}
"""Element -> the character it stands for."""

_LEFT_OUT = frozenset(
    {
        *(f"{W}{name}" for name in ("pPr", "rPr", "del", "moveFrom", "instrText", "rt")),
        f"{MC}Fallback",
    }
)
"""Properties, deletions, the code of fields, readings over characters, and what stands for a
drawing in older programs."""


@dataclass(frozen=True, slots=True)
class DocxImage:
    """An image in a paragraph.

    Attributes:
        content: The file; empty for a linked one.
        location: Of a linked one.
        alt_text: What the document says for those who cannot see it.
    """

    content: bytes
    location: str | None
    alt_text: str | None


class Runs:
    """Reads paragraphs one after another."""

    def __init__(self, part: DocumentPart, *, images: bool) -> None:
        """Begin.

        Args:
            part: Where the relationships of images are.
            images: Whether to take note of them.
        """
        self._part = part
        self._wants_images = images
        self._images: list[DocxImage] = []
        self._boxes: list[etree._Element] = []

    def to_text(self, paragraph: etree._Element) -> str:
        """A paragraph's text; takes note of what is anchored in it."""
        parts: list[str] = []
        self._read(paragraph, parts, None)
        return "".join(parts)

    def take_images(self) -> list[DocxImage]:
        """The images met since this was last called."""
        images, self._images = self._images, []
        return images

    def take_boxes(self) -> list[etree._Element]:
        """The contents of the text boxes met since this was last called."""
        boxes, self._boxes = self._boxes, []
        return boxes

    def _read(self, element: etree._Element, parts: list[str], alt_text: str | None) -> None:
        for child in element:
            tag = child.tag
            if tag in {f"{W}t", f"{_M}t"}:
                parts.append(child.text or "")
            elif tag in _TEXTS:
                parts.append(_TEXTS[tag])
            elif tag == f"{W}txbxContent":
                self._boxes.append(child)
            elif tag in {f"{A}blip", f"{V}imagedata"}:
                self._add_image(child, alt_text)
            elif tag not in _LEFT_OUT:
                self._read(child, parts, _find_alt_text(child) or alt_text)

    def _add_image(self, element: etree._Element, alt_text: str | None) -> None:
        relationship_id = next(
            (
                element.get(f"{R}{name}")
                for name in ("embed", "link", "id")
                if element.get(f"{R}{name}")
            ),
            None,
        )
        relationship = self._part.rels.get(relationship_id) if self._wants_images else None
        if relationship is None:
            return
        if relationship.is_external:
            self._images.append(DocxImage(b"", relationship.target_ref, alt_text))
        else:
            self._images.append(DocxImage(relationship.target_part.blob, None, alt_text))


def _find_alt_text(element: etree._Element) -> str | None:
    """What a drawing, a picture or a shape says of itself."""
    if element.tag == f"{V}shape":
        return element.get("alt")
    for path in (f"{_WP}docPr", f"{_PIC}nvPicPr/{_PIC}cNvPr"):
        properties = element.find(path)
        if properties is not None and (text := (properties.get("descr") or "").strip()):
            return text
    return None
