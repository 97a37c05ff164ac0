"""Texts as a model's own tokenizer sees them: windows, spans, padding and hostile characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

FIXED_LENGTH_FAMILIES = frozenset({"siglip", "siglip2"})
"""Trained on texts padded to full length and without an attention mask: padded to the longest
instead, the same text alone and in a batch gave cos 0.894."""

BUCKET_TOKENS = 8
"""Padded lengths are multiples of this: few shapes, so the runtime's plan cache stays small, and
little padding on captions of 10 to 20 tokens."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_WORD = re.compile(r"\S+")


def to_encodable(text: str) -> str:
    """The text with each lone surrogate replaced by U+FFFD; every offset stays as it was."""
    return _LONE_SURROGATE.sub("�", text)


class TokenCounter:
    """Spans and counts of tokens, from a private copy of a model's tokenizer.

    The copy neither cuts nor pads, and reads spelled special tokens as plain text; being private
    and never changed, it may be used from several threads.

    Args:
        tokenizer: A transformers tokenizer, or a :mod:`tokenizers` one as JSON.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase | str) -> None:
        """Copy the tokenizer's fast backend, if it has one."""
        self._words = tokenizer
        self._backend = _copy_backend(tokenizer)

    @property
    def is_exact(self) -> bool:
        """Whether counts are those of the tokenizer, not a sum over words."""
        return self._backend is not None

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token, in order.

        A tokenizer without a fast backend knows no offsets: there each word's span is shared
        evenly among its tokens.
        """
        text = to_encodable(text)
        if self._backend is None:
            return self._spans_by_word(text)
        return list(self._backend.encode(text, add_special_tokens=False).offsets)

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Number of tokens of each text, without special ones."""
        if self._backend is None:
            return [len(self.spans(text)) for text in texts]
        encodings = self._backend.encode_batch_fast(
            [to_encodable(text) for text in texts], add_special_tokens=False
        )
        return [len(encoding.ids) for encoding in encodings]

    def _spans_by_word(self, text: str) -> list[tuple[int, int]]:
        tokenize = cast("PreTrainedTokenizerBase", self._words).tokenize
        spans = []
        for match in _WORD.finditer(text):
            count = len(tokenize(match[0], split_special_tokens=True))
            start, length = match.start(), match.end() - match.start()
            cuts = [start + length * index // max(count, 1) for index in range(count + 1)]
            spans += [(cuts[index], cuts[index + 1]) for index in range(count)]
        return spans


def to_bucket(longest_tokens: int, max_tokens: int) -> int:
    """Padded length of a batch whose longest text has so many tokens, special ones included."""
    return min(max_tokens, -(-max(longest_tokens, 1) // BUCKET_TOKENS) * BUCKET_TOKENS)


def _copy_backend(tokenizer: PreTrainedTokenizerBase | str) -> Tokenizer | None:
    from tokenizers import Tokenizer

    if isinstance(tokenizer, str):
        described = tokenizer
    else:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            return None
        described = backend.to_str()
    copy = Tokenizer.from_str(described)
    copy.no_truncation()
    copy.no_padding()
    copy.encode_special_tokens = True
    return copy
