"""Zero-shot tags: which of a list of labels fit which images."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.collection import read_location
from schemas.records import Modality
from search.annotate.indexed import iter_pages, open_tag_writer, read_typical_images, to_rows
from search.annotate.labels import DEFAULT_TEMPLATES, encode_labels
from search.annotate.neutral_words import NEUTRAL_WORDS
from search.annotate.photographs import BATCH_IMAGES, iter_photographs
from search.annotate.tagger import Rule, to_tags
from search.annotate.yardstick import MOST_IMAGES, Yardstick
from search.generation import Generation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from qdrant_client import models

    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from schemas.errors import DiptychError
    from schemas.settings import Settings
    from schemas.space import Encoder
    from schemas.where import Where
    from search.annotate.photographs import Photograph
    from search.annotate.tagger import Tag

    Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tagged:
    """An image with its tags, or with what is wrong with it.

    Attributes:
        location: Where the image is.
        tags: Best fitting first; empty where no label fits, or the image has an error.
        source_uri: Of an indexed image.
        point_id: Likewise.
        error: Why it could not be looked at.
    """

    location: str
    tags: tuple[Tag, ...] = ()
    source_uri: str | None = None
    point_id: str | None = None
    error: DiptychError | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict: ``tags``, or ``error`` and ``message``."""
        known = {
            "location": self.location,
            "source_uri": self.source_uri,
            "point_id": self.point_id,
        }
        said = {key: value for key, value in known.items() if value is not None}
        if self.error is not None:
            return {**said, "error": self.error.kind, "message": str(self.error)}
        return {**said, "tags": [tag.to_json() for tag in self.tags]}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Labels, and how they are to be given.

    Attributes:
        labels: In order.
        templates: Sentences that each label is put into; see
            :data:`search.annotate.labels.DEFAULT_TEMPLATES`.
        rule: Which labels become tags.
    """

    labels: Sequence[str]
    templates: Sequence[str] = DEFAULT_TEMPLATES
    rule: Rule = field(default_factory=Rule)


def tag_photographs(
    paths: Iterable[Path],
    vocabulary: Vocabulary,
    encoder: Encoder,
    settings: Settings,
    *,
    typical: Rows | None = None,
) -> Iterator[Tagged]:
    """The tags of image files, lazily and in order; one that cannot be read costs only itself.

    Args:
        paths: Image files, and folders of them.
        vocabulary: The labels.
        encoder: Encodes images and texts.
        settings: Limits of decoding.
        typical: Vectors of images by which scores are read; None, or none of them, for those of the
            first :data:`~search.annotate.yardstick.MOST_IMAGES` files themselves.

    Raises:
        QueryError: The labels or templates cannot be used.
        EncoderError: The encoder cannot be used.
    """
    reader = _Reader(vocabulary, encoder)
    photographs = iter_photographs(paths, encoder, settings)
    first: list[Photograph] = []
    if typical is None or not len(typical):
        first, typical = _take_typical(photographs)
    if len(typical):  # else none could be read
        reader.measure(typical)
    everything = chain(first, photographs)
    while batch := list(islice(everything, BATCH_IMAGES)):
        tags = iter(reader.read([one.vector for one in batch if one.vector is not None]))
        for one in batch:
            yield Tagged(one.path, () if one.error else next(tags), error=one.error)


def tag_collection(
    engine: Engine,
    collection: ConcreteCollection,
    vocabulary: Vocabulary,
    encoder: Encoder,
    *,
    where: Where | Sequence[Where] | None = None,
    writing: Settings | None = None,
) -> Iterator[Tagged]:
    """The tags of a collection's images by their vectors, lazily; no image is read.

    Args:
        engine: The store.
        collection: The generation whose images are looked at.
        vocabulary: The labels.
        encoder: Of the collection's space; encodes texts.
        where: Only images that meet these conditions.
        writing: Settings by which the labels are also written into the points' field ``tags``, in
            place of those before; None writes nothing.

    Raises:
        QueryError: The labels, templates or conditions cannot be used.
        SpaceMismatch: The encoder is not of the collection's space.
        LockHeld: A run of ingestion is writing to the collection.
        StoreError: The store failed.
    """
    Generation(collection, encoder).prove([Modality.TEXT])
    reader = _Reader(vocabulary, encoder)
    pages = iter_pages(engine, collection.name, where)
    typical = read_typical_images(engine, collection.name)
    if not len(typical):
        return
    reader.measure(typical)
    with ExitStack() as stack:
        writer = None
        if writing is not None:
            writer = stack.enter_context(open_tag_writer(engine, collection.name, writing))
        for points in pages:
            tags = reader.read(to_rows(points))
            if writer is not None:
                writer.write(_to_labels(points, tags))
            for point, found in zip(points, tags, strict=True):
                payload = point.payload or {}
                yield Tagged(
                    read_location(payload), found, payload["source_uri"], point_id=str(point.id)
                )


class _Reader:
    """Reads tags off vectors, once it has been measured."""

    def __init__(self, vocabulary: Vocabulary, encoder: Encoder) -> None:
        self._vocabulary = vocabulary
        self._labels = encode_labels(vocabulary.labels, encoder, vocabulary.templates)
        self._words = encode_labels(NEUTRAL_WORDS, encoder, vocabulary.templates)
        self._yardstick: Yardstick | None = None

    def measure(self, typical: Rows) -> None:
        self._yardstick = Yardstick(typical, self._words)

    def read(self, images: Sequence[Rows] | Rows) -> list[tuple[Tag, ...]]:
        if not len(images) or self._yardstick is None:
            return []
        names, rule = self._vocabulary.labels, self._vocabulary.rule
        return to_tags(np.asarray(images), names, self._labels, self._yardstick, rule)


def _take_typical(photographs: Iterator[Photograph]) -> tuple[list[Photograph], Rows]:
    """The first photographs, those that cannot be read among them, and the vectors they have."""
    taken: list[Photograph] = []
    rows: list[Rows] = []
    for one in photographs:
        taken.append(one)
        if one.vector is not None:
            rows.append(one.vector)
        if len(rows) == MOST_IMAGES:
            break
    return taken, np.stack(rows) if rows else np.empty((0, 0), dtype=np.float32)


def _to_labels(
    points: Sequence[models.Record], tags: Sequence[Sequence[Tag]]
) -> dict[str, list[str]]:
    pairs = zip(points, tags, strict=True)
    return {str(point.id): [tag.label for tag in found] for point, found in pairs}
