"""Markdown to readable text."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from ingest.decode.characters import to_normal_text, to_title
from ingest.decode.document import DecodedText, Heading
from ingest.decode.front_matter import split_front_matter
from ingest.decode.markdown_images import MarkdownImages, set_data_aside
from ingest.decode.passages import to_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    from ingest.decode.figures import Figures

_TAG = re.compile(r"<!--.*?(?:-->|\Z)|</?[a-zA-Z][^<>]*>", re.DOTALL)

_GAPS = ("", "\t", "\n", "\n\n")
"""What stands between two pieces of text, weakest first."""

_GAP_AFTER = {
    **dict.fromkeys(("td_close", "th_close"), "\t"),
    **dict.fromkeys(("tr_close", "thead_close", "tbody_close", "list_item_close"), "\n"),
}
_BLOCKS = frozenset({"fence", "code_block", "html_block"})
_LINE_BREAKS = {"softbreak": " ", "hardbreak": "\n"}

_MARKUP = re.compile(r"[\\`*_\[\]<>&\n]")
"""A paragraph without any of these has no markup."""

_MAX_PARSED_CHARS = 300_000
"""A longer text stays as it is: a million characters of list items take the parser 20 seconds."""

_MAX_INLINE_CHARS = 20_000
"""Likewise a longer paragraph: brackets without a partner take quadratic time."""

_MAX_NESTING = 100
"""The parser drops what lies deeper, without a word; such a text stays as it is."""


def read_markdown(source: str, figures: Figures) -> DecodedText:
    r"""A Markdown document's text, with its title, headings and images.

    Front matter goes, and so does markup: what is left are headings, paragraphs, list items, code,
    table cells, the texts of links and the descriptions of images. The title is the front
    matter's, else the first heading; a title from the front matter opens the text too, unless
    the text begins with it.

    Args:
        source: With ``\n`` line ends.
        figures: Collects the images, if they are wanted.
    """
    front, body = split_front_matter(source)
    body, images = set_data_aside(body)
    unparsed = DecodedText(
        to_normal_text(body), front.title, language=front.language, created_at=front.created_at
    )
    if len(body) > _MAX_PARSED_CHARS:
        return unparsed
    environment: dict[str, object] = {}
    tokens = _parser().parse(body, environment)
    if max((token.level for token in tokens), default=0) >= _MAX_NESTING - 1:
        return unparsed
    pieces = [_to_piece(token, environment) for token in tokens]
    text, starts = _join(tokens, pieces, front.title)
    headings = tuple(_iter_headings(tokens, pieces, starts))
    if figures.wanted:
        found = MarkdownImages(images, figures)
        for token, start in zip(tokens, starts, strict=True):
            if token.type == "html_block":
                found.add_html(token.content, start)
            elif token.type == "inline" and found.may_hold_images(token.content):
                found.add_all(_to_children(token, environment), start)
    title = front.title or (to_title(headings[0].text) if headings else None)
    return replace(unparsed, text=text, title=title, headings=headings)


@cache
def _parser() -> MarkdownIt:
    """CommonMark with tables; blocks only, so that long paragraphs can be spared."""
    from markdown_it import MarkdownIt

    blocks = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING})
    return blocks.enable("table").disable("inline")


@cache
def _inline_parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")


def _to_piece(token: Token, environment: dict[str, object]) -> str:
    """The readable text of one block token; empty for those that only open and close."""
    if token.type == "inline":
        if not _MARKUP.search(token.content):
            return token.content
        return "".join(map(_to_inline_text, _to_children(token, environment)))
    if token.type == "html_block":
        return _TAG.sub(" ", token.content).strip()
    return token.content.rstrip("\n") if token.type in _BLOCKS else ""


def _to_children(token: Token, environment: dict[str, object]) -> Sequence[Token]:
    """What a paragraph consists of; one too long to be parsed is one piece of text."""
    if len(token.content) > _MAX_INLINE_CHARS:
        from markdown_it.token import Token as Piece

        return (Piece("text", "", 0, content=token.content),)
    return _inline_parser().parseInline(token.content, environment)[0].children or ()


def _to_inline_text(token: Token) -> str:
    if token.type == "image":
        return "".join(map(_to_inline_text, token.children or ()))
    if token.type == "html_inline":
        return ""
    return _LINE_BREAKS.get(token.type, token.content)


def _join(
    tokens: Sequence[Token], pieces: Sequence[str], front_title: str | None
) -> tuple[str, list[int]]:
    """The pieces with the widest gap between them that a block's end in between asks for.

    Returns:
        The text, and where in it each piece begins, or would.
    """
    parts: list[str] = []
    starts: list[int] = []
    position = 0
    gap = ""
    for token, piece in zip(tokens, pieces, strict=True):
        gap = max(gap, _to_gap(token), key=_GAPS.index)
        starts.append(position + len(gap) if parts else 0)
        if piece.strip():
            parts += [gap, piece] if parts else [piece]
            position = starts[-1] + len(piece)
            gap = "\n\n" if token.type in _BLOCKS else ""
    text = "".join(parts)
    if front_title and not text.startswith(front_title):
        opening = f"{front_title}\n\n"
        text, starts = opening + text, [start + len(opening) for start in starts]
    return _to_normal(text, starts)


def _to_normal(text: str, starts: list[int]) -> tuple[str, list[int]]:
    """The text in its normal spelling, and where the places in it are then."""
    normal = to_normal_text(text)
    if normal == text:
        return text, [min(start, len(text)) for start in starts]
    edges = [0, *starts]
    lengths = (len(to_normal_text(text[a:b])) for a, b in pairwise(edges))
    return normal, [min(start, len(normal)) for start in accumulate(lengths)]


def _iter_headings(
    tokens: Sequence[Token], pieces: Sequence[str], starts: Sequence[int]
) -> Iterator[Heading]:
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            words = to_line(to_normal_text(pieces[number + 1]))
            if words:
                yield Heading(starts[number + 1], int(token.tag[1:]), words)


def _to_gap(token: Token) -> str:
    if token.type == "paragraph_close" and token.hidden:
        return "\n"
    if token.type in _BLOCKS or token.type.endswith("_close"):
        return _GAP_AFTER.get(token.type, "\n\n")
    return ""
