"""The card of a space without pairs: where it comes from and what it is good for."""

from __future__ import annotations

import json
from shlex import quote
from typing import TYPE_CHECKING, Any

from ingest.bridge.zero_shot_report import to_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.bridge.zero_shot_report import ZeroShotReport

_LIMITS = """\
- A classifier sees what it was taught to tell apart. What it has no class for lies where its \
nearest classes lie, and words for details that it ignores find nothing.
- Figures hold for the labels and images that were measured. An unseen class is unseen to the map \
alone: the classifier may have been trained on such things, under this name or a finer one.
- The two encoders are not in this folder. The bridge refuses others, or another revision of them.
- Classes and descriptions carry the habits of those who wrote them. Do not let this decide about \
people.
"""


def to_card(report: ZeroShotReport) -> str:
    """Markdown with YAML front matter."""
    counts = (f"- {name.replace('_', ' ')}: {n:,}" for name, n in report.counts.items())
    sections = [
        _to_front_matter(report),
        f"# {_to_plain(report.name)}",
        _to_introduction(report),
        "## Use",
        f"```sh\ndiptych ingest photographs/ --model {quote(_to_plain(report.name))}\n```",
        "## What it is good for",
        to_table(report),
        "\n\n".join(report.notes),
        "## What it was made of",
        "\n".join(counts),
        _to_data(report),
        "## Limits",
        _LIMITS,
    ]
    return "\n\n".join(section.strip() for section in sections if section) + "\n"


def _to_front_matter(report: ZeroShotReport) -> str:
    """YAML, whose strings are written as JSON: that is YAML too."""
    models = dict.fromkeys(str(one["model"]) for one in report.encoders.values())
    fields: dict[str, Any] = {
        "library_name": "diptych",
        "license": (report.data["licence"] or "unknown").lower(),
        "base_model": [model for model in models if "/" in model],
        "tags": ["diptych", "bridge", "zero-shot", "cross-modal-retrieval"],
    }
    lines = [
        f"{name}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in fields.items()
        if value != []
    ]
    return "\n".join(["---", *lines, "---"])


def _to_introduction(report: ZeroShotReport) -> str:
    encoders = "\n".join(
        f"- {side}: {_to_encoder(encoder)}" for side, encoder in report.encoders.items()
    )
    return (
        f"A bridge of Diptych, made without a single pair of an image and a text by the method "
        f"`{report.recipe['method']}`, with Diptych {report.diptych} at {report.made_at}.\n\n"
        f"{encoders}"
    )


def _to_encoder(encoder: Mapping[str, Any]) -> str:
    licence = encoder.get("licence") or "not known to Diptych"
    return (
        f"`{encoder['model']}` at `{encoder['revision']}` in {encoder['dtype']}; licence: {licence}"
    )


def _to_data(report: ZeroShotReport) -> str:
    images = report.data["images"]
    licence = _to_plain(report.data["licence"] or "licence not stated")
    seen = f"images of `{_to_plain(images)}` ({licence})" if images else "no image"
    return f"Labels of `{_to_plain(report.data['labels'])}`, {seen}."


def _to_plain(text: str) -> str:
    """On one line, without what Markdown would make of it."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line.replace("`", "'").replace("<", "(").replace(">", ")").replace("|", "/")
