"""Generalised zero-shot classification of Tux Paint's stamps, kinds held out by name.

Run ``python -m benchmarks.zero_shot --stamps FOLDER`` with the pictures that
:mod:`benchmarks.stamp_kinds` says how to get. A third of the kinds is unseen: training sees none of
their pictures, and every picture competes among all kinds. What is chosen is chosen on seen kinds.
A row is a mean over seeds, each of which draws other kinds and other pictures, with its 95 %
interval (Student's t).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import t

from benchmarks.stamp_kinds import read_kinds, read_stamps
from ingest.bridge.zero_shot import make_zero_shot_bridge
from ingest.bridge.zero_shot_options import Method, Objective, ZeroShotOptions
from ingest.encoders.catalogue import HINGE_MODEL_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.stamp_kinds import Stamp

UNSEEN_SHARE = 1 / 3

_COLUMNS = ("seen", "unseen", "harmonic")
_LEVEL = 0.975


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stamps", type=Path, required=True, help="the unpacked package")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--image-encoder", default=HINGE_MODEL_ID)
    parser.add_argument("--text-encoder")
    asked = parser.parse_args()
    stamps = read_stamps(asked.stamps)
    print(f"{len(stamps)} pictures of {len({one.kind for one in stamps})} kinds\n")
    reports = [
        run(stamps, seed, objective, asked.image_encoder, asked.text_encoder)
        for seed in range(asked.seeds)
        for objective in Objective
    ]
    print_table(reports)


def run(
    stamps: Sequence[Stamp],
    seed: int,
    objective: Objective,
    image_encoder: str,
    text_encoder: str | None,
) -> Mapping[str, Any]:
    """The report of one making, as JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(stamps, folder)
        options = ZeroShotOptions(
            image_encoder=image_encoder,
            text_encoder=text_encoder,
            method=Method.DEVISE,
            objective=objective,
            images=folder / "images.jsonl",
            unseen_share=UNSEEN_SHARE,
            seed=seed,
        )
        report = make_zero_shot_bridge(folder / "labels.jsonl", folder / "space", options)
    return report.to_json()


def write_files(stamps: Sequence[Stamp], folder: Path) -> None:
    """``labels.jsonl`` and ``images.jsonl``, as the command reads them."""
    present = {stamp.kind for stamp in stamps}
    kinds = [kind for kind in read_kinds() if kind.name in present]
    names = sorted({name for kind in kinds for name in kind.attributes})
    labels = [
        {"label": kind.name, "attributes": {name: int(name in kind.attributes) for name in names}}
        for kind in kinds
    ]
    images = [{"image": str(stamp.path), "label": stamp.kind} for stamp in stamps]
    for name, lines in (("labels", labels), ("images", images)):
        content = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(content, encoding="utf-8")


def print_table(reports: Sequence[Mapping[str, Any]]) -> None:
    """A row a way and objective: means over the seeds, with intervals."""
    first = reports[0]
    print(json.dumps({"counts": first["counts"]}))
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for report in reports:
        objective = report["recipe"]["objective"]
        for outcome in report["outcomes"]:
            name = outcome["name"]
            if name.startswith("devise"):
                name = f"{name} ({objective})"
            elif objective != Objective.RIDGE:
                continue
            rows.setdefault(name, []).append(outcome)
    heads = [f"{kind} {column}" for kind in ("plain", "stacked") for column in _COLUMNS]
    print(f"{'':38}" + "".join(f"{head:>18}" for head in heads) + f"{'AUSUC':>18}")
    for name, outcomes in rows.items():
        cells = [
            [outcome[kind][column] for outcome in outcomes]
            for kind in ("plain", "stacked")
            for column in _COLUMNS
        ]
        cells.append([outcome["area"] for outcome in outcomes])
        print(f"{name:38}" + "".join(f"{to_interval(cell):>18}" for cell in cells))


def to_interval(values: Sequence[float]) -> str:
    """Mean and 95 % interval, in percent."""
    found = 100 * np.asarray(values)
    half = t.ppf(_LEVEL, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found))
    return f"{found.mean():.1f} ± {half:.1f}"


if __name__ == "__main__":
    main()
