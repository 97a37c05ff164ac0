"""The card of a bridge: where it comes from and what it is good for, as the Hub reads it."""

from __future__ import annotations

import json
from shlex import quote
from typing import TYPE_CHECKING, Any

from ingest.bridge.folder import CURVES, REPORT
from ingest.bridge.report_table import (
    to_choice,
    to_map_weight,
    to_percent,
    to_points,
    to_training,
    to_verdicts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ingest.bridge.report import BridgeReport

_LIMITS = """\
- The figures hold for the pairs that were measured, each searched among the others of its set \
alone. A larger collection finds less, and other subjects were not measured.
- The two encoders are not in this folder. The bridge refuses others, or another revision of them.
- What the encoders do not see no map can bring back: their languages, their resolution and \
their blind spots stay.
- Pairs teach their own habits too: who or what is left out of them is found worse. Do not let a \
bridge decide about people.
"""


def to_card(report: BridgeReport, *, has_picture: bool) -> str:
    """Markdown with YAML front matter.

    Args:
        report: Of the training.
        has_picture: Whether the learning curves lie beside it.
    """
    sections = [
        _to_front_matter(report),
        f"# {_to_plain(report.name)}",
        _to_introduction(report),
        "## Use",
        _to_use(report),
        "## What it is good for",
        _to_figures(report),
        "\n".join(f"- {sentence}" for sentence in to_verdicts(report)),
        "## Training",
        _to_training(report, has_picture=has_picture),
        "## Limits",
        _LIMITS,
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _to_front_matter(report: BridgeReport) -> str:
    """YAML, whose strings are written as JSON: that is YAML too."""
    fields: dict[str, Any] = {
        "library_name": "diptych",
        "license": (report.data["licence"] or "unknown").lower(),
        "base_model": [one for one in _to_models(report) if "/" in one],
        "tags": ["diptych", "bridge", "cross-modal-retrieval", "feature-extraction"],
        "metrics": ["recall"],
    }
    lines = [
        f"{name}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in fields.items()
        if value != []
    ]
    return "\n".join(["---", *lines, "---"])


def _to_introduction(report: BridgeReport) -> str:
    images, texts = report.encoders["images"], report.encoders["texts"]
    return (
        f"A bridge of Diptych: it lays the images of "
        f"`{images['model']}` and the texts of `{texts['model']}` into one space, where what "
        f"belongs together lies close."
    )


def _to_use(report: BridgeReport) -> str:
    folder = quote(f"./{_to_plain(report.model_id)}")
    return (
        f'```sh\ndiptych ingest photographs --model {folder}\ndiptych search "what it shows"\n```'
    )


def _to_figures(report: BridgeReport) -> str:
    heading = f"| Pairs | Direction | Recall@ | Before ({report.baseline}) | After | Difference |"
    rows = [
        f"| {measured.part} ({measured.images:,} images, {measured.texts:,} texts) "
        f"| {change.direction} | {change.cut} | {to_percent(change.before)} "
        f"| {to_percent(change.after)} | {to_points(change.difference)} |"
        for measured in report.measured
        for change in measured.changes
    ]
    explained = (
        "In percent, with 95 % bootstrap intervals over images that hang together. Before is what "
        f"the encoders find as they are: {_BASELINES[report.baseline]}."
    )
    return "\n".join([heading, "|---|---|---|---|---|---|", *rows, "", explained])


_BASELINES = {
    "own": "their own vectors",
    "conse": "ConSE, without any training",
    "none": "nothing, as they have no common space",
}


def _to_training(report: BridgeReport, *, has_picture: bool) -> str:
    lines = [f"- {label}: {value}" for label, value in _iter_facts(report)]
    lines += [f"- {note}" for note in report.notes]
    if has_picture:
        lines += ["", f"![Learning curves]({CURVES})"]
    recipe = json.dumps(dict(report.recipe), indent=1)
    lines += ["", f"The recipe (all figures are in `{REPORT}`):", "", f"```json\n{recipe}\n```"]
    return "\n".join(lines)


def _iter_facts(report: BridgeReport) -> Iterator[tuple[str, str]]:
    counts = report.counts
    yield "Image encoder", _to_encoder(report.encoders["images"])
    yield "Text encoder", _to_encoder(report.encoders["texts"])
    parted = (
        f"`{_to_plain(str(report.data['file']))}`, {counts['lines']:,} lines: "
        f"{counts['training']:,} images to learn from, {counts['validation']:,} to choose "
        f"{to_choice(report)} by; no image, text or group is on both sides"
    )
    yield "Pairs", parted
    yield "Licence of the pairs", _to_plain(str(report.data["licence"] or "not stated"))
    yield "Not usable", f"{len(report.failures):,} pairs or texts"
    yield "Training", f"{to_training(report)}; seed {report.recipe['seed']}"
    if report.interpolation is not None:
        yield "Weight of the map (WiSE-FT)", to_map_weight(report.interpolation)
    yield "Made", f"{report.trained_at} by Diptych {report.diptych}"


def _to_encoder(encoder: Mapping[str, Any]) -> str:
    licence = encoder["licence"] or "not known to Diptych"
    return (
        f"`{encoder['model']}` at `{encoder['revision']}` in {encoder['dtype']}; licence: {licence}"
    )


def _to_models(report: BridgeReport) -> list[str]:
    return list(dict.fromkeys(str(one["model"]) for one in report.encoders.values()))


def _to_plain(text: str) -> str:
    """On one line, without what Markdown would make of it."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line.replace("`", "'").replace("<", "(").replace(">", ")").replace("|", "/")
