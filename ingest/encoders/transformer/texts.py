"""From texts to a text tower's input."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ingest.encoders.transformer import describe
from ingest.encoders.transformer.tokens import TokenCounter, to_bucket, to_encodable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sentence_transformers import SentenceTransformer

    from schemas.space import Role


class TextPreparation:
    """Tokenizes for one model: its window, its padding, its prompts.

    Args:
        model: Has a text tower.

    Attributes:
        window_tokens: Longest text encoded whole, beside special tokens and the longer prompt.
        padding: ``longest`` or ``max_length:N``.
    """

    def __init__(self, model: SentenceTransformer) -> None:
        """Read the model's limits."""
        self._model = model
        self._tokenizing = threading.Lock()
        self._tokens = TokenCounter(model.tokenizer)
        self._prompts = describe.read_prompts(model)
        self._fixed_length = describe.has_fixed_length(model)
        self._max_tokens = describe.read_max_tokens(model)
        prompt_tokens = max(map(len, map(self._tokens.spans, self._prompts.values())))
        self._added_tokens = prompt_tokens + model.tokenizer.num_special_tokens_to_add()
        self.window_tokens = max(1, self._max_tokens - self._added_tokens)
        self.padding = f"max_length:{self._max_tokens}" if self._fixed_length else "longest"

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token, without special ones and without a cut."""
        return self._tokens.spans(text)

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without special ones."""
        return self._tokens.counts(texts)

    def to_features(self, texts: Sequence[str], role: Role, longest_tokens: int) -> dict[str, Any]:
        """The tower's input, cut at the window.

        Every text goes in as ``{"text": ...}``: given a bare string, sentence-transformers opens
        what reads like an image path and fetches what reads like a URL. Spelled special tokens
        are split into ordinary ones: ``<|endoftext|>`` would end CLIP's text there.

        Args:
            texts: Of about equal length, best sorted.
            role: Chooses the prompt.
            longest_tokens: What :meth:`counts` said of the longest.
        """
        options = {
            "split_special_tokens": True,
            "padding": "max_length",
            "max_length": self._to_length(longest_tokens),
            "truncation": True,
        }
        # The tokenizer keeps the current cut and padding as its own state.
        with self._tokenizing:
            features: dict[str, Any] = self._model.preprocess(
                [{"text": to_encodable(text)} for text in texts],
                prompt=self._prompts[role] or None,
                task=str(role),
                processing_kwargs={"text": options},
            )
        if self._fixed_length:
            features.pop("attention_mask", None)
        return features

    def _to_length(self, longest_tokens: int) -> int:
        """Padded length of a batch, special and prompt tokens included."""
        if self._fixed_length or not self._tokens.is_exact:
            return self._max_tokens
        return to_bucket(longest_tokens + self._added_tokens, self._max_tokens)
