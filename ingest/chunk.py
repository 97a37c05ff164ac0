"""Content to chunks: windows of a text in the encoder's own tokens; an image is one chunk."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from ingest.decode.text import headings_at
from schemas.records import Chunk, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ingest.decode.document import Figure
    from ingest.decode.image import DecodedImage
    from ingest.decode.text import DecodedText
    from schemas.records import Record

    TokenSpans = Callable[[str], Sequence[tuple[int, int]]]

CHUNK_VERSION = 1
"""Version of the chunking, part of every embedding space: raise it when the same text would be cut
elsewhere."""

_BREAKS = (
    re.compile(r"\n[ \t]*\n\s*"),
    re.compile(r"[.!?\u2026][\"'\u2019\u201d)\]]*\s+|[\u3002\uff01\uff1f][\u300d\u300f\u201d]?\s*"),
    re.compile(r"\n\s*"),
    re.compile(r"\s+"),
)
"""Where a window best ends, in this order: paragraph, sentence, line, word."""

_TAIL_SHARE = 0.25
"""A break is looked for in the last quarter of a window."""

_MAX_CHARS_PER_TOKEN = 24
"""A window has at most this many characters for each token it may have: tokenizers take a word of
a million characters for one unknown token, and no payload should hold it."""

_USUAL_CHARS_PER_TOKEN = 5
_WORD = re.compile(r"\S")
_STARTS = (_BREAKS[1], re.compile(r"(?<=\s)(?=\S)|\s+"))
"""Behind these an overlap best begins: a sentence's end, else white space."""


def hash_content(content: bytes) -> str:
    """Hash of an item's bytes: ``blake3:<hex>``."""
    from blake3 import blake3

    return f"blake3:{blake3(content).hexdigest()}"


def to_image_chunk(
    record: Record, image: DecodedImage, content_hash: str, *, ordinal: int = 0, count: int = 1
) -> Chunk:
    """The chunk of an image, or of one of its frames.

    What the source says of it goes before what the file says.
    """
    return Chunk(
        record=record,
        ordinal=ordinal,
        count=count,
        content_hash=content_hash,
        width_pixels=image.width_pixels,
        height_pixels=image.height_pixels,
        taken_at=image.taken_at,
        place=image.place,
        title=record.title or image.title,
        caption=record.caption or image.caption,
        keywords=image.keywords,
        ocr_text=image.ocr_text,
        frame=image.frame,
    )


def to_figure_chunk(
    record: Record,
    document: DecodedText,
    figure: Figure,
    image: DecodedImage,
    content_hash: str,
    *,
    ordinal: int,
    count: int,
) -> Chunk:
    """The chunk of an image inside a document, which it knows by the record.

    Args:
        record: The document's.
        document: The document.
        figure: Where in the document it stands and what is said of it there.
        image: Its pixels.
        content_hash: Hash of the document's bytes.
        ordinal: Among all chunks of the document.
        count: Of them.
    """
    return Chunk(
        record=record,
        ordinal=ordinal,
        count=count,
        content_hash=content_hash,
        part=Part.FIGURE,
        width_pixels=image.width_pixels,
        height_pixels=image.height_pixels,
        title=record.title or document.title,
        page=figure.page,
        caption=figure.caption or image.caption,
        alt_text=figure.alt_text,
        keywords=image.keywords,
        ocr_text=image.ocr_text,
        headings=() if figure.start_char is None else headings_at(document, figure.start_char),
        language=document.language,
        created_at=document.created_at,
    )


def iter_text_chunks(
    record: Record,
    document: DecodedText,
    content_hash: str,
    *,
    token_spans: TokenSpans,
    window_tokens: int,
    overlap_tokens: int,
    part: Part = Part.CONTENT,
) -> Iterator[Chunk]:
    """Cut a document into windows that the encoder takes whole, in order.

    Every character that is no white space lies in at least one chunk, and
    ``document.text[chunk.start_char:chunk.end_char] == chunk.text``. A chunk ends at a paragraph,
    sentence, line or word, whichever of these first is found in the last quarter of the window.

    Args:
        record: The document's record.
        document: Its text.
        content_hash: Hash of its bytes.
        token_spans: The encoder's tokenizer; see :meth:`schemas.space.Encoder.token_spans`.
        window_tokens: The most tokens a chunk has, counted on the chunk's text alone. Only a
            single character of more tokens than that would be longer.
        overlap_tokens: Tokens that a chunk shares with the one before it, at most; never more
            than half of a chunk.
        part: Which part of the record the text is.

    Yields:
        Chunks; at least one if the text is not blank.

    Raises:
        ValueError: The window has no room for a token, or the overlap is negative.
    """
    if window_tokens < 1 or overlap_tokens < 0:
        raise ValueError(f"no window: {window_tokens} tokens, {overlap_tokens} of overlap")
    windows = _Windows(document.text, token_spans, window_tokens, overlap_tokens)
    spans = list(windows.iter_spans())
    for ordinal, (start, end, tokens) in enumerate(spans):
        yield Chunk(
            record=record,
            ordinal=ordinal,
            count=len(spans),
            content_hash=content_hash,
            part=part,
            text=document.text[start:end],
            title=record.title or document.title,
            page=bisect_right(document.page_starts, start) or None,
            start_char=start,
            end_char=end,
            headings=headings_at(document, start),
            language=document.language,
            created_at=document.created_at,
            token_count=tokens,
        )


class _Windows:
    """Cuts one text from left to right, looking only a window ahead: linear in its length."""

    def __init__(
        self, text: str, token_spans: TokenSpans, window_tokens: int, overlap_tokens: int
    ) -> None:
        self._text = text
        self._token_spans = token_spans
        self._window = window_tokens
        self._overlap = overlap_tokens
        self._max_chars = window_tokens * _MAX_CHARS_PER_TOKEN
        self._reach = window_tokens * _USUAL_CHARS_PER_TOKEN

    def iter_spans(self) -> Iterator[tuple[int, int, int]]:
        """Start, end and number of tokens of each chunk, ascending."""
        done = 0
        start = following = self._next_word(0)
        while following < len(self._text):
            end, spans = self._fit(start, self._find_end(start))
            if end <= done:  # what is shared fills a window alone
                start = following
                continue
            yield start, end, len(spans)
            done, following = end, self._next_word(end)
            start = self._find_overlap(start, end, spans) or following

    def _next_word(self, position: int) -> int:
        match = _WORD.search(self._text, position)
        return match.start() if match else len(self._text)

    def _find_end(self, start: int) -> int:
        """Where a chunk from here should end: at a good break before the window is full."""
        full = self._find_full(start)
        if full == len(self._text):
            return full
        floor = full - int((full - start) * _TAIL_SHARE)
        for pattern in _BREAKS:
            # One character further, so that a break right at the end is seen.
            ends = [match.end() for match in pattern.finditer(self._text, floor, full + 1)]
            if ends:
                return min(ends[-1], full)
        return full

    def _find_full(self, start: int) -> int:
        """Where the token behind the last one that fits begins, or the text ends."""
        furthest = min(start + self._max_chars, len(self._text))
        while True:
            stop = min(start + self._reach, furthest)
            spans = self._token_spans(self._text[start:stop])
            if len(spans) > self._window:
                full = start + max(1, spans[self._window][0])
                self._reach = (full - start) + (full - start) // 3 + 1
                return full
            if stop == furthest:
                return stop
            self._reach *= 2

    def _fit(self, start: int, end: int) -> tuple[int, Sequence[tuple[int, int]]]:
        """Shorten until the text alone, without what follows it, has no token too many.

        Returns:
            Where it ends, without white space, and the spans of its tokens.
        """
        while True:
            piece = self._text[start:end].rstrip()
            spans = self._token_spans(piece)
            if len(spans) <= self._window or len(piece) == 1:
                return start + len(piece), spans
            end = start + max(1, min(spans[self._window][0], len(piece) - 1))

    def _find_overlap(self, start: int, end: int, spans: Sequence[tuple[int, int]]) -> int | None:
        """Where the next chunk begins inside this one: a sentence, else a word, else a token."""
        shared = min(self._overlap, len(spans) // 2)
        if not shared:
            return None
        # At least half of the characters are left behind, so that the walk stays linear.
        earliest = start + max(spans[-shared][0], (end - start + 1) // 2)
        for pattern in _STARTS:
            match = pattern.search(self._text, earliest, end)
            if match and match.end() < end:
                return match.end()
        return earliest if earliest < end else None
