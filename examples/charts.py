"""Charts with a description each: the domain of ``examples/bridge.py``, drawn by Pillow.

A photograph encoder has hardly seen a chart. Drawing them here keeps the tutorial free of downloads
and of licences, and every description is right.
"""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WIDTH, HEIGHT = 320, 240
MARGIN = 28
COLOURS = {
    "red": "#c0392b",
    "blue": "#2c6fbb",
    "green": "#2e8b57",
    "orange": "#e67e22",
    "purple": "#7d3c98",
    "grey": "#7f8c8d",
    "pink": "#e75480",
    "brown": "#8b5a2b",
}
COUNTS = {3: "three", 5: "five", 8: "eight"}
TRENDS = {"rising": 1.0, "falling": -1.0, "flat": 0.0}


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn, and the words for it."""

    kind: str
    colour: str
    number: int
    trend: str
    has_grid: bool
    dark: bool

    @property
    def text(self) -> str:
        """One plain sentence."""
        ground = "on a black background" if self.dark else "on a white background"
        grid = " with grid lines" if self.has_grid else ""
        count = COUNTS[self.number]
        words = {
            "bars": f"a bar chart of {count} {self.colour} bars, {self.trend}{grid}",
            "line": f"a line chart of one {self.colour} line, {self.trend}{grid}",
            "scatter": f"a scatter plot of {self.colour} dots, {self.trend}{grid}",
            "pie": f"a pie chart of {count} slices in shades of {self.colour}",
            "heatmap": f"a heat map of {self.colour} squares in {count} columns",
        }
        return f"{words[self.kind]}, {ground}"


def iter_texts() -> Iterator[Chart]:
    """Every chart that has a text of its own, in order."""
    told = set()
    sides = (sorted(_DRAW), COLOURS, COUNTS, TRENDS, (False, True), (False, True))
    for values in product(*sides):
        chart = Chart(*values)
        if chart.text not in told:
            told.add(chart.text)
            yield chart


def make_charts(folder: Path, *, part: slice) -> Path:
    """Draw charts and write ``pairs.jsonl`` beside them, an image and its text a line.

    Args:
        folder: Made if need be.
        part: Of all charts, in an order that is mixed and always the same; no text is in two
            parts that do not overlap.

    Returns:
        The file of pairs.
    """
    chance = random.Random(0)  # noqa: S311 - pictures, not secrets
    charts = list(iter_texts())
    chance.shuffle(charts)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    lines = []
    for number, chart in enumerate(charts[part]):
        name = f"images/{number:04}.png"
        _draw(chart, chance).save(folder / name)
        lines.append(json.dumps({"image": name, "text": chart.text}) + "\n")
    pairs = folder / "pairs.jsonl"
    pairs.write_text("".join(lines), encoding="utf-8")
    return pairs


def _draw(chart: Chart, chance: random.Random) -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT), "#111111" if chart.dark else "#ffffff")
    brush = ImageDraw.Draw(image)
    if chart.kind in ("bars", "line", "scatter"):
        ink = "#dddddd" if chart.dark else "#222222"
        for nth in range(1, 5) if chart.has_grid else ():
            level = HEIGHT - MARGIN - nth * (HEIGHT - 2 * MARGIN) / 4
            brush.line([(MARGIN, level), (WIDTH - MARGIN, level)], "#999999", 1)
        brush.line([(MARGIN, MARGIN), (MARGIN, HEIGHT - MARGIN)], ink, 2)
        brush.line([(MARGIN, HEIGHT - MARGIN), (WIDTH - MARGIN, HEIGHT - MARGIN)], ink, 2)
    _DRAW[chart.kind](brush, chart, chance)
    return image


def _to_height(chart: Chart, place: float, chance: random.Random) -> float:
    """Pixels above the axis at ``place``, 0 to 1 along it, with some noise."""
    middle = 0.5 + TRENDS[chart.trend] * (place - 0.5) * 0.8 + chance.uniform(-0.06, 0.06)
    return max(0.03, min(0.97, middle)) * (HEIGHT - 2 * MARGIN)


def _draw_bars(brush: ImageDraw.ImageDraw, chart: Chart, chance: random.Random) -> None:
    step = (WIDTH - 2 * MARGIN) / chart.number
    for nth in range(chart.number):
        left = MARGIN + nth * step + step * 0.15
        top = HEIGHT - MARGIN - _to_height(chart, nth / (chart.number - 1), chance)
        brush.rectangle([left, top, left + step * 0.7, HEIGHT - MARGIN - 2], COLOURS[chart.colour])


def _draw_line(brush: ImageDraw.ImageDraw, chart: Chart, chance: random.Random) -> None:
    places = [nth / 11 for nth in range(12)]
    points = [
        (
            MARGIN + place * (WIDTH - 2 * MARGIN),
            HEIGHT - MARGIN - _to_height(chart, place, chance),
        )
        for place in places
    ]
    brush.line(points, COLOURS[chart.colour], 4, joint="curve")


def _draw_scatter(brush: ImageDraw.ImageDraw, chart: Chart, chance: random.Random) -> None:
    for _ in range(60):
        place = chance.random()
        x = MARGIN + place * (WIDTH - 2 * MARGIN)
        y = HEIGHT - MARGIN - _to_height(chart, place, chance) + chance.gauss(0, 10)
        brush.ellipse([x - 4, y - 4, x + 4, y + 4], COLOURS[chart.colour])


def _draw_pie(brush: ImageDraw.ImageDraw, chart: Chart, chance: random.Random) -> None:
    start, radius = chance.uniform(0, 360), HEIGHT / 2 - MARGIN
    box = [WIDTH / 2 - radius, HEIGHT / 2 - radius, WIDTH / 2 + radius, HEIGHT / 2 + radius]
    shares = [chance.uniform(0.6, 1.4) for _ in range(chart.number)]
    for nth, share in enumerate(shares):
        end = start + 360 * share / math.fsum(shares)
        brush.pieslice(box, start, end, _to_shade(chart, nth / chart.number), "#ffffff")
        start = end


def _draw_heatmap(brush: ImageDraw.ImageDraw, chart: Chart, chance: random.Random) -> None:
    side = (WIDTH - 2 * MARGIN) / chart.number
    for column in range(chart.number):
        for row in range(round((HEIGHT - 2 * MARGIN) / side) or 1):
            left, top = MARGIN + column * side, MARGIN + row * side
            shade = _to_shade(chart, chance.random())
            brush.rectangle([left, top, left + side - 1, top + side - 1], shade)


def _to_shade(chart: Chart, lightness: float) -> tuple[int, int, int]:
    """The chart's colour, lighter by up to four fifths."""
    code = COLOURS[chart.colour].lstrip("#")
    levels = [int(code[place : place + 2], 16) for place in (0, 2, 4)]
    red, green, blue = (round(level + (255 - level) * 0.8 * lightness) for level in levels)
    return red, green, blue


_DRAW: dict[str, Callable[[ImageDraw.ImageDraw, Chart, random.Random], None]] = {
    "bars": _draw_bars,
    "heatmap": _draw_heatmap,
    "line": _draw_line,
    "pie": _draw_pie,
    "scatter": _draw_scatter,
}
