"""The models Diptych knows: each one a frozen description, nothing loaded.

Any other sentence-transformers model with images and texts works too, from a local folder or by
its Hugging Face id and commit. A revision here is a full commit hash of a repository state that
holds ``model.safetensors``; a branch would move under the collections built with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping

HINGE_MODEL_ID = "hinge-en-2"
"""The offline default; described by :mod:`ingest.encoders.hinge` itself, it needs no torch."""

HINGE_MODELS = (HINGE_MODEL_ID, "hinge-en-1")
"""Every hinge that is still there, for the collections that were built with it; newest first."""


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What is known of a model before it is downloaded.

    Attributes:
        model_id: Hugging Face id.
        revision: Full commit hash that is loaded.
        dimension: Length of its vectors.
        window_tokens: Longest text that is encoded whole, without special tokens.
        image_size_pixels: Side of the square its image tower sees.
        padding: How texts must be padded: ``longest`` or ``max_length:N``.
        dtype: Arithmetic its weights are published in.
        licence: SPDX id, and whose statement it is where the Hub has none.
        weights_bytes: Size of the weights to download, rounded to 1 MB.
        good_for: When one would choose it.
        modalities: What it encodes.
    """

    model_id: str
    revision: str
    dimension: int
    window_tokens: int
    image_size_pixels: int
    padding: str
    dtype: str
    licence: str
    weights_bytes: int
    good_for: str
    modalities: tuple[Modality, ...] = tuple(Modality)


_CLIP_LICENCE = "MIT (stated by github.com/openai/CLIP; the Hub card names none)"

_DESCRIPTIONS = (
    ModelDescription(
        model_id="sentence-transformers/clip-ViT-B-32",
        revision="327ab6726d33c0e22f920c83f2ff9e4bd38ca37f",
        dimension=512,
        window_tokens=75,
        image_size_pixels=224,
        padding="longest",
        dtype="float32",
        licence=_CLIP_LICENCE,
        weights_bytes=605_000_000,
        good_for="photographs and short English captions on a CPU; the quickest of the CLIPs",
    ),
    ModelDescription(
        model_id="openai/clip-vit-base-patch32",
        # The repository's conversion to safetensors; its main branch holds pickled weights only.
        revision="c237dc49a33fc61debc9276459120b7eac67e7ef",
        dimension=512,
        window_tokens=75,
        image_size_pixels=224,
        padding="longest",
        dtype="float32",
        licence=_CLIP_LICENCE,
        weights_bytes=605_000_000,
        good_for="the same weights as sentence-transformers/clip-ViT-B-32, from their authors",
    ),
    ModelDescription(
        model_id="openai/clip-vit-large-patch14",
        revision="32bd64288804d66eefd0ccbe215aa642df71cc41",
        dimension=768,
        window_tokens=75,
        image_size_pixels=224,
        padding="longest",
        dtype="float32",
        licence=_CLIP_LICENCE,
        weights_bytes=1_711_000_000,
        good_for="finer distinctions than ViT-B/32 at several times its cost; wants a GPU",
    ),
    ModelDescription(
        model_id="google/siglip-base-patch16-224",
        revision="7fd15f0689c79d79e38b1c2e2e2370a7bf2761ed",
        dimension=768,
        window_tokens=63,
        image_size_pixels=224,
        padding="max_length:64",
        dtype="float32",
        licence="Apache-2.0",
        weights_bytes=813_000_000,
        good_for="English retrieval above CLIP ViT-B; needs `pip install sentencepiece protobuf`",
    ),
    ModelDescription(
        model_id="google/siglip2-base-patch16-224",
        revision="75de2d55ec2d0b4efc50b3e9ad70dba96a7b2fa2",
        dimension=768,
        window_tokens=63,
        image_size_pixels=224,
        padding="max_length:64",
        dtype="float32",
        licence="Apache-2.0",
        weights_bytes=1_500_000_000,
        good_for="photographs and texts in many languages; the best of the base sizes here",
    ),
)

CATALOGUE: Mapping[str, ModelDescription] = {model.model_id: model for model in _DESCRIPTIONS}
"""Model id -> description, in the order one would consider them."""


def is_listed(model: str) -> bool:
    """Whether the id alone says which model is meant, whatever folder lies here."""
    return model in HINGE_MODELS or model in CATALOGUE
