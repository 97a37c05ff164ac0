"""A query of any kind -> one unit vector, and what is known of it besides."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from schemas.errors import InvalidVector, QueryError
from schemas.query import Composition, Query, Term
from schemas.records import Modality
from search.each import OF_ONE_QUERY, for_each
from search.indexed_item import read_item
from search.query import encode_query, encode_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image

    from ingest.decode.limits import Limits
    from ingest.store.engine import Engine
    from search.generation import Generation

    QueryLike: TypeAlias = "str | Path | bytes | Image | Query | Composition"
    """What one may search with: a ``str`` is always words, never a path."""

    Floats = NDArray[np.float32]

_MIN_NORM = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A term of a composition with its vector.

    Attributes:
        term: As it was asked.
        vector: Unit length, of the term without its weight.
        modality: What was encoded, or what the indexed item is.
        source_uri: Of an indexed item.
    """

    term: Term
    vector: Floats
    modality: Modality
    source_uri: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """Where a query points.

    Attributes:
        vector: Shape ``(dimension,)``, float32, unit length.
        parts: What it is made of.
    """

    vector: Floats
    parts: tuple[Part, ...]

    @property
    def modality(self) -> Modality:
        """That of the first part that is looked for."""
        return next(part.modality for part in self.parts if part.term.weight > 0)

    @property
    def text(self) -> str | None:
        """All words that are looked for."""
        wanted = [part.term.query.text for part in self.parts if part.term.weight > 0]
        return " ".join(text for text in wanted if text) or None

    @property
    def own_uris(self) -> tuple[str, ...]:
        """The indexed items it is made of, which are no answers to it."""
        return tuple(part.source_uri for part in self.parts if part.source_uri is not None)


def to_composition(query: QueryLike) -> Composition:
    """The composition that a value stands for.

    A ``str`` is a text, whatever it looks like; a ``Path``, bytes or a Pillow image is an image.

    Raises:
        EmptyQuery: It is blank.
        QueryError: It is something else, or nothing in it is looked for.
    """
    if not isinstance(query, Composition):
        return Composition((Term(to_query(query)),))
    if not any(term.weight > 0 for term in query.terms):
        raise QueryError("nothing is looked for: give a part with a weight above 0")
    return query


def to_query(query: str | Path | bytes | Image | Query) -> Query:
    """The query that a plain value stands for; see :func:`to_composition`."""
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


def to_aims(
    queries: Sequence[Composition],
    engine: Engine,
    generation: Generation,
    *,
    limits: Limits | None = None,
) -> list[Aim]:
    """Where each query points; all their texts are encoded together.

    Args:
        queries: In order.
        engine: Where indexed items are looked up.
        generation: In which; its encoder encodes everything else.
        limits: Over which an image is refused; None for the defaults.

    Raises:
        QueryError: An indexed item is not in the collection, or a text is no valid Unicode. This
            error and those below have the number of the query, where there are several.
        EmptyQuery: A text has nothing that the encoder's tokenizer knows as a token.
        UnsupportedModality: The encoder does not encode a query's modality.
        SourceError: An image cannot be read or decoded; a path is named.
        InvalidVector: The parts of a query cancel each other.
    """
    try:
        return _to_aims(queries, engine, generation, limits)
    except OF_ONE_QUERY:
        if len(queries) > 1:  # one by one, so that the error says which of them it is about
            for_each(lambda query: _to_aims([query], engine, generation, limits), queries)
        raise


def _to_aims(
    queries: Sequence[Composition],
    engine: Engine,
    generation: Generation,
    limits: Limits | None,
) -> list[Aim]:
    encoder = generation.encoder
    texts = [t.query.text for query in queries for t in query.terms if t.query.text is not None]
    of_texts = iter(encode_texts(texts, encoder))

    def to_part(term: Term) -> Part:
        if term.query.item is not None:
            item = read_item(engine, generation.collection.name, term.query.item)
            return Part(term, item.vector, item.modality, item.source_uri)
        if term.query.text is not None:
            return Part(term, next(of_texts), Modality.TEXT)
        return Part(term, encode_query(term.query, encoder, limits=limits), Modality.IMAGE)

    return [_to_aim([to_part(term) for term in query.terms]) for query in queries]


def _to_aim(parts: Sequence[Part]) -> Aim:
    if len(parts) == 1 and parts[0].term.weight > 0:
        return Aim(parts[0].vector, tuple(parts))  # no second rounding
    weights = np.array([part.term.weight for part in parts])
    total = weights @ np.stack([part.vector for part in parts]).astype(np.float64)
    norm = float(np.linalg.norm(total))
    if not norm > _MIN_NORM * float(np.abs(weights).sum()):  # also if it is NaN
        raise InvalidVector("the parts of the query cancel each other; change a weight")
    return Aim((total / norm).astype(np.float32), tuple(parts))


def _is_pillow_image(query: object) -> bool:
    """Without importing Pillow for a text: whoever has an image has imported it."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(query, pillow.Image)
