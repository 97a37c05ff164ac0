"""Decode and cut: the pieces of a record, each handed on as soon as it is made."""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING

import numpy as np

from ingest.chunk import iter_text_chunks, to_figure_chunk, to_image_chunk
from ingest.decode.characters import to_normal_text
from ingest.decode.document import DecodedText
from ingest.fingerprint import PLAIN_TEXT
from ingest.sources.uris import to_printable
from schemas.errors import DecodeError, InvalidVector, SourceError
from schemas.records import Chunk, Modality, Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.decode.decoder import Decoder
    from ingest.decode.document import Figure
    from ingest.decode.image import DecodedImage
    from ingest.decode.limits import Limits
    from ingest.decode.policy import DecodePolicy
    from ingest.intake import Work
    from ingest.lending import Lender
    from ingest.pending import Pending, Piece, Vector
    from ingest.sources.source import Source
    from ingest.stopwatch import Stopwatch
    from schemas.records import Record
    from schemas.space import Encoder

_LOG = logging.getLogger(__name__)

MOST_WARNINGS = 20
"""Figures left out that are named in the log; a site of a million pages may have as many."""


class Preparer:
    """Turns the bytes of records into pieces. Safe to use from several threads.

    Args:
        encoder: Whose window, tokenizer and image size decide how records are cut.
        decoder: Decodes.
        source: Reads what documents name beside themselves.
        limits: Over which an item is refused.
        policy: What is taken of an item.
        overlap_tokens: Tokens that neighbouring chunks share.
        stopwatch: Where the time goes.
        lender: Has vectors of the same words.
    """

    def __init__(  # noqa: PLR0913 - everything that decides a record's pieces
        self,
        encoder: Encoder,
        decoder: Decoder,
        source: Source,
        *,
        limits: Limits,
        policy: DecodePolicy,
        overlap_tokens: int,
        stopwatch: Stopwatch,
        lender: Lender | None = None,
    ) -> None:
        """Keep what decides how records are cut."""
        self._encoder = encoder
        self._space = encoder.space
        self._decoder = decoder
        self._source = source
        self._limits = limits
        self._policy = policy
        self._overlap_tokens = overlap_tokens
        self._stopwatch = stopwatch
        self._lender = lender
        self._left_out = itertools.count(1)

    def iter_pieces(self, work: Work) -> Iterator[Piece]:
        """The pieces of a record, one after another.

        The content's come first, then the caption's. What a piece holds in memory is its own, so
        whoever takes them slowly keeps little.

        Raises:
            SourceError: The record cannot be decoded.
        """
        pending = work.pending
        if work.content is not None and pending.record.vector is None:
            yield from self._iter_content(pending, work.content)
            if pending.chunks_cut == 0:
                raise DecodeError(pending.record.source_uri, "nothing in it can be indexed")
        if pending.caption is not None:
            yield from self._iter_caption(pending)

    def to_given(self, work: Work) -> tuple[Chunk, Vector]:
        """The one chunk of a record that came with its vector.

        Raises:
            InvalidVector: The vector has no length, is not finite or of another dimension.
            DecodeError: It is a text without words, or with others than plain ones.
        """
        from ingest.encoders.vectors import to_unit_row

        record = work.pending.record
        vector = np.asarray(record.vector, dtype=np.float32)
        if vector.shape != (self._space.dimension,):
            raise InvalidVector(
                f"{record.source_uri}: its vector has the shape {vector.shape}, the collection "
                f"holds vectors of {self._space.dimension} numbers"
            )
        row = to_unit_row(vector)
        text = to_given_text(record, work.content or b"")
        if record.modality is Modality.TEXT and not text.strip():
            reason = "its vector came without words; give them as plain text"
            raise DecodeError(record.source_uri, reason)
        chunk = Chunk(
            record, 0, 1, work.pending.content.content_hash, text=text, title=record.title
        )
        return chunk, row

    def _iter_content(self, pending: Pending, content: bytes) -> Iterator[Piece]:
        if pending.record.modality is Modality.TEXT:
            yield from self._iter_document(pending, content)
            return
        for frame in self._decode_image(pending.record, content):
            chunk = to_image_chunk(pending.record, frame, pending.content.content_hash)
            yield pending.add(chunk, frame.image)

    def _decode_image(self, record: Record, content: bytes) -> tuple[DecodedImage, ...]:
        with self._stopwatch.lap("decode"):
            return self._decoder.decode_frames(
                content,
                record.source_uri,
                limits=self._limits,
                side_pixels=self._space.image_size_pixels,
                policy=self._policy,
            )

    def _iter_document(self, pending: Pending, content: bytes) -> Iterator[Piece]:
        record = pending.record
        has_figures = self._policy.figures and record.media_type != PLAIN_TEXT
        with self._stopwatch.lap("decode"):
            document = self._decoder.decode_text(
                content,
                record.source_uri,
                record.media_type,
                limits=self._limits,
                figures=has_figures and Modality.IMAGE in self._space.modalities,
            )
        chunks = self._cut(record, document, pending.content.content_hash, Part.CONTENT)
        yield from self._iter_unlent(pending, chunks)
        for figure in document.figures:
            yield from self._iter_figure(pending, document, figure)

    def _iter_figure(
        self, pending: Pending, document: DecodedText, figure: Figure
    ) -> Iterator[Piece]:
        """The piece of one figure; none when it cannot be read, which is counted."""
        record = pending.record
        try:
            content = figure.content or self._read_beside(record, figure)
            first_frame = self._decode_image(record, content)[0]
        except SourceError as error:
            pending.left_out += 1
            self._warn(error, figure)
            return
        if not self._limits.admits_figure(first_frame.width_pixels, first_frame.height_pixels):
            return
        content_hash = pending.content.content_hash
        chunk = to_figure_chunk(
            record, document, figure, first_frame, content_hash, ordinal=0, count=1
        )
        yield pending.add(chunk, first_frame.image)

    def _warn(self, error: SourceError, figure: Figure) -> None:
        nth = next(self._left_out)
        if nth <= MOST_WARNINGS:
            name = to_printable((figure.location or "")[:200]) or f"on page {figure.page or 1}"
            uri, reason = error.source_uri, error.reason
            _LOG.warning("%s: the figure %s is left out: %s", uri, name, reason)
        elif nth == MOST_WARNINGS + 1:
            _LOG.warning("further figures that are left out are only counted")

    def _read_beside(self, record: Record, figure: Figure) -> bytes:
        with self._stopwatch.lap("read"):
            limit = self._limits.max_source_bytes
            return self._source.read_beside(record, figure.location or "", limit)

    def _iter_caption(self, pending: Pending) -> Iterator[Piece]:
        record = pending.record
        if pending.caption is None:
            return
        caption = DecodedText(to_normal_text(record.caption or ""))
        chunks = self._cut(record, caption, pending.caption.content_hash, Part.CAPTION)
        yield from self._iter_unlent(pending, chunks)

    def _iter_unlent(self, pending: Pending, chunks: list[Chunk]) -> Iterator[Piece]:
        """The pieces of texts whose vectors are not there already; the others are filled in."""
        lent = self._lender.find(chunks, pending.chunks_cut) if self._lender else {}
        for chunk in chunks:
            piece = pending.add(chunk)
            vector = lent.get(chunk.text)
            if vector is None:
                yield piece
            else:
                pending.fill(piece.slot, vector)  # completes nothing: this part is still open

    def _cut(
        self, record: Record, document: DecodedText, content_hash: str, part: Part
    ) -> list[Chunk]:
        """The chunks of a text."""
        if not document.text.strip():
            return []
        with self._stopwatch.lap("cut"):
            return list(
                iter_text_chunks(
                    record,
                    document,
                    content_hash,
                    token_spans=self._encoder.token_spans,
                    window_tokens=self._space.window_tokens,
                    overlap_tokens=self._overlap_tokens,
                    part=part,
                )
            )


def to_given_text(record: Record, content: bytes) -> str:
    """The words that a record with a vector stands for, where it brought them as plain text."""
    if record.modality is Modality.IMAGE or record.media_type != PLAIN_TEXT:
        return ""
    return to_normal_text(content.decode(errors="replace"))
