"""Contact sheets: a query and its hits in one picture, to judge an answer at a glance."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageDraw

from schemas.errors import DiptychError, QueryError, RootForgotten
from schemas.records import Modality, Part
from search.composition import to_composition
from search.drawing import fit_inside, fit_name, load_font, wrap_lines
from search.photograph import open_photograph
from search.table import to_extent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from schemas.query import Composition, Hit, ImageSource, Page, Query
    from search.composition import QueryLike

    Look: TypeAlias = Callable[[Hit, int], bytes]
    """A hit, and the pixels of the longer side at most -> an image file."""

COLUMNS = 5
MOST_HITS = 100
"""Hits drawn of one answer; a longer answer says how many it left out."""

_WIDTH = 1280
_MARGIN = 32
_GUTTER = 16
_CARD = (_WIDTH - 2 * _MARGIN - (COLUMNS - 1) * _GUTTER) // COLUMNS
_PICTURE = (_CARD, _CARD * 3 // 4)
_CAPTION = 62
_HEADER_PICTURE = (240, 150)
_HEADER_MOST_PIXELS = 240  # two lines of title, or the picture
_PADDING = 12

_PAPER = "#f4f1ea"
_WHITE = "#ffffff"
_MOUNT = "#e7e2d6"
_LEAF = "#fdf8e7"
_INK = "#24211c"
_FADED = "#857c6c"
_LINE = "#d9d2c2"
_ACCENT = "#a3432b"


def write_sheet(page: Page, query: QueryLike, path: Path, *, look: Look | None = None) -> None:
    """Draw one answer; see :func:`write_sheets`."""
    write_sheets([(query, page)], path, look=look)


def check_sheet_path(path: Path) -> None:
    """Refuse, before anything is asked, a file that no sheet can be written to.

    Raises:
        QueryError: Its suffix is no picture format's, or its folder is not there.
    """
    if path.suffix.lower() not in Image.registered_extensions():
        raise QueryError(f"sheet: {path} does not end like a picture; name it {path.stem}.png")
    if not path.parent.is_dir():
        raise QueryError(f"sheet: {path} cannot be written: there is no folder {path.parent}")


def write_sheets(
    answers: Iterable[tuple[QueryLike, Page]], path: Path, *, look: Look | None = None
) -> None:
    """Draw answers below each other and write the picture at once or not at all.

    Args:
        answers: Each query with its answer, top to bottom.
        path: Where to; the format follows its suffix (.png, .jpg, .webp). Replaced if it exists.
        look: Gives the picture of an image hit, such as :func:`search.thumbnail.to_thumbnail`.
            Where it raises a DiptychError, words are drawn. Without it, files are drawn alone.

    Raises:
        QueryError: The suffix is no picture format's, or the file cannot be written.
    """
    check_sheet_path(path)
    sheet = draw_sheets(answers, look=look)
    try:
        _write_atomically(sheet, path)
    except (OSError, ValueError) as error:  # a ValueError when the format holds no such size
        reason = getattr(error, "strerror", None) or error
        raise QueryError(f"sheet: {path} cannot be written ({reason}); name another") from None


def draw_sheets(
    answers: Iterable[tuple[QueryLike, Page]], *, look: Look | None = None
) -> Image.Image:
    """The sheet as an RGB image of a fixed width; a photograph that is gone is drawn as gone."""
    sections = [_draw_section(to_composition(query), page, look) for query, page in answers]
    height = sum(section.height for section in sections) + _MARGIN
    sheet = Image.new("RGB", (_WIDTH, height), _PAPER)
    top = 0
    for section in sections:
        sheet.paste(section, (0, top))
        top += section.height
    return sheet


class _Pen(NamedTuple):
    """Where text goes, and how wide it may be."""

    draw: ImageDraw.ImageDraw
    left: int
    width_pixels: int

    def lines(self, top: int, text: str, size_pixels: int, fill: str, most_lines: int) -> int:
        """Draw wrapped text; returns where it ends."""
        font = load_font(size_pixels)
        for line in wrap_lines(text, font, self.width_pixels, most_lines):
            self.draw.text((self.left, top), line, fill, font)
            top += size_pixels * 4 // 3
        return top


def _draw_section(query: Composition, page: Page, look: Look | None) -> Image.Image:
    """Header and grid of one answer."""
    header = _draw_header(query, page)
    hits = page.hits[:MOST_HITS]
    rows = -(-len(hits) // COLUMNS)
    row_height = _PICTURE[1] + _CAPTION + _GUTTER
    section = Image.new("RGB", (_WIDTH, header.height + rows * row_height), _PAPER)
    section.paste(header, (0, 0))
    for place, hit in enumerate(hits):
        row, column = divmod(place, COLUMNS)
        left = _MARGIN + column * (_CARD + _GUTTER)
        section.paste(_draw_card(hit, look), (left, header.height + row * row_height))
    return section


def _draw_header(query: Composition, page: Page) -> Image.Image:
    """What was asked, large, and who answered, small; as high as these need."""
    header = Image.new("RGB", (_WIDTH, _HEADER_MOST_PIXELS), _PAPER)
    draw = ImageDraw.Draw(header)
    left, bottom = _MARGIN, 0
    image = next((term.query.image for term in query.terms if term.query.image is not None), None)
    if image is not None:
        picture = _draw_mounted(image, _HEADER_PICTURE)
        header.paste(picture, (_MARGIN, _MARGIN))
        left, bottom = left + picture.width + 24, _MARGIN + picture.height
    pen = _Pen(draw, left, _WIDTH - _MARGIN - left)
    end = pen.lines(_MARGIN, _to_heading(query, page), 15, _ACCENT, 1)
    end = pen.lines(end + 4, _to_title(query), 30, _INK, 2)
    end = pen.lines(end + 6, _to_credit(page), 14, _FADED, 1)
    rule = max(end, bottom) + 12
    draw.line((_MARGIN, rule, _WIDTH - _MARGIN, rule), _LINE)
    return header.crop((0, 0, _WIDTH, rule + _GUTTER))


def _draw_card(hit: Hit, look: Look | None) -> Image.Image:
    """One hit: its picture or its passage, with rank, score and name below."""
    card = Image.new("RGB", (_CARD, _PICTURE[1] + _CAPTION), _WHITE)
    card.paste(_draw_hit(hit, look), (0, 0))
    draw = ImageDraw.Draw(card)
    _draw_caption(draw, hit)
    draw.rectangle((0, 0, card.width - 1, card.height - 1), outline=_LINE)
    return card


def _draw_hit(hit: Hit, look: Look | None) -> Image.Image:
    """A photograph, or the words of a passage or of an image that cannot be looked at."""
    if hit.modality is Modality.TEXT:
        return _draw_passage(hit)
    if look is None:
        return _draw_file(hit)
    try:
        return _draw_mounted(look(hit, max(_PICTURE)), _PICTURE)
    except RootForgotten:
        return _draw_file(hit)
    except DiptychError as error:
        return _draw_passage(hit, f"not shown: {_to_reason(error)}")


def _draw_file(hit: Hit) -> Image.Image:
    """The file at the hit's location; the words of an image that is no file of its own."""
    path = Path(hit.location)
    if hit.part is Part.FIGURE:
        return _draw_passage(hit, f"A figure in {path.name}")
    if "://" in hit.location:
        return _draw_passage(hit, f"An image at {hit.location.partition('://')[0]}://")
    if "#" in path.name and not path.exists():
        return _draw_passage(hit, f"An image in {path.name.partition('#')[0]}")
    return _draw_mounted(path, _PICTURE)


def _draw_caption(draw: ImageDraw.ImageDraw, hit: Hit) -> None:
    top = _PICTURE[1] + 8
    font = load_font(18)
    draw.text((_PADDING, top), str(hit.rank), _ACCENT, font)
    score = f"{hit.score:.3f}"
    draw.text((_CARD - _PADDING - font.getlength(score), top), score, _INK, font)
    small = load_font(13)
    extent = to_extent(hit)
    extent_left = _CARD - _PADDING - small.getlength(extent)
    draw.text((extent_left, top + 28), extent, _FADED, small)
    room = int(extent_left) - _PADDING - 8
    name = fit_name(Path(hit.location).name, small, room)
    draw.text((_PADDING, top + 28), name, _INK, small)


def _draw_passage(hit: Hit, what: str = "") -> Image.Image:
    """A hit's words as a page of paper, below what it is where that does not show."""
    leaf = Image.new("RGB", _PICTURE, _LEAF)
    pen = _Pen(ImageDraw.Draw(leaf), _PADDING, _PICTURE[0] - 2 * _PADDING)
    top = _PADDING
    if what:
        top = pen.lines(top, what, 13, _ACCENT, 3) + 4
    if hit.title:
        top = pen.lines(top, hit.title, 17, _INK, 2) + 4
    most_lines = (_PICTURE[1] - top - 4) // 17
    pen.lines(top, hit.snippet or "", 13, _FADED, most_lines)
    return leaf


def _draw_mounted(source: ImageSource, box: tuple[int, int]) -> Image.Image:
    """A photograph centred on its mount, or a mount that says why there is none."""
    mount = Image.new("RGB", box, _MOUNT)
    try:
        photograph = fit_inside(open_photograph(source, side_pixels=max(box)), box)
    except DiptychError as error:
        pen = _Pen(ImageDraw.Draw(mount), _PADDING, box[0] - 2 * _PADDING)
        pen.lines(box[1] // 2 - 30, f"not shown: {_to_reason(error)}", 14, _ACCENT, 3)
        return mount
    mount.paste(photograph, ((box[0] - photograph.width) // 2, (box[1] - photograph.height) // 2))
    return mount


def _to_reason(error: DiptychError) -> str:
    """A source error's reason without its path, which the caption names."""
    return str(getattr(error, "reason", error))


def _to_heading(query: Composition, page: Page) -> str:
    asked = " and ".join(dict.fromkeys(_to_kind(term.query) for term in query.terms))
    found = {"image": "photographs", "text": "documents", "any": "photographs and documents"}
    return f"{found[page.target]} for {asked}"


def _to_kind(query: Query) -> str:
    if query.item is not None:
        return "an indexed item"
    return "words" if query.text is not None else "a photograph"


def _to_title(query: Composition) -> str:
    """Its parts, with a sign between them."""
    parts = [("- " if term.weight < 0 else "+ ") + _to_name(term.query) for term in query.terms]
    return " ".join(parts).removeprefix("+ ")


def _to_name(query: Query) -> str:
    if query.text is not None:
        return f"“{query.text.strip()}”"
    if query.item is not None:
        return query.item.rpartition("/")[2]
    return Path(query.image).name if isinstance(query.image, str | Path) else "an opened image"


def _to_credit(page: Page) -> str:
    count = len(page.hits)
    shown = f"the first {MOST_HITS} of " if count > MOST_HITS else ""
    hits = "hit" if count == 1 else "hits"
    return f"{shown}{count or 'no'} {hits} from {page.collection}, {page.model_id}"


def _write_atomically(sheet: Image.Image, path: Path) -> None:
    """Through a neighbouring file, so that nobody sees half a picture."""
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        sheet.save(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
