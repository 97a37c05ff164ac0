"""A record between being read and being written: its chunks, and the vectors they have so far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

from ingest.fingerprint import Version
from ingest.outcome import Action, Outcome
from schemas.collection import to_point, to_point_id
from schemas.records import Modality, Part
from schemas.report import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from ingest.plan import Known
    from schemas.errors import DiptychError
    from schemas.records import Chunk, Record

    Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A chunk on its way to the encoder.

    Attributes:
        pending: The record it belongs to.
        slot: Its place among the record's pieces.
        chunk: The chunk, its ordinal and count not yet final.
        image: The decoded image of an image chunk.
    """

    pending: Pending
    slot: int
    chunk: Chunk
    image: Image | None = None


class Pending:
    """One record under way. Stages of several threads fill it; one of them completes it.

    Its content (with figures) and its caption are cut apart, because the content may come from
    another record of the same bytes while the caption is its own.

    Args:
        record: The record.
        known: What the collection held of it before, if anything.
        content: Hash and fingerprint of its content.
        caption: Likewise of its caption, if it has one.
        attempts: How often it had failed before.
        folder: The folder it lies in, if its content may name images that lie beside it: the same
            bytes elsewhere name others.

    Attributes:
        left_out: Figures that could not be read.
    """

    def __init__(
        self,
        record: Record,
        known: Known | None,
        content: Version,
        caption: Version | None,
        attempts: int = 0,
        *,
        folder: str | None = None,
    ) -> None:
        """Nothing is cut yet."""
        self.record = record
        self.known = known
        self.content = content
        self.caption = caption
        self.attempts = attempts
        self.folder = folder
        self.reused = False
        self.left_out = 0
        self._lock = Lock()
        self._chunks: list[Chunk] = []
        self._vectors: list[Vector | None] = []
        self._missing = 0
        self._open_parts = 1 if caption is None else 2
        self._is_over = False
        self._caption_error: DiptychError | None = None

    def add(self, chunk: Chunk, image: Image | None = None) -> Piece:
        """One more piece, to be encoded."""
        with self._lock:
            self._chunks.append(chunk)
            self._vectors.append(None)
            self._missing += 1
            return Piece(self, len(self._chunks) - 1, chunk, image)

    @property
    def chunks_cut(self) -> int:
        """How many chunks it has so far."""
        with self._lock:
            return len(self._chunks)

    def close_part(self) -> bool:
        """No more pieces of one of its parts will come; gives whether that completed it."""
        with self._lock:
            self._open_parts -= 1
            return self._completes()

    def adopt(
        self, chunks: Sequence[Chunk], vectors: Sequence[Vector], *, reused: bool = True
    ) -> bool:
        """Take its content with vectors that were made elsewhere.

        Args:
            chunks: Of its content.
            vectors: One a chunk.
            reused: Whether they were made for another record of the same bytes.

        Returns:
            Whether that completed it.
        """
        with self._lock:
            self._chunks += chunks
            self._vectors += vectors
            self._open_parts -= 1
            self.reused = reused
            return self._completes()

    def fill(self, slot: int, vector: Vector) -> bool:
        """The vector of one piece; gives whether it was the last."""
        with self._lock:
            self._vectors[slot] = vector
            self._missing -= 1
            return self._completes()

    def refuse_caption(self, error: DiptychError) -> bool:
        """Its caption cannot be encoded; gives whether that completed it.

        It fails once its content is complete, which others may wait for.
        """
        with self._lock:
            self._caption_error = self._caption_error or error
            self._missing -= 1
            return self._completes()

    def fail(self) -> bool:
        """It cannot be indexed; gives whether this was news."""
        with self._lock:
            was_over, self._is_over = self._is_over, True
            return not was_over

    def to_content(self) -> tuple[list[Chunk], list[Vector]]:
        """Chunks and vectors of its content, once they are there."""
        parts = [
            (chunk, vector)
            for chunk, vector in zip(self._chunks, self._vectors, strict=True)
            if chunk.part is not Part.CAPTION and vector is not None
        ]
        return [chunk for chunk, _ in parts], [vector for _, vector in parts]

    def to_outcome(self, window_tokens: int) -> Outcome:
        """The outcome of the completed record: its chunks numbered, its points made.

        Args:
            window_tokens: Of the encoder; what a chunk has beyond it would have been cut.
        """
        if self._caption_error is not None:
            return self.to_failed(self._caption_error)
        pairs = sorted(
            zip(self._chunks, self._vectors, strict=True),
            key=lambda pair: pair[0].part is Part.CAPTION,
        )
        chunks = number([chunk for chunk, _ in pairs])
        points = [
            to_point(chunk, vector, self._version(chunk).fingerprint)
            for chunk, (_, vector) in zip(chunks, pairs, strict=True)
            if vector is not None
        ]
        tokens = [chunk.token_count or 0 for chunk in chunks if self._was_encoded(chunk)]
        return Outcome(
            action=Action.UPDATED if self.known else Action.ADDED,
            record=self.record,
            points=tuple(points),
            images=sum(chunk.modality is Modality.IMAGE for chunk in chunks),
            stale_ids=self._stale_ids(len(chunks)),
            tokens=sum(tokens),
            tokens_cut=sum(max(0, count - window_tokens) for count in tokens),
            left_out=self.left_out,
            reused=self.reused,
            pending=self,
        )

    def to_given_outcome(self, chunk: Chunk, vector: Vector) -> Outcome:
        """The outcome of a record that came with its vector, and is nothing but that.

        Args:
            chunk: Its only chunk, with its final ordinal and count.
            vector: Of unit length.
        """
        return Outcome(
            action=Action.UPDATED if self.known else Action.ADDED,
            record=self.record,
            points=(to_point(chunk, vector, self.content.fingerprint),),
            images=int(chunk.modality is Modality.IMAGE),
            stale_ids=self._stale_ids(1) if self.known else (),
        )

    def to_failed(self, error: DiptychError) -> Outcome:
        """The outcome of the record that could not be indexed.

        What failed for its caption names no content, and is tried again in every run.
        """
        content = Version("", "") if error is self._caption_error else self.content
        return Outcome(
            Action.FAILED,
            self.record,
            failure=Failure(
                self.record.source_uri,
                self.record.location,
                error.kind,
                getattr(error, "reason", str(error)),
                attempts=self.attempts + 1,
                content_hash=content.content_hash,
                fingerprint=content.fingerprint,
            ),
            pending=self,
        )

    def _completes(self) -> bool:
        if self._is_over or self._missing or self._open_parts:
            return False
        self._is_over = True
        return True

    def _was_encoded(self, chunk: Chunk) -> bool:
        return chunk.part is Part.CAPTION or not self.reused

    def _version(self, chunk: Chunk) -> Version:
        if chunk.part is Part.CAPTION and self.caption is not None:
            return self.caption
        return self.content

    def _stale_ids(self, count: int) -> tuple[str, ...]:
        last = self.known.last_ordinal if self.known else -1
        uri = self.record.source_uri
        return tuple(to_point_id(uri, ordinal) for ordinal in range(count, last + 1))


def number(chunks: Sequence[Chunk]) -> list[Chunk]:
    """The chunks with their final ordinals, and pairs that know each other.

    Args:
        chunks: All of one record, its captions last.
    """
    if len(chunks) == 1:
        only = chunks[0]
        is_final = (only.ordinal, only.count, only.paired_ordinals) == (0, 1, ())
        return [only if is_final else replace(only, ordinal=0, count=1, paired_ordinals=())]
    captions = tuple(i for i, chunk in enumerate(chunks) if chunk.part is Part.CAPTION)
    content = tuple(range(len(chunks) - len(captions)))
    return [
        replace(
            chunk,
            ordinal=ordinal,
            count=len(chunks),
            paired_ordinals=content if ordinal in captions else captions,
        )
        for ordinal, chunk in enumerate(chunks)
    ]
