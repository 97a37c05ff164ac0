"""The command line's query: words, photographs and indexed items, with weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from schemas.errors import EmptyQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from schemas.query import Composition, Query

    Command = Callable[..., Any]

KINDS: Final = ("text", "image", "like", "not")
"""What a weight may be given to; ``not`` stands for all that is not wanted."""


def query_options(command: Command) -> Command:
    """The options that make a query, for every command that searches."""
    path = click.Path()
    for decorate in reversed(
        [
            click.argument("text", required=False),
            click.option("--image", multiple=True, type=path, help="Search with this photograph."),
            click.option(
                "--like",
                multiple=True,
                metavar="ITEM",
                help="Search with something indexed: a hit's source_uri or point_id.",
            ),
            click.option("--not", "not_text", multiple=True, metavar="TEXT", help="But not this."),
            click.option("--not-image", multiple=True, type=path, help="But not this photograph."),
            click.option("--not-like", multiple=True, metavar="ITEM", help="But not this item."),
            click.option(
                "--thumbs-up",
                multiple=True,
                metavar="ITEM",
                help="A hit of the answer before that was right: more of its kind.",
            ),
            click.option(
                "--thumbs-down", multiple=True, metavar="ITEM", help="One that was wrong."
            ),
            click.option(
                "--weight",
                multiple=True,
                metavar="KIND=NUMBER",
                help="How much a part counts: text, image, like or not.  [default: 1 each]",
            ),
        ]
    ):
        command = decorate(command)
    return command


def pop_composition(asked: dict[str, Any]) -> Composition:
    """The composition that the options stand for; they are taken out of ``asked``.

    Raises:
        EmptyQuery: Nothing is asked for.
        QueryError: An item was both right and wrong.
        BadParameter: A weight cannot be read.
    """
    from schemas.query import Composition, Term

    liked, disliked = asked.pop("thumbs_up"), asked.pop("thumbs_down")
    weights = _read_weights(asked.pop("weight"))
    text: str | None = asked.pop("text")
    wanted: dict[str, Sequence[Query]] = {
        "text": [] if text is None else [_to_query(text=text)],
        "image": [_to_query(image=_to_path(one)) for one in asked.pop("image")],
        "like": [_to_query(item=one) for one in asked.pop("like")],
    }
    unwanted = [
        *(_to_query(text=one) for one in asked.pop("not_text")),
        *(_to_query(image=_to_path(one)) for one in asked.pop("not_image")),
        *(_to_query(item=one) for one in asked.pop("not_like")),
    ]
    terms = [Term(query, weights[kind]) for kind, query in _iter_all(wanted)]
    if not terms:
        raise EmptyQuery("nothing is looked for: give words, --image PATH or --like ITEM")
    query = Composition((*terms, *(Term(query, -weights["not"]) for query in unwanted)))
    if not liked and not disliked:
        return query
    from search.feedback import refine

    return refine(query, liked, disliked)


def _iter_all(wanted: Mapping[str, Sequence[Query]]) -> Iterator[tuple[str, Query]]:
    return ((kind, query) for kind, queries in wanted.items() for query in queries)


def _to_query(**content: Any) -> Query:  # noqa: ANN401 - of any kind
    from schemas.query import Query

    return Query(**content)


def _to_path(name: str) -> Path:
    from pathlib import Path

    return Path(name)


def _read_weights(given: Sequence[str]) -> dict[str, float]:
    """Weight by kind, all above 0: what is not wanted is subtracted anyway."""
    weights = dict.fromkeys(KINDS, 1.0)
    for one in given:
        kind, _, number = one.partition("=")
        weight = _to_number(number)
        if kind not in weights or not 0 < weight < float("inf"):
            raise click.BadParameter(
                f"{one!r} is not KIND=NUMBER, with a number above 0; kinds: {', '.join(KINDS)}",
                param_hint="--weight",
            )
        weights[kind] = weight
    return weights


def _to_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
