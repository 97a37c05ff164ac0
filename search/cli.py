"""``diptych search``: a thin layer over :class:`search.searcher.Searcher`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.index_options import index_options
from search.asked import pop_composition, query_options
from search.options import DATES, EXACT, NEWEST_FIRST

if TYPE_CHECKING:
    from schemas.query import Composition, Page
    from search.sheet import Look


def to_collapse(value: str) -> str | float:
    """What the option of the same name takes: ``exact``, True for ``near``, or a cosine."""
    if value in (EXACT, "near"):
        return value == "near" or value
    try:
        return float(value)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is not exact, near or a cosine", param_hint="--collapse"
        ) from None


@click.command()
@query_options
@click.option(
    "--target",
    type=click.Choice(["image", "text", "any"]),
    default="any",
    show_default=True,
    help="What to look for.",
)
@click.option(
    "--where",
    multiple=True,
    metavar="EXPR",
    help="Only what meets it: 'taken_at >= 2024-05 and (keywords = sea or not title ~ moon)', "
    "'near(48.1, 11.5, 10km)', metadata.author=Ann. Repeat it for more; all must hold.",
)
@click.option("--top-k", type=click.IntRange(1, 10_000), help="Hits at most.  [default: 10]")
@click.option(
    "--min-percentile",
    type=click.FloatRange(0, 99.99),
    help="Only what is nearer than so many percent of unrelated items.",
)
@click.option("--passages", type=click.IntRange(1, 100), help="Best passages of each document.")
@click.option("--all-chunks", is_flag=True, help="Every passage of a document, not its best one.")
@click.option(
    "--collapse",
    type=to_collapse,
    metavar="HOW",
    help="One hit for near-duplicates: exact (the same content), near, or a cosine to 1.",
)
@click.option(
    "--diversity",
    type=click.FloatRange(0, 1),
    help="How much hits should differ from each other, 0 to 1.",
)
@click.option(
    "--sort",
    type=click.Choice([sign + name for name in DATES for sign in ("", NEWEST_FIRST)]),
    help="The nearest by date, with a minus newest first; best with --min-percentile.",
)
@click.option(
    "--pool",
    type=click.IntRange(1, 10_000),
    help="How many of the nearest are collapsed, reranked, spread or sorted.  [default: 200]",
)
@click.option("--highlights", is_flag=True, help="Say which sentence of a passage matched.")
@click.option("--hybrid", is_flag=True, help="Compare the words of TEXT as well: names, numbers.")
@click.option(
    "--rerank",
    metavar="MODEL",
    help="Order the nearest anew by a cross-encoder: a folder, or owner/name@commit.",
)
@click.option("--explain", is_flag=True, help="Say how the scores came about.")
@click.option("--cursor", metavar="TEXT", help="Continue: next_cursor of the answer before.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Also draw the hits: a .png file.")
@index_options
@click.option("--model", help="Model id or folder.  [default: the collection's own]")
def search(*, sheet: Path | None, as_json: bool, **asked: Any) -> None:  # noqa: ANN401 - by name
    """Find images and documents by TEXT, by a photograph, by something indexed, or by all of them.

    TEXT is always words, never a path; give a photograph with --image. What is given together is
    one query: --image beach.jpg "at night" --not "people".
    """
    query = pop_composition(asked)
    page = _answer(query, asked, sheet)
    click.echo(json.dumps(page.to_json(), indent=2) if as_json else _to_shown(page))


def _answer(query: Composition, asked: dict[str, Any], sheet: Path | None) -> Page:
    from schemas.settings import load_settings
    from search.searcher import Searcher
    from search.thumbnail import to_look
    from search.where import parse_where

    model = asked.pop("model")
    flags = {name: asked.pop(name) for name in ("url", "collection", "top_k")}
    settings = load_settings(**flags)
    options = {name: value for name, value in asked.items() if value is not None}
    options["where"] = parse_where(options["where"])
    with Searcher.open(settings=settings, model=model) as searcher:
        page = searcher.search(query, top_k=settings.top_k, **options)
        if sheet is not None:
            _draw(page, query, sheet, to_look(searcher.engine, page.collection, settings))
    return page


def _draw(page: Page, query: Composition, path: Path, look: Look) -> None:
    from search.sheet import write_sheet

    write_sheet(page, query, path, look=look)
    # Not among the answer, so that --json stays JSON.
    click.echo(f"wrote {path}", err=True)


def _to_shown(page: Page) -> str:
    from search.table import to_table

    return to_table(page, width=shutil.get_terminal_size((100, 24)).columns)
