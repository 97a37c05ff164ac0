"""The learning curves of a training as a picture."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from ingest.bridge.report import BridgeReport


def draw_curves(report: BridgeReport, path: Path) -> str | None:
    """Loss and recall by epoch; where it was chosen, recall by the map's weight too.

    Args:
        report: Of the training.
        path: A ``.png`` file. Nothing is written where there is nothing to draw.

    Returns:
        What is missing to draw it, or None.

    Raises:
        OSError: It cannot be written.
    """
    panels = [_draw_epochs] if report.epochs else []
    panels += [_draw_weights] if report.interpolation else []
    if not panels:
        return None
    if find_spec("matplotlib") is None:
        return "The learning curves are drawn by matplotlib: pip install 'diptych[train]'."
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4 * len(panels), 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    for place, draw in enumerate(panels, 1):
        draw(figure.add_subplot(1, len(panels), place), report)
    figure.savefig(path, dpi=120, metadata={"Software": None})
    return None


def _draw_epochs(axes: Axes, report: BridgeReport) -> None:
    numbers = range(1, len(report.epochs) + 1)
    for name, label, colour in (
        ("text_to_image", "words find images", "#1f6f8b"),
        ("image_to_text", "images find words", "#c8553d"),
    ):
        values = [epoch[name] for epoch in report.epochs]
        axes.plot(numbers, values, label=label, color=colour)
    axes.axvline(report.best, color="0.5", linestyle=":", label=f"kept: epoch {report.best}")
    axes.set(xlabel="epoch", ylabel="recall@10 on the validation pairs", ylim=(0, 1))
    losses = axes.twinx()
    losses.plot(numbers, [epoch["loss"] for epoch in report.epochs], color="0.7", label="loss")
    losses.set_ylabel("training loss", color="0.5")
    lines = [*axes.get_lines(), *losses.get_lines()]
    axes.legend(lines, [str(line.get_label()) for line in lines], loc="lower right", fontsize=8)
    axes.set_title(report.name, fontsize=10, parse_math=False)


def _draw_weights(axes: Axes, report: BridgeReport) -> None:
    chosen = report.interpolation or {}
    points = chosen["curve"]
    for gated, style, behind in ((False, "-", ""), (True, "--", ", gated")):
        part = [point for point in points if point["gated"] == gated]
        weights = [point["map_weight"] for point in part]
        for name, label, colour in (
            ("domain", "validation pairs", "#1f6f8b"),
            ("general", "general pairs", "#c8553d"),
        ):
            values = [point[name] for point in part]
            if part:
                axes.plot(weights, values, style, label=f"{label}{behind}", color=colour)
    label = f"chosen: {chosen['map_weight']:.2f}{', gated' if chosen['gated'] else ''}"
    axes.axvline(chosen["map_weight"], color="0.5", linestyle=":", label=label)
    axes.set(xlabel="weight of the map", ylabel="recall@10, mean of both ways", ylim=(0, 1))
    axes.legend(loc="lower right", fontsize=8)
