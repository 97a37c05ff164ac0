"""Markdown to readable text."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from ingest.decode.characters import to_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(
    r"\A(---|\+\+\+)[ \t]*\n(?P<body>.*?)^(\1|\.\.\.)[ \t]*(\n|\Z)", re.DOTALL | re.MULTILINE
)
_FRONT_TITLE = re.compile(r"^title[ \t]*[:=](.*)$", re.MULTILINE)
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


def read_markdown(source: str) -> tuple[str | None, str]:
    r"""Title and text of a Markdown document.

    Front matter goes, and so does markup: what is left are headings, paragraphs, list items, code,
    table cells, the texts of links and the descriptions of images.

    Args:
        source: With ``\n`` line ends.

    Returns:
        The front matter's title, else the first heading, else None; and the text. A title from
        the front matter opens the text too, unless the text begins with it.
    """
    front_title, body = _split_front_matter(source)
    if len(body) > _MAX_PARSED_CHARS:
        return front_title, body
    environment: dict[str, object] = {}
    tokens = _parser().parse(body, environment)
    if max((token.level for token in tokens), default=0) >= _MAX_NESTING - 1:
        return front_title, body
    pieces = [_to_piece(token, environment) for token in tokens]
    heading = next((i + 1 for i, token in enumerate(tokens) if token.type == "heading_open"), None)
    title = front_title or to_title(None if heading is None else pieces[heading])
    text = _join(tokens, pieces)
    if front_title and not text.startswith(front_title):
        text = f"{front_title}\n\n{text}"
    return title, text


def _split_front_matter(source: str) -> tuple[str | None, str]:
    match = _FRONT_MATTER.match(source)
    if match is None:
        return None, source
    title = _FRONT_TITLE.search(match["body"])
    return to_title(_unquote(title[1].strip()) if title else None), source[match.end() :]


def _unquote(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if is_quoted else text


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
        if len(token.content) > _MAX_INLINE_CHARS or not _MARKUP.search(token.content):
            return token.content
        parsed = _inline_parser().parseInline(token.content, environment)
        return "".join(map(_to_inline_text, parsed[0].children or ()))
    if token.type == "html_block":
        return _TAG.sub(" ", token.content).strip()
    return token.content.rstrip("\n") if token.type in _BLOCKS else ""


def _to_inline_text(token: Token) -> str:
    if token.type == "image":
        return "".join(map(_to_inline_text, token.children or ()))
    if token.type == "html_inline":
        return ""
    return _LINE_BREAKS.get(token.type, token.content)


def _join(tokens: Sequence[Token], pieces: Sequence[str]) -> str:
    """The pieces with the widest gap between them that a block's end in between asks for."""
    parts: list[str] = []
    gap = ""
    for token, piece in zip(tokens, pieces, strict=True):
        gap = max(gap, _to_gap(token), key=_GAPS.index)
        if piece.strip():
            parts += [gap, piece] if parts else [piece]
            gap = "\n\n" if token.type in _BLOCKS else ""
    return "".join(parts)


def _to_gap(token: Token) -> str:
    if token.type == "paragraph_close" and token.hidden:
        return "\n"
    if token.type in _BLOCKS or token.type.endswith("_close"):
        return _GAP_AFTER.get(token.type, "\n\n")
    return ""
