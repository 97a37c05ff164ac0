"""A canary: the vectors of a few fixed inputs, stored in a collection when it is made.

An encoder that no longer gives these vectors (another build of a runtime, a damaged weight, a
driver) would search a space that is no longer the collection's, with nothing to show for it but
worse answers. Comparing takes one small batch a modality.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import SpaceMismatch
from schemas.records import Modality
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from PIL.Image import Image

    from schemas.space import Encoder, Vectors

MIN_CANARY_COSINE = 0.999
"""Below it the encoder has drifted. bfloat16 and float32 towers of one model agree to .9999."""

CANARY_TEXTS = (
    "A red bicycle leans against an old brick wall in the rain.",
    "mix the flour, 2 eggs and the melted butter",
)

_DECIMALS = 6


def to_canary_images() -> list[Image]:
    """Two generated RGB images: 320x240 gradients under a grid, and 224x336 coloured checks.

    Made of integer arithmetic, so that they are the same bytes everywhere.
    """
    from PIL import Image

    rows, columns = np.mgrid[0:240, 0:320]
    grid = np.where((rows // 20 + columns // 20) % 2, 32, 0)
    gradients = np.stack([columns * 223 // 319, rows * 223 // 239, 223 - columns * 223 // 319], 2)
    rows, columns = np.mgrid[0:336, 0:224]
    checks = (rows // 42 + columns // 56) % 3
    palette = np.array([(214, 40, 40), (247, 228, 120), (30, 60, 110)])
    return [
        Image.fromarray((gradients + grid[..., None]).astype(np.uint8)),
        Image.fromarray(palette[checks].astype(np.uint8)),
    ]


def canary_vectors(
    encoder: Encoder, modalities: Iterable[Modality]
) -> dict[str, list[list[float]]]:
    """The canary of some modalities, ready for a collection's metadata.

    Args:
        encoder: Whose vectors to keep.
        modalities: Only these are encoded, so that a text canary loads no image tower.

    Returns:
        Modality name -> one unit vector a fixed input, rounded to six decimals.

    Raises:
        UnsupportedModality: The encoder does not encode one of them.
    """
    return {
        str(modality): np.round(_encode(encoder, modality).astype(float), _DECIMALS).tolist()
        for modality in modalities
    }


def check_canary(
    encoder: Encoder,
    stored: Mapping[str, Sequence[Sequence[float]]],
    modalities: Iterable[Modality],
) -> None:
    """Compare an encoder with a stored canary, encoding the asked modalities only.

    Raises:
        SpaceMismatch: A vector's cosine to its stored one is below ``MIN_CANARY_COSINE``, or the
            stored canary has none for a modality or of another shape.
        UnsupportedModality: The encoder does not encode one of them.
    """
    for modality in modalities:
        now = _encode(encoder, modality)
        then = np.asarray(stored.get(str(modality), ()), dtype=np.float32)
        if then.shape != now.shape:
            raise SpaceMismatch(
                f"the collection's {modality} canary has the shape {then.shape}, "
                f"{encoder.space.model_id} gives {now.shape}: {_REMEDY}"
            )
        worst = float((now * then).sum(axis=1).min())
        if worst < MIN_CANARY_COSINE:
            raise SpaceMismatch(
                f"{encoder.space.model_id} no longer gives the {modality} vectors that the "
                f"collection was built with (cosine {worst:.4f} < {MIN_CANARY_COSINE}): {_REMEDY}"
            )


_REMEDY = (
    "use the versions and the machine kind that built it, or ingest into a new collection "
    "(--collection)"
)


def _encode(encoder: Encoder, modality: Modality) -> Vectors:
    if modality is Modality.IMAGE:
        return encoder.encode_images(to_canary_images())
    return encoder.encode_texts(CANARY_TEXTS, Role.DOCUMENT)
