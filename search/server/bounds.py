"""How much one request may have encoded, whatever it is split into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.query import Composition

MOST_CHARACTERS: Final = 8_000
"""Of all texts of a request: about two seconds of a processor at worst, and nobody types more."""

MOST_IMAGES: Final = 16
"""Of a request: about half a second."""


def check_amount(queries: Iterable[Composition]) -> None:
    """Refuse what would keep the encoder for long.

    Args:
        queries: All of one request.

    Raises:
        QueryError: There are too many characters or images.
    """
    parts = [term.query for query in queries for term in query.terms]
    characters = sum(len(one.text or "") for one in parts)
    if characters > MOST_CHARACTERS:
        raise QueryError(
            f"the texts of a request have at most {MOST_CHARACTERS:,} characters together, not "
            f"{characters:,}: ask in several requests"
        )
    images = sum(one.image is not None for one in parts)
    if images > MOST_IMAGES:
        raise QueryError(
            f"a request has at most {MOST_IMAGES} images, not {images:,}: ask in several requests"
        )
