"""From texts to a text tower's input."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ingest.encoders.transformer import describe
from ingest.encoders.transformer.tokens import TokenCounter, to_bucket, to_encodable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    from ingest.encoders.runtimes.tower import Features
    from schemas.space import Role

    Pass = tuple[list[int], Features]
    """Which of the texts, by their indexes, and the tower's input for them."""


@dataclass(frozen=True, slots=True)
class TextLimits:
    """How a model wants its texts.

    Attributes:
        prompts: Role -> what is put before a text.
        max_tokens: Longest input, special and prompt tokens included.
        added_tokens: Special tokens and those of the longer prompt.
        fixed_length: Whether every text is padded to ``max_tokens``, without a mask.
    """

    prompts: dict[str, str]
    max_tokens: int
    added_tokens: int
    fixed_length: bool

    @property
    def window_tokens(self) -> int:
        """Longest text encoded whole, beside special tokens and the longer prompt."""
        return max(1, self.max_tokens - self.added_tokens)

    @property
    def padding(self) -> str:
        """``longest`` or ``max_length:N``."""
        return f"max_length:{self.max_tokens}" if self.fixed_length else "longest"


class TextPreparation(Protocol):
    """Makes a text tower's input."""

    limits: TextLimits
    tokens: TokenCounter

    def iter_passes(
        self, texts: Sequence[str], role: Role, rows: Callable[[], int]
    ) -> Iterator[Pass]:
        """Texts of about equal length together, the longest first, cut at the window.

        The longest come first, so that memory runs out at once or never.

        Args:
            texts: Any strings.
            role: Chooses the prompt.
            rows: How many texts the next pass may have.
        """
        ...


@dataclass(frozen=True, slots=True)
class TokenRecipe:
    """What a model's tokenizer does, in data: enough to do it without the model's code.

    Attributes:
        tokenizer: A :mod:`tokenizers` tokenizer, as JSON.
        inputs: The names of the tower's inputs, in order.
        pad_id: Fills what is not text.
        pads_left: Whether it stands before the text.
    """

    tokenizer: str
    inputs: tuple[str, ...]
    pad_id: int
    pads_left: bool

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {**asdict(self), "inputs": list(self.inputs)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> TokenRecipe:
        """What :meth:`to_json` described."""
        return cls(**{**fields, "inputs": tuple(fields["inputs"])})


class RecipeTexts:
    """Texts by our copy of the tokenizer: once through it for ids, counts and order alike.

    Spelled special tokens are split into ordinary ones: ``<|endoftext|>`` would end CLIP's text.

    Args:
        recipe: The tokenizer.
        limits: The model's.
    """

    def __init__(self, recipe: TokenRecipe, limits: TextLimits) -> None:
        """Read the tokenizer."""
        from tokenizers import Tokenizer

        self.recipe = recipe
        self.limits = limits
        self.tokens = TokenCounter(recipe.tokenizer)
        # Set once and never changed, so it may be used from several threads.
        tokenizer: Tokenizer = Tokenizer.from_str(recipe.tokenizer)
        tokenizer.no_padding()
        tokenizer.enable_truncation(limits.max_tokens)
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer

    def iter_passes(
        self, texts: Sequence[str], role: Role, rows: Callable[[], int]
    ) -> Iterator[Pass]:
        """See :meth:`TextPreparation.iter_passes`."""
        prompt = self.limits.prompts[role]
        encodings = self._tokenizer.encode_batch_fast([prompt + to_encodable(t) for t in texts])
        ids = [encoding.ids for encoding in encodings]
        by_length = sorted(range(len(ids)), key=lambda index: -len(ids[index]))
        while by_length:
            count = rows()
            members, by_length = by_length[:count], by_length[count:]
            yield members, self._to_features([ids[index] for index in members])

    def _to_features(self, rows: Sequence[Sequence[int]]) -> Features:
        """Padded to a bucket of the first, which is the longest."""
        limits = self.limits
        bucket = to_bucket(len(rows[0]), limits.max_tokens)
        shape = (len(rows), limits.max_tokens if limits.fixed_length else bucket)
        ids: NDArray[np.int64] = np.full(shape, self.recipe.pad_id, dtype=np.int64)
        mask: NDArray[np.int64] = np.zeros(shape, dtype=np.int64)
        for index, row in enumerate(rows):
            text = slice(shape[1] - len(row), None) if self.recipe.pads_left else slice(len(row))
            ids[index, text] = row
            mask[index, text] = 1
        known = {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros(shape, dtype=np.int64),
        }
        return {name: known[name] for name in self.recipe.inputs}


class ModelTexts:
    """Texts by the model's own processor, for tokenizers that we cannot follow.

    Args:
        model: Has a text tower.
        limits: The model's.
    """

    def __init__(self, model: SentenceTransformer, limits: TextLimits) -> None:
        """Keep the model."""
        self.limits = limits
        self.tokens = TokenCounter(model.tokenizer)
        self._model = model
        self._tokenizing = threading.Lock()

    def iter_passes(
        self, texts: Sequence[str], role: Role, rows: Callable[[], int]
    ) -> Iterator[Pass]:
        """See :meth:`TextPreparation.iter_passes`."""
        counts = self.tokens.counts(texts)
        by_length = sorted(range(len(texts)), key=lambda index: -counts[index])
        while by_length:
            count = rows()
            members, by_length = by_length[:count], by_length[count:]
            length = self._to_length(counts[members[0]])
            yield members, self.to_features([texts[index] for index in members], role, length)

    def to_features(self, texts: Sequence[str], role: Role, length: int) -> Features:
        """The tower's input, cut at the window.

        Every text goes in as ``{"text": ...}``: given a bare string, sentence-transformers opens
        what reads like an image path and fetches what reads like a URL.

        Args:
            texts: Any strings.
            role: Chooses the prompt.
            length: Padded length, special and prompt tokens included.
        """
        options = {
            "split_special_tokens": True,
            "padding": "max_length",
            "max_length": length,
            "truncation": True,
        }
        # The tokenizer keeps the current cut and padding as its own state.
        with self._tokenizing:
            features: Features = self._model.preprocess(
                [{"text": to_encodable(text)} for text in texts],
                prompt=self.limits.prompts[role] or None,
                task=str(role),
                processing_kwargs={"text": options},
            )
        if self.limits.fixed_length:
            features.pop("attention_mask", None)
        return {**features, "task": str(role)}

    def _to_length(self, longest_tokens: int) -> int:
        limits = self.limits
        if limits.fixed_length or not self.tokens.is_exact:
            return limits.max_tokens
        return to_bucket(longest_tokens + limits.added_tokens, limits.max_tokens)


def prepare_texts(model: SentenceTransformer) -> TextPreparation:
    """Our way with a model's texts where it gives the model's own input, else the model's.

    Args:
        model: Has a text tower.
    """
    from ingest.encoders.transformer.token_recipe import read_token_recipe

    tokens = TokenCounter(model.tokenizer)
    prompts = describe.read_prompts(model)
    prompt_tokens = max(map(len, map(tokens.spans, prompts.values())))
    limits = TextLimits(
        prompts={str(role): prompt for role, prompt in prompts.items()},
        max_tokens=describe.read_max_tokens(model),
        added_tokens=prompt_tokens + model.tokenizer.num_special_tokens_to_add(),
        fixed_length=describe.has_fixed_length(model),
    )
    theirs = ModelTexts(model, limits)
    recipe = read_token_recipe(model, theirs)
    return theirs if recipe is None else RecipeTexts(recipe, limits)
