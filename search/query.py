"""A query -> one unit vector in the encoder's space."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from ingest.decode.characters import to_normal_text
from schemas.errors import EmptyQuery, InvalidVector, QueryError, UnsupportedModality
from schemas.records import Modality
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ingest.decode.limits import Limits
    from schemas.query import ImageSource, Query
    from schemas.space import Encoder

WINDOWS_AT_ONCE = 16
"""Windows of a long text that are encoded in one call."""

_MIN_NORM = 1e-6


def encode_query(
    query: Query, encoder: Encoder, *, limits: Limits | None = None
) -> NDArray[np.float32]:
    """The query's vector: shape ``(dimension,)``, float32, finite, of unit L2 norm.

    A text longer than the encoder's window is not cut: it is halved until every piece fits, and
    the pieces' vectors are averaged and scaled back to unit length. An image goes through the
    same decode policy as at indexing.

    Raises:
        EmptyQuery: The text has nothing that the encoder's tokenizer knows as a token.
        QueryError: The text is not valid Unicode.
        UnsupportedModality: The encoder does not encode the query's modality.
        SourceError: The image cannot be read or decoded; a path is named.
        InvalidVector: The encoder gave no usable vector.
    """
    if query.text is not None:
        return encode_texts([query.text], encoder)[0]
    assert query.image is not None  # noqa: S101 - an indexed item needs no encoder
    _check_modality(Modality.IMAGE, encoder)
    return _encode_image(query.image, encoder, limits)


def encode_texts(texts: Sequence[str], encoder: Encoder) -> list[NDArray[np.float32]]:
    """The vector of each text, as :func:`encode_query` gives it; short ones are encoded together.

    Raises:
        DiptychError: As there; the message names no text, since they are the caller's own.
    """
    if texts:
        _check_modality(Modality.TEXT, encoder)
    valid = [_to_valid_text(text) for text in texts]
    is_short = [0 < len(encoder.token_spans(text)) <= encoder.space.window_tokens for text in valid]
    short = [text for text, is_one in zip(valid, is_short, strict=True) if is_one]
    rows = chain.from_iterable(
        encoder.encode_texts(short[start : start + WINDOWS_AT_ONCE], Role.QUERY)
        for start in range(0, len(short), WINDOWS_AT_ONCE)
    )
    return [
        np.asarray(next(rows), dtype=np.float32) if is_one else _encode_long(text, encoder)
        for text, is_one in zip(valid, is_short, strict=True)
    ]


def iter_windows(text: str, encoder: Encoder) -> Iterator[str]:
    """Pieces of at most ``window_tokens`` tokens that together are the text, in order.

    Halving gives pieces of similar length, so that each deserves the same weight in a mean. Each
    piece is counted again by itself: a word cut in two may have more tokens than before.
    """
    spans = encoder.token_spans(text)
    if len(spans) <= encoder.space.window_tokens or len(text) == 1:
        if spans:
            yield text
        return
    cut = _middle(text, [start for start, _ in spans])
    yield from iter_windows(text[:cut], encoder)
    yield from iter_windows(text[cut:], encoder)


def _check_modality(modality: Modality, encoder: Encoder) -> None:
    if modality not in encoder.space.modalities:
        raise UnsupportedModality(
            f"{encoder.space.model_id} encodes no {modality}s, so it cannot search with one"
        )


def _encode_long(text: str, encoder: Encoder) -> NDArray[np.float32]:
    """The mean of the vectors of a text's windows."""
    windows = iter_windows(text, encoder)
    total = np.zeros(encoder.space.dimension, dtype=np.float64)
    count = 0
    while pieces := list(islice(windows, WINDOWS_AT_ONCE)):
        vectors = encoder.encode_texts(pieces, Role.QUERY)
        total += vectors.sum(axis=0, dtype=np.float64)
        count += len(pieces)
    if not count:
        raise EmptyQuery("the query text has no word that the model knows; use other words")
    return _to_unit(total / count)


def _encode_image(
    image: ImageSource, encoder: Encoder, limits: Limits | None
) -> NDArray[np.float32]:
    from search.photograph import open_photograph

    pixels = open_photograph(image, limits=limits, side_pixels=encoder.space.image_size_pixels)
    return np.asarray(encoder.encode_images([pixels])[0], dtype=np.float32)


def _to_valid_text(text: str) -> str:
    """As documents are normalised, except that nothing is replaced in what someone typed."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise QueryError(
            f"the query text is not valid Unicode at character {error.start + 1}; give it as UTF-8"
        ) from None
    return to_normal_text(text)


def _middle(text: str, starts: list[int]) -> int:
    """Where to halve: the beginning of the word nearest to the middle, else of the token."""
    inner = [start for start in starts if start > 0] or [len(text) // 2]
    words = [start for start in inner if text[start - 1].isspace()]
    return min(words or inner, key=lambda start: abs(start - len(text) // 2))


def _to_unit(mean: NDArray[np.float64]) -> NDArray[np.float32]:
    norm = float(np.linalg.norm(mean))
    if not norm > _MIN_NORM:  # also when it is NaN
        raise InvalidVector("the parts of the query text cancel each other; ask a shorter one")
    return (mean / norm).astype(np.float32)
