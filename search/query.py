"""A query -> one unit vector in the encoder's space."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ingest.decode.characters import to_normal_text
from schemas.errors import EmptyQuery, InvalidVector, QueryError, UnsupportedModality
from schemas.query import Query
from schemas.space import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from PIL.Image import Image

    from ingest.decode.limits import Limits
    from schemas.query import ImageSource
    from schemas.space import Encoder

    QueryLike: TypeAlias = "str | Path | bytes | Image | Query"
    """What one may search with: a ``str`` is always words, never a path."""

WINDOWS_AT_ONCE = 16
"""Windows of a long text that are encoded in one call."""

_MIN_NORM = 1e-6


def to_query(query: QueryLike) -> Query:
    """The query that a plain value stands for.

    A ``str`` is a text, whatever it looks like; a ``Path``, bytes or a Pillow image is an image.

    Raises:
        EmptyQuery: It is blank.
        QueryError: It is something else.
    """
    if isinstance(query, Query):
        return query
    if isinstance(query, str):
        return Query(text=query)
    if isinstance(query, Path | bytes) or _is_pillow_image(query):
        return Query(image=query)
    raise QueryError(
        f"cannot search with a {type(query).__name__}; give a text (str), or an image as a "
        "pathlib.Path, bytes or a Pillow image"
    )


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
    if query.modality not in encoder.space.modalities:
        raise UnsupportedModality(
            f"{encoder.space.model_id} encodes no {query.modality}s, so it cannot search with one"
        )
    if query.text is not None:
        return _encode_text(query.text, encoder)
    assert query.image is not None  # noqa: S101 - a Query holds exactly one of the two
    return _encode_image(query.image, encoder, limits)


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


def _encode_text(text: str, encoder: Encoder) -> NDArray[np.float32]:
    windows = iter_windows(_to_valid_text(text), encoder)
    total = np.zeros(encoder.space.dimension, dtype=np.float64)
    count = 0
    while pieces := list(islice(windows, WINDOWS_AT_ONCE)):
        vectors = encoder.encode_texts(pieces, Role.QUERY)
        if not count and len(pieces) == 1:
            # No second rounding for the usual query of one window.
            return np.asarray(vectors[0], dtype=np.float32)
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


def _is_pillow_image(query: object) -> bool:
    """Without importing Pillow for a text: whoever has an image has imported it."""
    import sys

    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(query, pillow.Image)
