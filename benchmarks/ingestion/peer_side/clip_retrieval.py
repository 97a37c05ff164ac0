"""clip-retrieval's ``clip_inference``: its reader, its mapper and its writer on one folder."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from clip_retrieval.clip_inference.main import main as clip_inference
from safetensors.torch import load_file

from benchmarks.ingestion.peer_side.serve import serve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from benchmarks.ingestion.peer_side.serve import Rows

_LAYER = {
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_LAYERS = 12


def main() -> None:
    """Serve; the arguments are the model's folder and where its weights may be converted to."""
    weights = Path(sys.argv[2])
    if not weights.exists():
        torch.save(to_openai(load_file(Path(sys.argv[1], "model.safetensors"))), weights)

    def embed(folder: str) -> Rows:
        with tempfile.TemporaryDirectory() as scratch:
            clip_inference(
                folder, scratch, enable_text=False, enable_image=True, clip_model=str(weights)
            )
            parts = [np.load(path) for path in sorted(Path(scratch).glob("img_emb/*.npy"))]
        return np.concatenate(parts)

    serve(embed)


def to_openai(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The names that OpenAI's own code, which clip-retrieval loads by default, gives them."""
    visual, text = "vision_model", "text_model"
    found = {
        "logit_scale": weights["logit_scale"],
        "text_projection": weights["text_projection.weight"].T,
        "token_embedding.weight": weights[f"{text}.embeddings.token_embedding.weight"],
        "positional_embedding": weights[f"{text}.embeddings.position_embedding.weight"],
        "visual.proj": weights["visual_projection.weight"].T,
        "visual.class_embedding": weights[f"{visual}.embeddings.class_embedding"],
        "visual.conv1.weight": weights[f"{visual}.embeddings.patch_embedding.weight"],
        "visual.positional_embedding": weights[f"{visual}.embeddings.position_embedding.weight"],
    }
    norms = {
        "ln_final": f"{text}.final_layer_norm",
        "visual.ln_pre": f"{visual}.pre_layrnorm",
        "visual.ln_post": f"{visual}.post_layernorm",
    }
    for theirs, ours in norms.items():
        found |= {f"{theirs}.{kind}": weights[f"{ours}.{kind}"] for kind in ("weight", "bias")}
    for number in range(_LAYERS):
        for theirs, ours in (("visual.transformer", visual), ("transformer", text)):
            layer = f"{ours}.encoder.layers.{number}"
            found |= _to_block(weights, layer, f"{theirs}.resblocks.{number}")
    return {name: tensor.contiguous() for name, tensor in found.items()}


def _to_block(weights: Mapping[str, Tensor], ours: str, theirs: str) -> dict[str, Tensor]:
    """One layer; query, key and value lie in one matrix there."""
    block = {}
    for kind in ("weight", "bias"):
        parts = [weights[f"{ours}.self_attn.{part}_proj.{kind}"] for part in "qkv"]
        block[f"{theirs}.attn.in_proj_{kind}"] = torch.cat(parts)
        for name, renamed in _LAYER.items():
            block[f"{theirs}.{renamed}.{kind}"] = weights[f"{ours}.{name}.{kind}"]
    return block


if __name__ == "__main__":
    main()
