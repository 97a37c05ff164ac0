"""Encode batches of pieces; a piece that cannot be encoded costs only its own record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.batches import to_batch
from schemas.errors import EncoderError
from schemas.records import Modality
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

    Yields:
        Outcomes of the records that are complete, or have failed, by it.
    """
    try:
        vectors = _encode(to_batch(pieces), encoder)
    except EncoderError as error:
        if len(pieces) > 1:
            for piece in pieces:
                yield from iter_encoded([piece], encoder)
        elif pieces[0].pending.fail():
            yield pieces[0].pending.to_failed(error)
        return
    for piece, vector in zip(pieces, vectors, strict=True):
        if piece.pending.fill(piece.slot, vector):
            yield piece.pending.to_outcome(encoder.space.window_tokens)


def _encode(batch: Batch, encoder: Encoder) -> Vectors:
    if batch.modality is Modality.IMAGE:
        return encoder.encode_images(batch.images)
    return encoder.encode_texts(batch.texts, Role.DOCUMENT)
