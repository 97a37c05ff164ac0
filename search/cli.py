"""``diptych search``: a thin layer over :class:`search.searcher.Searcher`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from schemas.query import Page, Query


@click.command()
@click.argument("text", required=False)
@click.option("--image", type=click.Path(path_type=Path), help="Search with this photograph.")
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
    help="Only what meets it: field=value, field=a,b, field>=3, taken_at<2024-01-01, "
    "metadata.author=Ann. Repeat it for more; all must hold.",
)
@click.option("--top-k", type=click.IntRange(1, 10_000), help="Hits at most.  [default: 10]")
@click.option("--all-chunks", is_flag=True, help="Every passage of a document, not its best one.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Also draw the hits: a .png file.")
@click.option("--url", help="Server, or folder of an embedded index.  [default: diptych-index]")
@click.option("--collection", help="Collection in the index.  [default: diptych]")
@click.option("--model", help="Model id or folder.  [default: the collection's own]")
def search(
    text: str | None,
    image: Path | None,
    target: str,
    where: tuple[str, ...],
    sheet: Path | None,
    *,
    all_chunks: bool,
    as_json: bool,
    **flags: str | int | None,
) -> None:
    """Find images and documents by TEXT or by a photograph.

    TEXT is always words, never a path; give a photograph with --image.
    """
    from schemas.query import Query

    query = Query(text=text, image=image)
    page = _answer(query, target=target, where=where, all_chunks=all_chunks, flags=flags)
    if sheet is not None:
        _draw(page, query, sheet)
    click.echo(json.dumps(page.to_json(), indent=2) if as_json else _to_shown(page))


def _answer(
    query: Query,
    *,
    target: str,
    where: tuple[str, ...],
    all_chunks: bool,
    flags: dict[str, str | int | None],
) -> Page:
    from schemas.settings import load_settings
    from search.searcher import Searcher
    from search.where import parse_where

    conditions = parse_where(where)
    model = flags.pop("model")
    settings = load_settings(**flags)
    with Searcher.open(settings=settings, model=None if model is None else str(model)) as searcher:
        return searcher.search(
            query,
            target=target,
            where=conditions,
            top_k=settings.top_k,
            all_chunks=all_chunks,
        )


def _draw(page: Page, query: Query, path: Path) -> None:
    from search.sheet import write_sheet

    write_sheet(page, query, path)
    # Not among the answer, so that --json stays JSON.
    click.echo(f"wrote {path}", err=True)


def _to_shown(page: Page) -> str:
    from search.table import to_table

    return to_table(page, width=shutil.get_terminal_size((100, 24)).columns)
