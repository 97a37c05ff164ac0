"""Batch and encode prepared records; one record that cannot be encoded costs only itself."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ingest.outcome import Action, Outcome
from schemas.collection import to_point, to_point_id
from schemas.errors import EncoderError
from schemas.records import Batch, Modality
from schemas.report import Failure
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL.Image import Image
    from qdrant_client import models

    from ingest.prepare import Prepared
    from ingest.stopwatch import Stopwatch
    from schemas.records import Chunk
    from schemas.space import Encoder, Vectors


def encode_prepared(
    prepared: Sequence[Prepared], encoder: Encoder, *, batch_size: int, stopwatch: Stopwatch
) -> list[Outcome]:
    """Encode records of one modality.

    When the encoder refuses a batch, its records are tried one by one, so that the one to blame
    fails alone.

    Returns:
        One outcome a record, in order.
    """
    try:
        points = _to_points(prepared, encoder, batch_size=batch_size, stopwatch=stopwatch)
    except EncoderError as error:
        if len(prepared) == 1:
            return [_to_failed(prepared[0], error)]
        return [
            outcome
            for one in prepared
            for outcome in encode_prepared(
                [one], encoder, batch_size=batch_size, stopwatch=stopwatch
            )
        ]
    return [_to_outcome(one, points[one.record.source_uri], encoder) for one in prepared]


def iter_batches(prepared: Sequence[Prepared], batch_size: int) -> Iterator[Batch]:
    """Batches of at most ``batch_size`` chunks; texts of similar length side by side.

    Padding then costs little, because a batch is as long as its longest text.
    """
    pairs: list[tuple[Chunk, Image | None]] = [
        (chunk, one.image) for one in prepared for chunk in one.chunks
    ]
    pairs.sort(key=lambda pair: len(pair[0].text))
    for start in range(0, len(pairs), batch_size):
        part = pairs[start : start + batch_size]
        modality = part[0][0].modality
        images = tuple(image for _, image in part if image is not None)
        yield Batch(modality, tuple(chunk for chunk, _ in part), images)


def _to_points(
    prepared: Sequence[Prepared], encoder: Encoder, *, batch_size: int, stopwatch: Stopwatch
) -> dict[str, list[models.PointStruct]]:
    fingerprints = {one.record.source_uri: one.fingerprint for one in prepared}
    points: dict[str, list[models.PointStruct]] = defaultdict(list)
    for batch in iter_batches(prepared, batch_size):
        with stopwatch.lap("encode"):
            vectors = _encode(batch, encoder)
        for chunk, vector in zip(batch.chunks, vectors, strict=True):
            uri = chunk.record.source_uri
            points[uri].append(to_point(chunk, vector, fingerprints[uri]))
    return points


def _encode(batch: Batch, encoder: Encoder) -> Vectors:
    if batch.modality is Modality.IMAGE:
        return encoder.encode_images(batch.images)
    return encoder.encode_texts(batch.texts, Role.DOCUMENT)


def _to_outcome(one: Prepared, points: list[models.PointStruct], encoder: Encoder) -> Outcome:
    uri, known = one.record.source_uri, one.known
    stale = range(len(one.chunks), known.last_ordinal + 1) if known else ()
    return Outcome(
        action=Action.UPDATED if known else Action.ADDED,
        record=one.record,
        points=tuple(points),
        stale_ids=tuple(to_point_id(uri, ordinal) for ordinal in stale),
        tokens=sum(len(encoder.token_spans(chunk.text)) for chunk in one.chunks if chunk.text),
    )


def _to_failed(one: Prepared, error: EncoderError) -> Outcome:
    failure = Failure(one.record.source_uri, one.record.location, error.kind, str(error))
    return Outcome(action=Action.FAILED, record=one.record, failure=failure)
