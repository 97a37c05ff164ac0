"""``diptych tag`` and ``diptych caption``: thin layers over :mod:`search.annotate`."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.index_options import index_options
from schemas.report import EXIT_ITEMS_FAILED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from schemas.settings import Settings
    from search.annotate.job import Tagged, Vocabulary
    from search.searcher import Searcher

    Command = Callable[..., Any]

_ANY_PATH = click.Path(path_type=Path)


def _collection_options(command: Command) -> Command:
    model = click.option("--model", help="Model id or folder.  [default: the collection's own]")
    return index_options(model(command))


@click.command()
@click.argument("images", nargs=-1, type=_ANY_PATH)
@click.option("--labels", required=True, type=_ANY_PATH, help="File with one label a line.")
@click.option(
    "--template",
    "templates",
    multiple=True,
    metavar="TEXT",
    help="Sentence that labels are put into, e.g. 'a photo of {}'. Repeat it: their vectors are "
    "averaged.  [default: the label alone, a photo of it, a picture of it]",
)
@click.option("--top", type=click.IntRange(1), help="Tags of an image at most.  [default: 3]")
@click.option(
    "--min-percentile",
    type=click.FloatRange(0, 99.99),
    help="Only labels that fit better than so many percent of neutral words.  [default: 99.9]",
)
@click.option("--where", multiple=True, metavar="EXPR", help="Of the collection only these images.")
@click.option("--out", type=_ANY_PATH, help="File for the JSON lines.  [default: standard output]")
@click.option("--write-payload", is_flag=True, help="Write the tags into the collection, too.")
@_collection_options
def tag(
    *,
    images: tuple[Path, ...],
    labels: Path,
    templates: tuple[str, ...],
    where: tuple[str, ...],
    out: Path | None,
    write_payload: bool,
    **asked: Any,  # noqa: ANN401 - by name
) -> int:
    """Say which of your labels fit which images: one JSON line an image.

    IMAGES are files and folders. Without them the images of the collection are tagged, by their
    vectors; nothing is read or decoded, and --write-payload makes the tags a field to search by:
    diptych search "..." --where tags=LABEL.
    """
    if images and (where or write_payload):
        raise click.UsageError("--where and --write-payload are for indexed images: leave IMAGES")
    vocabulary = _read_vocabulary(labels, templates, asked)
    settings = _load_settings(asked)
    with ExitStack() as stack:
        if not images:
            searcher = stack.enter_context(_open(settings, asked))
            tagged = _tag_collection(
                searcher, vocabulary, where, settings if write_payload else None
            )
        elif asked["collection"] is not None:
            searcher = stack.enter_context(_open(settings, asked))
            tagged = _tag_like_collection(images, vocabulary, settings, searcher)
        else:
            tagged = _tag_files(images, vocabulary, settings, asked["model"])
        stream = stack.enter_context(out.open("w", encoding="utf-8")) if out else sys.stdout
        failed = _write_lines(tagged, stream)
    return EXIT_ITEMS_FAILED if failed else 0


def _read_vocabulary(path: Path, templates: Sequence[str], asked: dict[str, Any]) -> Vocabulary:
    from search.annotate.job import Vocabulary
    from search.annotate.labels import DEFAULT_TEMPLATES, check_templates, read_labels
    from search.annotate.tagger import Rule

    given = {name: asked.pop(name) for name in ("top", "min_percentile")}
    rule = Rule(**{name: value for name, value in given.items() if value is not None})
    check_templates(templates or DEFAULT_TEMPLATES)
    return Vocabulary(read_labels(path), templates or DEFAULT_TEMPLATES, rule)


def _load_settings(asked: dict[str, Any]) -> Settings:
    from schemas.settings import load_settings

    return load_settings(url=asked["url"], collection=asked["collection"])


def _open(settings: Settings, asked: dict[str, Any]) -> Searcher:
    from search.searcher import Searcher

    return Searcher.open(settings=settings, model=asked["model"])


def _tag_files(
    images: Sequence[Path], vocabulary: Vocabulary, settings: Settings, model: str | None
) -> Iterator[Tagged]:
    """By a model alone."""
    from ingest.encoders.load import load_encoder
    from search.annotate.job import tag_photographs

    encoder = load_encoder(
        model or settings.model,
        revision=settings.revision,
        threads=settings.workers,
        backend=settings.backend,
        dtype=settings.dtype,
    )
    return tag_photographs(images, vocabulary, encoder, settings)


def _tag_like_collection(
    images: Sequence[Path], vocabulary: Vocabulary, settings: Settings, searcher: Searcher
) -> Iterator[Tagged]:
    """By a collection's model, its images being the typical ones."""
    from search.annotate.indexed import read_typical_images
    from search.annotate.job import tag_photographs

    typical = read_typical_images(searcher.engine, searcher.collection.name)
    return tag_photographs(images, vocabulary, searcher.encoder, settings, typical=typical)


def _tag_collection(
    searcher: Searcher, vocabulary: Vocabulary, where: Sequence[str], writing: Settings | None
) -> Iterator[Tagged]:
    from search.annotate.job import tag_collection
    from search.where import parse_where

    return tag_collection(
        searcher.engine,
        searcher.collection,
        vocabulary,
        searcher.encoder,
        where=parse_where(where),
        writing=writing,
    )


def _write_lines(tagged: Iterable[Tagged], stream: Any) -> int:  # noqa: ANN401 - a text stream
    """Write a line an image; gives how many failed."""
    images = having = failed = 0
    for one in tagged:
        stream.write(json.dumps(one.to_json(), ensure_ascii=False) + "\n")
        images += 1
        having += bool(one.tags)
        failed += one.error is not None
    click.echo(f"{images:,} images, {having:,} with tags, {failed:,} failed", err=True)
    return failed


@click.command()
@click.argument("image", type=_ANY_PATH)
@click.option("--top-k", type=click.IntRange(1, 10_000), default=5, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@_collection_options
def caption(*, image: Path, top_k: int, as_json: bool, **asked: Any) -> None:  # noqa: ANN401 - by name
    """Describe a photograph by the nearest captions of the collection.

    Where the collection has no captions, by its nearest passages.
    """
    from search.annotate.captions import find_captions
    from search.table import to_table

    with _open(_load_settings(asked), asked) as searcher:
        page = find_captions(searcher, image, top_k=top_k)
    width = shutil.get_terminal_size((100, 24)).columns
    click.echo(json.dumps(page.to_json(), indent=2) if as_json else to_table(page, width=width))
