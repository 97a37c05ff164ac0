"""The evaluation gate: a new generation must find what the live one finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.decode.decoder import InProcessDecoder
from ingest.decode.limits import Limits
from ingest.decode.policy import DecodePolicy
from schemas.collection import modality_filter
from schemas.errors import EncoderError, MigrationRefused, SourceError
from schemas.records import Modality
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image

    from ingest.migrate.questions import Question
    from ingest.sources.source import Source
    from ingest.store.engine import Engine
    from schemas.settings import Settings
    from schemas.space import Encoder

TOP = 10
"""Recall is measured among so many documents."""

TOLERANCE = 0.02
"""A new generation may be worse by so much: of 200 questions these are four."""

CROP = 0.8
"""Share of each side that is left of an image which must find itself."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate measured.

    Attributes:
        live: Recall at 10 of the live generation, between 0 and 1.
        new: Likewise of the new one.
        questions: How many were asked of both.
    """

    live: float
    new: float
    questions: int

    @property
    def is_worse(self) -> bool:
        """Whether the new generation finds less than is tolerated."""
        return self.new < self.live - TOLERANCE

    def __str__(self) -> str:
        """The figures, for people."""
        return (
            f"recall@{TOP} on {self.questions} questions: {self.live:.3f} live, {self.new:.3f} new"
        )


class Examiner:
    """Asks one generation.

    Args:
        engine: Where it is.
        collection_name: Its own name.
        encoder: Of its space.
        sources: Where images of items are read, by root.
        settings: Limits of decoding.
    """

    def __init__(
        self,
        engine: Engine,
        collection_name: str,
        encoder: Encoder,
        *,
        sources: Mapping[str, Source],
        settings: Settings,
    ) -> None:
        """Nothing is asked yet."""
        self._engine = engine
        self._collection_name = collection_name
        self._encoder = encoder
        self._sources = sources
        self._limits = Limits.from_settings(settings)

    def ask(self, question: Question) -> bool | None:
        """Whether an expected item is among the first ten; None if it cannot be asked.

        Raises:
            StoreUnavailable: The store did not answer.
        """
        try:
            vector = self._encode(question)
        except (SourceError, EncoderError):
            return None
        if vector is None:
            return None
        groups = self._engine.query_points_groups(
            self._collection_name,
            "source_uri",
            vector,
            query_filter=modality_filter(question.target) if question.target else None,
            limit=TOP,
            group_size=1,
            with_payload=["source_uri", "location"],
        ).groups
        payloads = [group.hits[0].payload or {} for group in groups]
        found = {payload[key] for payload in payloads for key in ("source_uri", "location")}
        return not question.expected.isdisjoint(found)

    def _encode(self, question: Question) -> list[float] | None:
        if question.text is not None:
            row = self._encoder.encode_texts([question.text], Role.QUERY)[0]
            return [float(number) for number in row]
        if Modality.IMAGE not in self._encoder.space.modalities:
            return None
        image = self._read(question)
        if image is None:
            return None
        return [float(number) for number in self._encoder.encode_images([image])[0]]

    def _read(self, question: Question) -> Image | None:
        if question.path is not None:
            from ingest.decode.files import read_file

            name = str(question.path)
            content = read_file(name, name, max_bytes=self._limits.max_source_bytes)
            return self._decode(content, name)
        record = question.image
        source = self._sources.get(record.root) if record else None
        if record is None or source is None:
            return None
        content = source.read(record, self._limits.max_source_bytes)
        return crop(self._decode(content, record.source_uri))

    def _decode(self, content: bytes, name: str) -> Image:
        return (
            InProcessDecoder()
            .decode_frames(
                content,
                name,
                limits=self._limits,
                side_pixels=self._encoder.space.image_size_pixels,
                policy=DecodePolicy(),
            )[0]
            .image
        )


def compare(questions: Sequence[Question], live: Examiner, new: Examiner) -> Verdict:
    """Ask both; a question that either cannot be asked counts for neither.

    Raises:
        MigrationRefused: No question could be asked of both.
        StoreUnavailable: The store did not answer.
    """
    pairs = [(live.ask(question), new.ask(question)) for question in questions]
    answered = [(a, b) for a, b in pairs if a is not None and b is not None]
    if not answered:
        raise MigrationRefused(
            "there is nothing to compare the two generations by: give --pairs, or pass the gate by "
            "with --no-evaluate"
        )
    count = len(answered)
    return Verdict(sum(a for a, _ in answered) / count, sum(b for _, b in answered) / count, count)


def crop(image: Image) -> Image:
    """The middle of an image."""
    width, height = image.size
    left, top = int(width * (1 - CROP) / 2), int(height * (1 - CROP) / 2)
    return image.crop((left, top, max(left + 1, width - left), max(top + 1, height - top)))
