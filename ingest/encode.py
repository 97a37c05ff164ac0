"""Encode batches of pieces; a piece that cannot be encoded costs only its own record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.batches import to_batch
from schemas.errors import EncoderError, ModelUnavailable
from schemas.records import Modality, Part
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingest.outcome import Outcome
    from ingest.pending import Piece
    from schemas.records import Batch
    from schemas.space import Encoder, Vectors


def iter_encoded(pieces: Sequence[Piece], encoder: Encoder) -> Iterator[Outcome]:
    """Encode pieces of one modality and give each its vector.

    When the encoder refuses a batch, its pieces are tried one by one, so that the one to blame
    fails alone.

    Raises:
        ModelUnavailable: No item is to blame.

    Yields:
        Outcomes of the records that are complete, or have failed, by it.
    """
    try:
        vectors = _encode(to_batch(pieces), encoder)
    except ModelUnavailable:
        raise
    except EncoderError as error:
        if len(pieces) > 1:
            for piece in pieces:
                yield from iter_encoded([piece], encoder)
        else:
            yield from _iter_refused(pieces[0], error, encoder)
        return
    for piece, vector in zip(pieces, vectors, strict=True):
        if piece.pending.fill(piece.slot, vector):
            yield piece.pending.to_outcome(encoder.space.window_tokens)


def _iter_refused(piece: Piece, error: EncoderError, encoder: Encoder) -> Iterator[Outcome]:
    """The outcome of a record that a piece is refused of, unless more of it is to come."""
    pending = piece.pending
    if piece.chunk.part is Part.CAPTION:
        if pending.refuse_caption(error):
            yield pending.to_outcome(encoder.space.window_tokens)
    elif pending.fail():
        yield pending.to_failed(error)


def _encode(batch: Batch, encoder: Encoder) -> Vectors:
    if batch.modality is Modality.IMAGE:
        return encoder.encode_images(batch.images)
    return encoder.encode_texts(batch.texts, Role.DOCUMENT)
