"""``diptych bridge zero-shot``: a thin layer over :func:`ingest.bridge.zero_shot`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from ingest.logs import log_options

_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@click.command("zero-shot")
@click.option(
    "--labels",
    type=_FILE,
    required=True,
    help="Classes with what says what they are, as JSON lines; or names alone, one a line.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder that becomes the bridge.",
)
@click.option(
    "--image-encoder",
    help="An image classifier: hinge-en-2, or the folder or id of a Hugging Face model.  "
    "[default: hinge-en-2]",
)
@click.option(
    "--text-encoder",
    help="Model id or folder.  [default: the image encoder if it reads texts, else hinge-en-2]",
)
@click.option("--image-revision", help="Exact revision of a Hugging Face model.")
@click.option("--text-revision", help="Likewise.")
@click.option(
    "--method",
    type=click.Choice(["conse", "devise"]),
    help="The mean of an image's likely classes, or a linear map of its features.  "
    "[default: conse]",
)
@click.option(
    "--on-conse/--alone",
    default=None,
    help="Whether the map corrects ConSE (default) or stands alone.",
)
@click.option("--images", type=_FILE, help="Labelled images, as JSON lines, for devise.")
@click.option(
    "--objective",
    type=click.Choice(["ridge", "ranking"]),
    help="What the map is fitted by, of images.  [default: ridge]",
)
@click.option("--temperature", type=float, help="What ConSE divides logits by.  [default: 2]")
@click.option("--top-k", "most_classes", type=click.IntRange(1), help="Classes of an image.")
@click.option("--base-weight", type=click.FloatRange(0), help="Of ConSE, without images.")
@click.option(
    "--template",
    "templates",
    multiple=True,
    metavar="TEXT",
    help="Sentence that names are put into, e.g. 'a photo of {}'. Repeat it: their vectors are "
    "averaged.  [default: the name alone, a photo of it, a picture of it]",
)
@click.option(
    "--attribute-weight",
    type=click.FloatRange(0, 1),
    help="Share of attributes in the vector of a class that has some.  [default: 0.5]",
)
@click.option(
    "--unseen-share",
    type=click.FloatRange(0, 1, max_open=True),
    help="Of labels that do not say whether they are seen.  [default: 0]",
)
@click.option(
    "--held-out",
    type=click.FloatRange(0, 1, max_open=True),
    help="Share of each seen class's images that is only measured.  [default: 0.3]",
)
@click.option("--seed", type=click.IntRange(0), help="Of every lot.  [default: 0]")
@click.option("--data-licence", metavar="SPDX", help="Of the images, for the card.")
@click.option("--cache/--no-cache", default=None, help="Keep what the encoders say (default).")
@click.option("--force", is_flag=True, help="Replace a bridge that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@log_options
def zero_shot(*, labels: Path, output: Path, as_json: bool, **given: Any) -> int:  # noqa: ANN401 - click's
    """Make one space of images and texts from descriptions of classes, without any pair.

    A line of the labels is {"label": "zebra", "description": "...", "attributes": {"striped": 1}};
    all but the label may be left out. An image classifier says what an image shows, and the text
    encoder where the words for that lie. With --images, lines of {"image": "17.jpg", "label":
    "zebra"}, a map is learned on the classes that may be seen, and the report says how images of
    the others fare.
    """
    from ingest.bridge.zero_shot import make_zero_shot_bridge
    from ingest.bridge.zero_shot_report import to_summary

    report = make_zero_shot_bridge(labels, output, _to_options(given))
    click.echo(json.dumps(report.to_json(), indent=2) if as_json else to_summary(report))
    return report.exit_code


def _to_options(given: dict[str, Any]) -> Any:  # noqa: ANN401 - the command line's start stays light
    from ingest.bridge.zero_shot_options import Method, Objective, ZeroShotOptions

    kinds = {"method": Method, "objective": Objective}
    asked: dict[str, Any] = {
        name: kinds[name](value) if name in kinds else value
        for name, value in given.items()
        if value is not None and value != ()
    }
    return ZeroShotOptions(**asked)
