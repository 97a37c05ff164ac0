"""A quick proof, at load, that an encoder keeps the promises its vectors are stored under."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ingest.encoders.canary import to_canary_images
from schemas.errors import EncoderError
from schemas.records import Modality
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from schemas.space import Encoder, Vectors

_Sample = TypeVar("_Sample")

MIN_BATCH_COSINE = 0.999
"""A row alone and the same row in a batch: below it, padding or batching leaks between rows."""

MIN_REPEAT_COSINE = 0.99999
"""The same call twice: below it something random is still on, dropout for one."""

MAX_NORM_ERROR = 1e-4

SAMPLE_TEXTS = (
    "rain",
    "A red bicycle leans against an old brick wall in the rain.",
    "two dogs run along the beach, 3 waves behind them, and a ship far out on the grey sea",
)
"""Of different lengths, so that a padded batch is unlike its rows."""


def check_encoder(encoder: Encoder) -> None:
    """Encode a few samples of each modality and compare.

    Each modality's rows must be finite and of unit length, the same when encoded again, and the
    same alone as in a batch.

    Raises:
        EncoderError: A promise is broken; the message says which, and by how much.
        InvalidVector: A row is zero or not finite.
    """
    for modality in encoder.space.modalities:
        if modality is Modality.IMAGE:
            _check_rows(encoder, modality, to_canary_images(), encoder.encode_images)
        else:
            _check_rows(encoder, modality, SAMPLE_TEXTS, _to_text_encoding(encoder))


def _to_text_encoding(encoder: Encoder) -> Callable[[Sequence[str]], Vectors]:
    return lambda texts: encoder.encode_texts(texts, Role.DOCUMENT)


def _check_rows(
    encoder: Encoder,
    modality: Modality,
    samples: Sequence[_Sample],
    encode: Callable[[Sequence[_Sample]], Vectors],
) -> None:
    together = encode(samples)
    _check_unit(encoder, modality, together, len(samples))
    again = _cosine(together, encode(samples))
    if again < MIN_REPEAT_COSINE:
        raise _broken(encoder, modality, "deterministic", again, MIN_REPEAT_COSINE)
    alone = _cosine(together, np.concatenate([encode([sample]) for sample in samples]))
    if alone < MIN_BATCH_COSINE:
        raise _broken(encoder, modality, "independent of its batch", alone, MIN_BATCH_COSINE)


def _check_unit(encoder: Encoder, modality: Modality, rows: Vectors, count: int) -> None:
    error = float(np.abs(np.linalg.norm(rows, axis=1) - 1).max(initial=0))
    if rows.shape != (count, encoder.space.dimension) or not error <= MAX_NORM_ERROR:
        raise EncoderError(
            f"{encoder.space.model_id}: {modality} vectors are not {count} unit rows of "
            f"{encoder.space.dimension} (shape {rows.shape}, norms off by {error:.2g})"
        )


def _cosine(left: Vectors, right: Vectors) -> float:
    return float((left * right).sum(axis=1).min())


def _broken(
    encoder: Encoder, modality: Modality, promise: str, cosine: float, floor: float
) -> EncoderError:
    return EncoderError(
        f"{encoder.space.model_id} ({encoder.space.dtype}): a {modality} vector is not {promise} "
        f"(cosine {cosine:.5f} < {floor}); try another dtype, or report the model"
    )
