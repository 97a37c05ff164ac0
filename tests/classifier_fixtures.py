"""Random image classifiers of a few thousand weights, saved as real ones are. Needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SIDE_PIXELS = 32
CLASSES = ("zebra", "red_square", "tabby, tabby cat", "blue")
_SEED = 20240229


def save_vit(folder: Path, classes: Sequence[str] = CLASSES) -> Path:
    """A ViT with one block; its last layer sees the first token."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    torch.manual_seed(_SEED)
    config = ViTConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=SIDE_PIXELS,
        patch_size=8,
        **_to_names(classes),
    )
    ViTForImageClassification(config).save_pretrained(folder)
    size = {"height": SIDE_PIXELS, "width": SIDE_PIXELS}
    ViTImageProcessorPil(size=size).save_pretrained(folder)
    return folder


def save_resnet(folder: Path, classes: Sequence[str] = CLASSES) -> Path:
    """A ResNet with two blocks; its last layer sees the mean over space."""
    import torch
    from transformers import ResNetConfig, ResNetForImageClassification
    from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil

    torch.manual_seed(_SEED)
    config = ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 16],
        depths=[1, 1],
        layer_type="basic",
        **_to_names(classes),
    )
    ResNetForImageClassification(config).save_pretrained(folder)
    ConvNextImageProcessorPil(size={"shortest_edge": SIDE_PIXELS}).save_pretrained(folder)
    return folder


def _to_names(classes: Sequence[str]) -> dict[str, Any]:
    names = dict(enumerate(classes))
    return {"id2label": names, "label2id": {name: place for place, name in names.items()}}
