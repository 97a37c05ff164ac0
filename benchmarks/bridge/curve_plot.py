"""The picture: recall@10 against the number of pairs, a panel a direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.pictures import prepare, write_picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

OURS, WITHOUT = "#1f6f8b", "#d98e4a"
LEAST_PAIRS = 10
"""Where no pair stands on the logarithmic axis."""

PANELS = {
    "recall": "both directions",
    "text to image": "text to image",
    "image to text": "image to text",
}


def draw(rows: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Draw the curve with its intervals.

    Args:
        rows: As :mod:`benchmarks.bridge.curve` prints them; the first is without pairs.
        file: ``.svg`` or ``.png``.
    """
    prepare()
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, len(PANELS), figsize=(9, 3), sharey=True, layout="constrained")
    for (key, title), axes in zip(PANELS.items(), panels, strict=True):
        _draw_panel(axes, [row["pairs"] for row in rows], [row["all"][key] for row in rows])
        axes.set_title(title, loc="left", fontsize=9)
    panels[0].set_ylabel("recall@10, held-out books, %")
    panels[-1].legend(frameon=False, loc="lower right", fontsize=8)
    write_picture(figure, file)


def _draw_panel(axes: Axes, pairs: Sequence[int], found: Sequence[Mapping[str, float]]) -> None:
    places = [max(count, LEAST_PAIRS) for count in pairs]
    low, value, high = ([100 * one[key] for one in found] for key in ("low", "value", "high"))
    axes.fill_between(places, low, high, color=OURS, alpha=0.2, linewidth=0)
    axes.plot(places, value, "o-", color=OURS, markersize=4, label="bridge")
    axes.axhline(value[0], color=WITHOUT, linestyle="--", label="ConSE, no pairs")
    axes.set_xscale("log")
    axes.set_xticks(places, [f"{count:,}" for count in pairs])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("pairs")
    axes.spines[["top", "right"]].set_visible(False)
