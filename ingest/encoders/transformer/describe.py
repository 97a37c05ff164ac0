"""Reading off a loaded model what its embedding space and its window are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingest.encoders.transformer.tokens import FIXED_LENGTH_FAMILIES
from schemas.records import Modality
from schemas.space import Role

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

UNKNOWN_IMAGE_SIDE_PIXELS = 512
"""Assumed where a model does not say: decoding shrinks towards it and must not lose detail."""

_UNBOUNDED = 1 << 20
"""Tokenizers without a limit say 10^30."""

_DEFAULT_MAX_TOKENS = 512


def read_modalities(model: SentenceTransformer) -> tuple[Modality, ...]:
    """What the model encodes, in our order."""
    return tuple(modality for modality in Modality if str(modality) in model.modalities)


def read_max_tokens(model: SentenceTransformer) -> int:
    """The longest text in tokens, special ones included, that tokenizer and tower both take."""
    limits = [model.max_seq_length, _text_setting(model, "max_position_embeddings")]
    known = [int(limit) for limit in limits if limit and limit < _UNBOUNDED]
    return min(known, default=_DEFAULT_MAX_TOKENS)


def has_fixed_length(model: SentenceTransformer) -> bool:
    """Whether texts must be padded to full length and given no attention mask."""
    return getattr(model.config, "model_type", None) in FIXED_LENGTH_FAMILIES


def read_prompts(model: SentenceTransformer) -> dict[Role, str]:
    """The prompt of each role, empty where the model has none.

    Each role takes the first of its names that has a prompt, else the model's default prompt.
    (``encode_document`` looks for the same names, but stops at the empty ``document`` that the
    library itself puts there, and so misses a ``passage``.)
    """
    names = {Role.QUERY: ("query",), Role.DOCUMENT: ("document", "passage", "corpus")}
    default = model.prompts.get(model.default_prompt_name or "") or ""
    return {
        role: next(filter(None, map(model.prompts.get, wanted)), default)
        for role, wanted in names.items()
    }


def read_pooling(model: SentenceTransformer) -> str:
    """How a tower's outputs become one vector, in words."""
    steps: list[str] = []
    for module in model:
        if getattr(module, "module_output_name", None) == "sentence_embedding":
            steps.append("head" if not steps else type(module).__name__.lower())
        elif hasattr(module, "pooling_mode"):
            steps.append(_to_word(module.pooling_mode))
        elif steps:
            steps.append(type(module).__name__.lower())
    return " > ".join(steps) or "none"


def read_image_side(model: SentenceTransformer) -> int:
    """Side of the image tower's square, where the model's configuration has it."""
    vision = getattr(model.config, "vision_config", None)
    side = getattr(vision, "image_size", None)
    return int(side) if isinstance(side, int) else UNKNOWN_IMAGE_SIDE_PIXELS


def _text_setting(model: SentenceTransformer, name: str) -> Any:  # noqa: ANN401 - any setting
    config: Any = model.config
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    return getattr(text, name, None)


def _to_word(mode: object) -> str:
    return "+".join(mode) if isinstance(mode, (list, tuple)) else str(mode)
