r"""``--where`` on the command line -> conditions.

::

    taken_at >= 2024-05-01 and (keywords in (cat, dog) or not title ~ "the moon")
    near(48.1, 11.5, 10km) and media_type = image/png, image/jpeg
    title prefix "The " and page exists
    metadata.author=Ann

A condition alone may also be written ``FIELD=VALUE`` without quotes, the value being all the rest:
``title=Cats and dogs``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from search.where_grammar import parse_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.conditions import Expression


def parse_where(sentences: Iterable[str]) -> tuple[Expression, ...]:
    """The expression of each sentence; all of them must hold.

    Values take the type of the field's index. A field of the user's own has no known type, so a
    value without quotes that reads as a number or as ``true``/``false`` matches both the text and
    the value.

    Raises:
        UnknownField: A field is neither indexed nor ``metadata.NAME``.
        QueryError: A sentence is not understood, or a value does not fit its field; says at which
            column.
    """
    return tuple(map(parse_sentence, sentences))
