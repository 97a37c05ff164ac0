"""The words of a point: what a lexical search compares, beside the vector of its meaning.

Every term is a dimension of a sparse vector named :data:`WORDS`. A point has in it the
term-frequency half of BM25 (Robertson and Zaragoza, 2009), a query a 1 for each of its terms, and
the store multiplies by the inverse document frequency as it stands that moment (Qdrant's modifier
``idf``): their product is BM25, and adding a point never makes another one's vector stale.

Terms are made in the same way for points and for queries: NFKC, case folded, runs of letters,
marks and digits; a run of a script without spaces becomes its characters and their pairs. There is
neither stemming nor a list of stop words. A query does not say in which language it is, so nothing
that depends on one could be done alike on both sides; what inflects differently and still means the
same is found by the dense vector, words that stand everywhere weigh next to nothing by their
frequency, and what lexical search is for, names and numbers, a stemmer only damages.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache, lru_cache
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from schemas.records import Chunk

WORDS: Final = "words"
"""Name of the sparse vector, and of the key in a collection's metadata that says it is whole."""

WORDS_VERSION: Final = 1
"""Of how terms are made and weighed; points of different versions cannot be compared."""

TERM_SATURATION: Final = 1.2
"""BM25's k: how soon it no longer matters that a term comes again. As Qdrant's own ``Bm25``."""

LENGTH_PENALTY: Final = 0.75
"""BM25's b: how much less a term counts in a longer text. As Qdrant's own ``Bm25``."""

AVERAGE_TERMS: Final = 256
"""BM25's average length, a constant as in Qdrant's own ``Bm25``: the true one changes with every
point. Where texts are shorter on the whole, all of them gain alike."""

MAX_TERMS: Final = 10_000
"""Terms of one text that are looked at: what comes after the twenty pages that this makes is left
out, so that a hostile description cannot make a vector of millions of numbers."""

WORD_FIELDS: Final = ("text", "title", "caption", "alt_text", "keywords", "ocr_text")
"""Payload fields, and attributes of a chunk, whose words are compared."""

_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"
)
"""Thai and Lao, Burmese, Khmer, kana, Han: scripts that do not part words by spaces."""

_ASCII: Final = re.compile("[a-z0-9]+")
"""The same as the whole pattern, at a third of the cost."""


class TermWeights(NamedTuple):
    """A sparse vector.

    Attributes:
        indices: The terms' dimensions, ascending, below 2**32.
        values: Their weights, in the same order, positive.
    """

    indices: list[int]
    values: list[float]


def iter_terms(text: str) -> Iterator[str]:
    """The terms of a text, in order, repetitions included; lazy."""
    if text.isascii():
        yield from _ASCII.findall(text.lower())
        return
    for run in _pattern().findall(unicodedata.normalize("NFKC", text).casefold()):
        if _starts_unspaced(run):
            yield from run
            yield from map("".join, pairwise(run))
        else:
            yield run


@lru_cache(maxsize=65_536)
def to_term_index(term: str) -> int:
    """The dimension of a term: its CRC-32, the same on every machine and in every version.

    Two terms fall together by chance: of n terms about n**2 / 2**33 pairs, one of 100,000 terms,
    and then a rare word finds a few wrong points as well. Terms that differ in no more than four
    neighbouring bytes never do.
    """
    return crc32(term.encode(errors="surrogatepass"))


def to_document_weights(texts: Iterable[str]) -> TermWeights:
    """The term-frequency half of BM25 for the texts of one point, taken as one text."""
    terms = islice(chain.from_iterable(map(iter_terms, texts)), MAX_TERMS)
    counts = Counter(map(to_term_index, terms))
    length = counts.total() / AVERAGE_TERMS
    dampened = TERM_SATURATION * (1 - LENGTH_PENALTY + LENGTH_PENALTY * length)
    indices = sorted(counts)
    values = [
        counts[index] * (TERM_SATURATION + 1) / (counts[index] + dampened) for index in indices
    ]
    return TermWeights(indices, values)


def to_query_weights(text: str) -> TermWeights:
    """A 1 for every term of a query."""
    indices = sorted({to_term_index(term) for term in iter_terms(text)})
    return TermWeights(indices, [1.0] * len(indices))


def iter_chunk_texts(chunk: Chunk) -> Iterator[str]:
    """What of a chunk is compared word by word."""
    yield from (chunk.text, chunk.title or "", chunk.caption or "", chunk.alt_text or "")
    yield from chunk.keywords
    yield chunk.ocr_text or ""


def iter_payload_texts(payload: Mapping[str, Any]) -> Iterator[str]:
    """The same, of a point's payload."""
    for field in WORD_FIELDS:
        said = payload.get(field) or ()
        yield from (said,) if isinstance(said, str) else said


def has_words(payload: Mapping[str, Any]) -> bool:
    """Whether a point can be found by its words at all; the others are compared by vector alone."""
    return any(_pattern().search(text) for text in iter_payload_texts(payload))


def _starts_unspaced(run: str) -> bool:
    return run[0] > "\u0dff" and _unspaced().match(run) is not None


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile(f"[{_UNSPACED}]")


@cache
def _pattern() -> re.Pattern[str]:
    """Runs of one kind: of a script without spaces, or of other letters, marks and digits."""
    marks = "".join(
        char for char in map(chr, range(0x300, 0x2100)) if unicodedata.category(char)[0] == "M"
    )
    return re.compile(rf"[{_UNSPACED}]+|(?:[^\W_{_UNSPACED}][{marks}]*)+")
