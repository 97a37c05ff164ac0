"""Pieces to batches: one modality each, texts of similar length side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.records import Batch, Modality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ingest.pending import Piece

TEXT_WINDOW_PIECES = 512
"""Texts that are gathered and sorted by length before they are cut into batches: a batch is as long
as its longest text, so neighbours of one length waste no padding. Below 512 the lengths within a
batch still differ much."""


class Batcher:
    """Gathers pieces and gives them back in batches.

    Args:
        batch_size: Gives how many pieces of a modality a batch has at most; asked again for each,
            as it may grow.
    """

    def __init__(self, batch_size: Callable[[Modality], int]) -> None:
        """Nothing is gathered."""
        self._batch_size = batch_size
        self._gathered: dict[Modality, list[Piece]] = {modality: [] for modality in Modality}

    def add(self, piece: Piece) -> list[tuple[Piece, ...]]:
        """Gather one more piece.

        Returns:
            Batches that are full now; usually none.
        """
        modality = piece.chunk.modality
        gathered = self._gathered[modality]
        gathered.append(piece)
        is_text = modality is Modality.TEXT
        size = self._batch_size(modality)
        enough = max(TEXT_WINDOW_PIECES, size) if is_text else size
        if len(gathered) < enough:
            return []
        self._gathered[modality] = []
        return list(iter_batches(gathered, size))

    def flush(self) -> list[tuple[Piece, ...]]:
        """Everything that is still gathered, in batches that may be short."""
        left, self._gathered = self._gathered, {modality: [] for modality in Modality}
        return [
            batch
            for modality, pieces in left.items()
            for batch in iter_batches(pieces, self._batch_size(modality))
        ]


def iter_batches(pieces: Sequence[Piece], batch_size: int) -> Iterator[tuple[Piece, ...]]:
    """Pieces of one modality in batches of at most ``batch_size``, the longest texts first.

    The batch that takes longest is then not the one that all workers wait for in the end.
    """
    ordered = sorted(pieces, key=_to_length, reverse=True)
    for start in range(0, len(ordered), batch_size):
        yield tuple(ordered[start : start + batch_size])


def to_batch(pieces: Sequence[Piece]) -> Batch:
    """What an encoder is given for these pieces."""
    modality = pieces[0].chunk.modality
    images = tuple(piece.image for piece in pieces if piece.image is not None)
    return Batch(modality, tuple(piece.chunk for piece in pieces), images)


def _to_length(piece: Piece) -> int:
    return piece.chunk.token_count or len(piece.chunk.text)
