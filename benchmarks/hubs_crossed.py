"""Hub damping with more queries: each of three unseen books by a setting chosen on the other two.

Run ``python -m benchmarks.hubs_crossed --data FOLDER --cache FILE.npz``; see ``benchmarks.hubs``,
whose cache it shares. All photographs are those of the bridge that was trained without the three,
each book is its own gallery, and the gains of all queries are put together.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.hubs import (
    CUT,
    TASKS,
    Gallery,
    iter_terms,
    read_vectors,
    to_banks,
    to_galleries,
    to_gallery,
    to_hits,
    to_sides,
    to_text,
)
from ingest.encoders.hinge.corpus import read_figures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ingest.encoders.hinge.contrast import Examples

    Floats = NDArray[np.float32]

TEXT_TASKS = ("description -> image", "caption -> image")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl")
    parser.add_argument("--cache", type=Path, default=Path(gettempdir()) / "diptych-hubs.npz")
    chosen = parser.parse_args()
    figures = [one for one in read_figures(chosen.data) if one.description and one.caption]
    examples, generic = read_vectors(figures, chosen.cache)
    galleries, _ = to_galleries(figures, examples)
    unseen = np.array([figure.held_out for figure in figures])
    galleries.append(to_gallery("held out", galleries[0].bridge, unseen, unseen))
    print(f"{', '.join(one.name for one in galleries)}: points of recall@{CUT} gained")
    for tasks in (*((task,) for task in TASKS), TEXT_TASKS):
        gains = [to_gains(examples, generic, gallery, tasks) for gallery in galleries]
        for bank in gains[0]:
            print_crossed(f"{' and '.join(tasks):<46}{bank:<28}", [one[bank] for one in gains])


def to_gains(
    examples: Examples, generic: Floats, gallery: Gallery, tasks: Sequence[str]
) -> dict[str, dict[str, Floats]]:
    """Each query's gain, ``(n,)``, by bank and setting; its mean over tasks."""
    gains: dict[str, dict[str, list[Floats]]] = {}
    for task in tasks:
        queries, items = to_sides(examples, gallery, TASKS[task])
        scores = queries @ items.T
        plain = to_hits(scores, gallery)
        for bank, cosines in to_banks(examples, generic, gallery, TASKS[task]).items():
            found = gains.setdefault(bank, {})
            for setting, term in iter_terms(*cosines):
                gain = to_hits(scores - term, gallery).astype(np.float32) - plain
                found.setdefault(setting, []).append(gain)
    return {
        bank: {setting: np.mean(each, axis=0) for setting, each in found.items()}
        for bank, found in gains.items()
    }


def print_crossed(label: str, gains: Sequence[Mapping[str, Floats]]) -> None:
    """The gain over all galleries, each by the setting that is best on the others."""
    settings = [
        max(own, key=lambda one: sum(other[one].mean() for other in gains if other is not own))
        for own in gains
    ]
    reached = [own[setting] for own, setting in zip(gains, settings, strict=True)]
    each = " ".join(f"{100 * one.mean():+.1f}" for one in reached)
    print(f"{label}{to_text(np.concatenate(reached))}   {each}   {', '.join(settings)}")


if __name__ == "__main__":
    main()
