"""The picture: images a second by way, one panel a size and dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.pictures import prepare, write_picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

OURS = ("diptych", "our encoder")
BOUND = ("pure forward",)
LEFT_OUT = ("our decoding",)
COLOURS = {"ours": "#1f6f8b", "bound": "#b9c4c9", "others": "#d98e4a"}
_INCHES_PER_BAR = 0.28
_PARTS = ("images", "peers")


def draw(parts: Mapping[str, Sequence[Mapping[str, Any]]], file: Path) -> None:
    """Draw the rates of the images' and the peers' parts.

    Args:
        parts: Findings by part, as :meth:`~benchmarks.ingestion.findings.Finding.to_json` gives
            them.
        file: ``.svg`` or ``.png``.
    """
    prepare()
    from matplotlib import pyplot as plt

    findings = [finding for part in _PARTS for finding in parts.get(part, ())]
    if not findings:
        return
    bars = [len(finding["medians"]) + 2 for finding in findings]
    figure, panels = plt.subplots(
        len(findings),
        1,
        figsize=(8, _INCHES_PER_BAR * sum(bars)),
        height_ratios=bars,
        squeeze=False,
        layout="constrained",
    )
    for finding, axes in zip(findings, panels[:, 0], strict=True):
        _draw_bars(finding, axes)
    write_picture(figure, file)


def _draw_bars(finding: Mapping[str, Any], axes: Axes) -> None:
    # Decoding alone is so quick at 640x480 that beside it nothing else could be seen.
    ways = [way for way in finding["medians"] if not way.startswith(LEFT_OUT)]
    values = [finding["medians"][way] for way in ways]
    ranges = [finding["rates"][way] for way in ways]
    errors = [
        [value - min(row) for value, row in zip(values, ranges, strict=True)],
        [max(row) - value for value, row in zip(values, ranges, strict=True)],
    ]
    drawn = axes.barh(ways, values, color=[COLOURS[_to_kind(way)] for way in ways])
    axes.errorbar(values, ways, xerr=errors, fmt="none", ecolor="#444444", elinewidth=1)
    axes.bar_label(drawn, fmt="%.3g", padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_title(f"{finding['title']}, {finding['unit']}", loc="left", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def _to_kind(way: str) -> str:
    if way.startswith(OURS):
        return "ours"
    return "bound" if way.startswith(BOUND) else "others"
