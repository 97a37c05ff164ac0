"""What decides an item's points: its bytes, and everything that is done to them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from schemas.records import Modality

if TYPE_CHECKING:
    from ingest.decode.policy import DecodePolicy
    from schemas.records import Record
    from schemas.space import EmbeddingSpace

PLAIN_TEXT = "text/plain"
"""The one kind of document that has no figures."""


class Version(NamedTuple):
    """One state of a part of an item; points of the same version are the same points.

    Attributes:
        content_hash: Of its bytes.
        fingerprint: Of the pipeline that made its points.
    """

    content_hash: str
    fingerprint: str


def to_fingerprint(space: EmbeddingSpace, *choices: str) -> str:
    """Fingerprint of the pipeline: the space's own where nothing else was chosen.

    The space has the decode and chunk versions in it.
    """
    chosen = [choice for choice in choices if choice]
    if not chosen:
        return space.fingerprint
    from blake3 import blake3

    named = "/".join([space.fingerprint, *chosen])
    return f"blake3:{blake3(named.encode()).hexdigest()}"


@dataclass(frozen=True)
class Fingerprints:
    """Fingerprints of every kind of part under one policy.

    Attributes:
        space: Of the encoder.
        policy: How items are decoded.
        overlap_tokens: Tokens that neighbouring chunks share.
    """

    space: EmbeddingSpace
    policy: DecodePolicy
    overlap_tokens: int

    def to_choices(self) -> list[str | int]:
        """Everything that decides an item's points besides its bytes, ready for a digest."""
        return [self.space.fingerprint, repr(self.policy), self.overlap_tokens]

    def of(self, record: Record) -> str:
        """Of a record's content."""
        if record.vector is not None:
            return self.of_vector
        if record.modality is Modality.IMAGE:
            return self._of_image
        return self.of_document if self.has_figures(record) else self.of_text

    def has_figures(self, record: Record) -> bool:
        """Whether images in this record become points too."""
        is_document = record.modality is Modality.TEXT and record.media_type != PLAIN_TEXT
        return is_document and self.policy.figures

    @cached_property
    def of_text(self) -> str:
        """Of plain texts and captions."""
        return to_fingerprint(self.space, self._overlap)

    @cached_property
    def every(self) -> frozenset[str]:
        """All that a point can have."""
        return frozenset({self.of_text, self.of_vector, self._of_image, self.of_document})

    @property
    def _overlap(self) -> str:
        return f"overlap_tokens={self.overlap_tokens}"

    @cached_property
    def of_vector(self) -> str:
        """Of items that came with their vectors."""
        return to_fingerprint(self.space, "given")

    @cached_property
    def _of_image(self) -> str:
        frames = f"frames={self.policy.frames}" if self.policy.frames > 1 else ""
        return to_fingerprint(self.space, frames, "ocr" if self.policy.ocr else "")

    @cached_property
    def of_document(self) -> str:
        """Of documents with their figures."""
        ocr = "ocr" if self.policy.ocr else ""
        return to_fingerprint(self.space, self._overlap, "figures", ocr)
