"""Whether a cheaper arithmetic keeps the vectors: measured on the user's own items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import EncoderError
from schemas.records import Modality
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image

    from schemas.space import Encoder, Vectors

SAMPLE_SIZE = 32
"""Items of each modality that are enough: the mean cosine is then known to about .001."""

MIN_MEAN_COSINE = 0.99
MIN_COSINE = 0.97


@dataclass(frozen=True, slots=True)
class Cosines:
    """How well two encoders agree on the items of one modality.

    Attributes:
        count: Items compared.
        worst: The least cosine.
        mean: The mean cosine.
    """

    count: int
    worst: float
    mean: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well a candidate agrees with its reference, by modality.

    Attributes:
        candidate: The candidate's model and dtype, in words.
        reference: The reference's, likewise.
        cosines: Of each modality that was compared.
    """

    candidate: str
    reference: str
    cosines: Mapping[Modality, Cosines]

    @property
    def is_close(self) -> bool:
        """Whether every modality keeps to :data:`MIN_MEAN_COSINE` and :data:`MIN_COSINE`."""
        return all(
            found.mean >= MIN_MEAN_COSINE and found.worst >= MIN_COSINE
            for found in self.cosines.values()
        )

    def __str__(self) -> str:
        """In one line, e.g. for a log."""
        figures = "; ".join(
            f"{found.count} {modality}s: mean cosine {found.mean:.4f}, worst {found.worst:.4f}"
            for modality, found in self.cosines.items()
        )
        return f"{self.candidate} against {self.reference}: {figures or 'nothing compared'}"


def measure_agreement(
    candidate: Encoder,
    reference: Encoder,
    images: Sequence[Image] = (),
    texts: Sequence[str] = (),
) -> Agreement:
    """Encode a sample with both encoders and compare row by row.

    Args:
        candidate: The cheaper one, of the same model.
        reference: In float32 or bfloat16.
        images: Decoded images of the user's own, about :data:`SAMPLE_SIZE`; may be none.
        texts: Chunks of the user's own, as many; may be none.

    Raises:
        EncoderError: One of them cannot encode the sample.
    """
    cosines = {}
    if images:
        both = candidate.encode_images(images), reference.encode_images(images)
        cosines[Modality.IMAGE] = _compare(*both)
    if texts:
        role = Role.DOCUMENT
        both = candidate.encode_texts(texts, role), reference.encode_texts(texts, role)
        cosines[Modality.TEXT] = _compare(*both)
    return Agreement(_name(candidate), _name(reference), cosines)


def require_agreement(
    candidate: Encoder,
    reference: Encoder,
    images: Sequence[Image] = (),
    texts: Sequence[str] = (),
) -> Agreement:
    """As :func:`measure_agreement`, and refuse a candidate that is too far off.

    Raises:
        EncoderError: A modality's mean cosine is below :data:`MIN_MEAN_COSINE` or its worst below
            :data:`MIN_COSINE`, with the figures; or there is nothing to compare.
    """
    measured = measure_agreement(candidate, reference, images, texts)
    if not measured.cosines:
        raise EncoderError(
            f"{measured.candidate} cannot be compared with {measured.reference}: the sample is "
            f"empty; give it a few of the images and texts that are to be encoded"
        )
    if not measured.is_close:
        raise EncoderError(
            f"{measured}. At least {MIN_MEAN_COSINE} and {MIN_COSINE} are needed for the ranking "
            f"to stay what it is: choose dtype {reference.space.dtype}"
        )
    return measured


def _compare(candidate: Vectors, reference: Vectors) -> Cosines:
    cosines = (candidate.astype(np.float64) * reference).sum(axis=1)
    return Cosines(len(cosines), float(cosines.min()), float(cosines.mean()))


def _name(encoder: Encoder) -> str:
    return f"{encoder.space.model_id} in {encoder.space.dtype}"
