"""Reading a model's tokenizer as data, and proving that the data gives the model's own input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.encoders.transformer.texts import RecipeTexts, TokenRecipe
from schemas.space import Role

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from ingest.encoders.runtimes.tower import Features
    from ingest.encoders.transformer.texts import ModelTexts

_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})

_PROOFS = (
    "rain",
    "",
    "Two  dogs\n run along the BEACH, 3 waves behind them… naïve café, ﬁ \U0001f469‍\U0001f467 雨",
    "<|endoftext|> [SEP] <eos> </s> <pad> the rain <|startoftext|>",
    "a red bicycle leans against an old brick wall in the rain, " * 60,
)
"""Short, empty, of many scripts, spelling special tokens, and beyond any window."""


def read_token_recipe(model: SentenceTransformer, theirs: ModelTexts) -> TokenRecipe | None:
    """The recipe of a model's tokenizer, None where it does not give the model's own input.

    Args:
        model: Has a text tower.
        theirs: The model's own way, to compare with.
    """
    tokenizer: Any = model.tokenizer
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or _has_notes(model):
        return None
    features = theirs.to_features(_PROOFS[:1], Role.DOCUMENT, theirs.limits.max_tokens)
    inputs = tuple(name for name, value in features.items() if hasattr(value, "shape"))
    if not _INPUTS.issuperset(inputs):
        return None
    recipe = TokenRecipe(
        tokenizer=backend.to_str(),
        inputs=inputs,
        pad_id=int(tokenizer.pad_token_id or 0),
        pads_left=tokenizer.padding_side == "left",
    )
    ours = RecipeTexts(recipe, theirs.limits)
    return recipe if all(_agree(ours, theirs, role) for role in Role) else None


def _has_notes(model: SentenceTransformer) -> bool:
    """Whether the model reads more than its input: the prompt's length, or the task."""
    kinds = {type(module).__name__ for module in model}
    return "Router" in kinds or any(not getattr(m, "include_prompt", True) for m in model)


def _agree(ours: RecipeTexts, theirs: ModelTexts, role: Role) -> bool:
    """Whether both give the same input for each proof, alone and all together."""
    for texts in (*((proof,) for proof in _PROOFS), _PROOFS):
        ((members, mine),) = ours.iter_passes(texts, role, lambda: len(_PROOFS))
        length = mine["input_ids"].shape[1]
        other = theirs.to_features([texts[index] for index in members], role, length)
        if not _is_same(mine, other):
            return False
    return True


def _is_same(mine: Features, other: Features) -> bool:
    names = {name for name, value in other.items() if hasattr(value, "shape")}
    return names == set(mine) and all(np.array_equal(mine[n], other[n].numpy()) for n in names)
