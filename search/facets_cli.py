"""``diptych facets``: a thin layer over :meth:`search.searcher.Searcher.facets`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ingest.index_options import index_options

if TYPE_CHECKING:
    from search.facets import Facets


@click.command()
@click.argument("field")
@click.option(
    "--target",
    type=click.Choice(["image", "text", "any"]),
    default="any",
    show_default=True,
    help="What to count.",
)
@click.option("--where", multiple=True, metavar="EXPR", help="Only what meets it, as in search.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=10, show_default=True, help="Values at most."
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@index_options
def facets(field: str, *, where: tuple[str, ...], as_json: bool, **asked: Any) -> None:  # noqa: ANN401 - by name
    """Count the values of FIELD: media_type, keywords, taken_at (by year), metadata.author.

    Counted are points: images, and passages of documents. Items are counted by
    --where chunk_ordinal=0, since each has one first point.
    """
    from search.where import parse_where

    flags = {name: asked.pop(name) for name in ("url", "collection")}
    found = _count(field, flags, where=parse_where(where), **asked)
    click.echo(json.dumps(found.to_json(), indent=2) if as_json else _to_shown(found))


def _count(field: str, flags: dict[str, Any], **asked: Any) -> Facets:  # noqa: ANN401 - likewise
    from ingest.store.collections import resolve_collection
    from ingest.store.connect import open_store
    from schemas.settings import load_settings
    from search.facets import FacetRequest

    request, settings = FacetRequest(field, **asked), load_settings(**flags)
    with open_store(settings) as engine:
        # Without a searcher: counting needs no model.
        return request.count(engine, resolve_collection(engine, settings.collection).name)


def _to_shown(found: Facets) -> str:
    if not found.values:
        return f"No point of {found.collection} has a value in {found.field} that meets this."
    width = max(len(f"{one.count:,}") for one in found.values)
    return "\n".join(f"{one.count:>{width},}  {_to_word(one.value)}" for one in found.values)


def _to_word(value: object) -> str:
    """As a condition takes it."""
    from search.table import to_printable

    return str(value).lower() if isinstance(value, bool) else to_printable(str(value))
