"""Read, compare, decode, chunk: the steps of one record before it is encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.chunk import hash_content, iter_text_chunks, to_image_chunk
from ingest.decode.image import decode_image
from ingest.decode.text import decode_text
from ingest.plan import to_fingerprint
from ingest.sources.read import read_bytes
from schemas.errors import UnsupportedModality
from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PIL.Image import Image

    from ingest.decode.limits import Limits
    from ingest.plan import Known
    from ingest.stopwatch import Stopwatch
    from schemas.records import Chunk, Record
    from schemas.space import Encoder


@dataclass(frozen=True, slots=True)
class Prepared:
    """A record whose chunks are ready to encode.

    Attributes:
        record: The record.
        known: What the collection held of it before, if anything.
        fingerprint: Of the pipeline that cut it and will encode it.
        chunks: At least one.
        image: The decoded image of an image record.
    """

    record: Record
    known: Known | None
    fingerprint: str
    chunks: tuple[Chunk, ...]
    image: Image | None = None


class Preparer:
    """Turns records into chunks, leaving alone what is indexed already.

    Args:
        encoder: Whose window, tokenizer and image size decide how records are cut.
        known: What the collection holds, by source URI.
        limits: Over which an item is refused.
        overlap_tokens: Tokens that neighbouring chunks share.
        stopwatch: Where the time goes.
    """

    def __init__(
        self,
        encoder: Encoder,
        known: Mapping[str, Known],
        *,
        limits: Limits,
        overlap_tokens: int,
        stopwatch: Stopwatch,
    ) -> None:
        """Keep what every record is measured against."""
        self._encoder = encoder
        self._space = encoder.space
        self._fingerprints = {
            modality: to_fingerprint(encoder.space, modality, overlap_tokens)
            for modality in Modality
        }
        self._known = known
        self._limits = limits
        self._overlap_tokens = overlap_tokens
        self._stopwatch = stopwatch

    def prepare(self, record: Record) -> Prepared | None:
        """Read one record and cut it into chunks.

        Returns:
            The chunks to encode, or None if the collection holds exactly this version already.

        Raises:
            SourceError: The record cannot be read or decoded.
            UnsupportedModality: The encoder has no tower for it.
        """
        if record.modality not in self._space.modalities:
            raise UnsupportedModality(
                f"{self._space.model_id} encodes no {record.modality}s; choose a model that does, "
                f"or leave them out with --exclude"
            )
        known = self._known.get(record.source_uri)
        with self._stopwatch.lap("read"):
            content = read_bytes(record, self._limits.max_source_bytes)
            content_hash = hash_content(content)
        if known and known.holds(content_hash, self._fingerprints[record.modality]):
            return None
        with self._stopwatch.lap("decode"):
            if record.modality is Modality.IMAGE:
                return self._prepare_image(record, known, content, content_hash)
            return self._prepare_text(record, known, content, content_hash)

    def _prepare_image(
        self, record: Record, known: Known | None, content: bytes, content_hash: str
    ) -> Prepared:
        decoded = decode_image(
            content,
            record.source_uri,
            limits=self._limits,
            side_pixels=self._space.image_size_pixels,
        )
        chunk = to_image_chunk(record, decoded, content_hash)
        return Prepared(record, known, self._fingerprints[Modality.IMAGE], (chunk,), decoded.image)

    def _prepare_text(
        self, record: Record, known: Known | None, content: bytes, content_hash: str
    ) -> Prepared:
        document = decode_text(content, record.source_uri, record.media_type, limits=self._limits)
        chunks = iter_text_chunks(
            record,
            document,
            content_hash,
            token_spans=self._encoder.token_spans,
            window_tokens=self._space.window_tokens,
            overlap_tokens=self._overlap_tokens,
        )
        return Prepared(record, known, self._fingerprints[Modality.TEXT], tuple(chunks))
