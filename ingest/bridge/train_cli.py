"""``diptych bridge train``: a thin layer over :func:`ingest.bridge.train_bridge`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ingest.encoders.catalogue import HINGE_MODEL_ID
from ingest.logs import log_options

if TYPE_CHECKING:
    from collections.abc import Iterable

_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_MAPS: Final = ("linear", "residual", "mlp")


@click.command()
@click.option("--pairs", type=_FILE, required=True, help="Images with their texts, as JSON lines.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder that becomes the bridge.",
)
@click.option(
    "--image-encoder", default=HINGE_MODEL_ID, show_default=True, help="Model id or folder."
)
@click.option("--text-encoder", help="Model id or folder.  [default: the image encoder]")
@click.option("--image-revision", help="Exact revision of a Hugging Face model.")
@click.option("--text-revision", help="Likewise.")
@click.option("--backend", help="What runs the encoders: torch, onnx or openvino.")
@click.option("--dtype", help="Their arithmetic: float32, bfloat16, float16 or int8.")
@click.option("--map", "image_map", type=click.Choice(_MAPS), help="Of images.  [default: linear]")
@click.option(
    "--text-map",
    type=click.Choice(("none", *_MAPS)),
    help="Of texts.  [default: linear on own vectors, else none]",
)
@click.option(
    "--objective",
    type=click.Choice(["infonce", "triplet", "ridge", "cca"]),
    help="What training aims at.  [default: ridge for few pairs, else infonce]",
)
@click.option(
    "--base",
    type=click.Choice(["none", "own", "conse"]),
    help="What the map corrects.  [default: the encoder's own vectors where it is one model; else "
    "ConSE where the image encoder has classes; else nothing]",
)
@click.option("--base-weight", type=float, help="Of ConSE, against the map.")
@click.option("--hidden", type=click.IntRange(1), help="Width of a hidden layer.")
@click.option("--dimension", type=click.IntRange(1), help="Of the space, for cca.")
@click.option("--hard-negatives", type=click.IntRange(0), help="Of each pair; 0 takes none.")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the pairs, at most.")
@click.option("--patience", type=click.IntRange(0), help="Epochs without a better recall.")
@click.option("--batch", type=click.IntRange(2), help="Pairs a step.")
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), help="At the start.")
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), help="Of features.")
@click.option("--temperature", type=click.FloatRange(0, min_open=True), help="Of infonce.")
@click.option("--margin", type=click.FloatRange(0), help="Of triplet, in cosine.")
@click.option("--ridge", type=click.FloatRange(0), help="Regularisation of ridge and cca.")
@click.option("--members", type=click.IntRange(1), help="Trainings that are averaged.")
@click.option("--seed", type=click.IntRange(0), help="Of the split and the training.  [default: 0]")
@click.option(
    "--validation",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.2,
    show_default=True,
    help="Share of the images that chooses the epoch.",
)
@click.option("--validation-pairs", type=_FILE, help="A file of such pairs instead.")
@click.option("--test-pairs", type=_FILE, help="Pairs that are only measured.")
@click.option("--general", type=_FILE, help="Pairs from outside, of which little may be forgotten.")
@click.option(
    "--forgetting",
    type=click.FloatRange(0, 1),
    default=0.02,
    show_default=True,
    help="Recall@10 that may be lost on them.",
)
@click.option(
    "--gate/--no-gate", default=True, help="Let half of them teach what is outside (default)."
)
@click.option("--data-licence", metavar="SPDX", help="Of the pairs, for the card.")
@click.option("--name", help="Title of the card.  [default: the folder's name]")
@click.option("--resume/--fresh", default=True, help="Go on where it was interrupted (default).")
@click.option("--cache/--no-cache", default=True, help="Keep what the encoders say (default).")
@click.option("--force", is_flag=True, help="Replace a bridge that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@log_options
def train(
    pairs: Path,
    output: Path,
    *,
    image_encoder: str,
    text_encoder: str | None,
    resume: bool,
    as_json: bool,
    **given: Any,  # noqa: ANN401 - click's
) -> int:
    """Learn one space for an image encoder and a text encoder from pairs.

    A line of the pairs is {"image": "dogs/17.jpg", "text": "a dog"}. Both encoders stay as they
    are; what is learned is a small map between them. The report says what is found before and
    after, and which direction got better or worse. A training that is interrupted goes on when the
    command is repeated.
    """
    from ingest.bridge.job import train_bridge
    from ingest.bridge.options import BridgeOptions
    from ingest.bridge.report_table import to_bridge_table

    options = BridgeOptions(fresh=not resume, **_take(given, _OPTIONS))
    report = train_bridge(
        pairs,
        output,
        image_encoder=image_encoder,
        text_encoder=text_encoder,
        recipe=_to_recipe(given),
        options=options,
    )
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    else:
        click.echo(to_bridge_table(report))
    return report.exit_code


_OPTIONS: Final = (
    "validation",
    "validation_pairs",
    "test_pairs",
    "general",
    "forgetting",
    "gate",
    "data_licence",
    "name",
    "image_revision",
    "text_revision",
    "backend",
    "dtype",
    "cache",
    "force",
)
"""What is no part of the recipe."""


def _take(given: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: given.pop(name) for name in names}


def _to_recipe(given: dict[str, Any]) -> dict[str, Any]:
    """The fields that were asked for, in the recipe's own types."""
    from ingest.encoders.bridge.recipe import MapKind, Objective
    from ingest.encoders.bridge.side import Base

    kinds = {"image_map": MapKind, "text_map": MapKind, "objective": Objective, "base": Base}
    return {
        name: kinds[name](value) if name in kinds else value
        for name, value in given.items()
        if value is not None
    }
