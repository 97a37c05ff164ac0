"""``diptych evaluate``: a thin layer over :func:`search.evaluate.evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.index_options import index_options
from schemas.evaluation import Direction

if TYPE_CHECKING:
    from schemas.evaluation import EvaluationReport

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--pairs", type=_FILE, help="Images with their texts, as JSON lines.")
@click.option("--qrels", type=_FILE, help="What is right for each query, in TREC form.")
@click.option(
    "--queries", type=_FILE, help="The queries of --qrels: id, tab, words; or JSON lines."
)
@click.option("--most", type=click.IntRange(1), help="Ask about so many images, drawn by lot.")
@click.option(
    "--direction",
    "directions",
    multiple=True,
    type=click.Choice([str(one) for one in Direction]),
    help="Only this one.  [default: all that there is something to find in]",
)
@click.option("--measure", "measures", multiple=True, metavar="NAME", help="Instead of the usual.")
@click.option("--slice", "slices", multiple=True, metavar="FIELD", help="Also by this field.")
@click.option(
    "--depth", type=click.IntRange(1), default=100, show_default=True, help="Hits judged."
)
@click.option(
    "--min",
    "floors",
    multiple=True,
    metavar="[DIRECTION:]MEASURE=NUMBER",
    help="Exit with status 4 if it is less: recall@10=0.6, text->image:mrr=0.3.",
)
@click.option("--skip-missing", is_flag=True, help="Leave out right items that are not indexed.")
@click.option("--where", multiple=True, metavar="EXPR", help="Search only among what meets it.")
@click.option("--rerank", metavar="MODEL", help="Let a second model order what words find.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Of every search.")
@click.option("--against", metavar="NAME", help="Compare: a collection, or a saved report's file.")
@click.option(
    "--against-option",
    "against_options",
    multiple=True,
    metavar="NAME=VALUE",
    help="Compare with a search that has this option instead.",
)
@click.option("--gallery", type=_FILE, help="Draw the worst misses: a .png file.")
@click.option("--json", "json_file", type=_FILE, help="Save the report; - prints it instead.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all lots.")
@index_options
@click.option("--model", help="Model id or folder.  [default: the collection's own]")
def evaluate(*, gallery: Path | None, json_file: Path | None, **asked: Any) -> int:  # noqa: ANN401 - click's
    """Measure how well a collection answers, with intervals.

    The questions come from --pairs, or from --qrels and --queries, or else from the collection
    itself: captions must find their images, and images their captions. Each is asked in every
    direction in which it has something to find.
    """
    from search.evaluate.request import EvaluationRequest

    if json_file is not None and not json_file.parent.is_dir():
        raise click.BadParameter(f"there is no folder {json_file.parent}", param_hint="--json")
    request = EvaluationRequest.read(**asked)
    report = request.run(gallery=gallery)
    if gallery is not None:
        click.echo(f"wrote {gallery}", err=True)
    _show(report, json_file)
    return report.exit_code


def _show(report: EvaluationReport, json_file: Path | None) -> None:
    from search.evaluate.table import to_evaluation_table

    written = json.dumps(report.to_json(), indent=2)
    if json_file == Path("-"):
        click.echo(written)
        return
    if json_file is not None:
        json_file.write_text(f"{written}\n", encoding="utf-8")
    click.echo(to_evaluation_table(report))
