"""A report as lines for people. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from search.evaluate.measures import MEDIAN_RANK
from search.table import to_printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemas.evaluation import (
        Comparison,
        Difference,
        Estimate,
        EvaluationReport,
        Figures,
        Shortfall,
    )

GAP = "  "
SHOWN = 5
"""Questions or names listed before the rest is counted."""


def to_evaluation_table(report: EvaluationReport) -> str:
    """Figures with their intervals below them, then comparison, shortfalls and what is to know."""
    blocks = [
        _to_grid(_iter_figure_rows(report.figures, report.depth)),
        *([_to_comparison(report.comparison)] if report.comparison else []),
        "\n".join(_to_shortfall(one) for one in report.shortfalls),
        "\n".join(_iter_remarks(report)),
    ]
    return "\n\n".join(block for block in blocks if block)


def _iter_figure_rows(figures: Sequence[Figures], depth: int) -> Iterator[Sequence[str]]:
    names = list(figures[0].measures)
    yield ["", "questions", *names]
    for one in figures:
        label = GAP + to_printable(one.part) if one.part else str(one.direction)
        estimates = [(name, one.measures[name]) for name in names]
        yield [label, f"{one.questions:,}", *(_to_value(*pair, depth) for pair in estimates)]
        if one.questions > 1:
            yield ["", "", *(_to_interval(*pair, depth) for pair in estimates)]


def _to_value(name: str, estimate: Estimate, depth: int) -> str:
    return _to_rank(estimate.value, depth) if name == MEDIAN_RANK else f"{estimate.value:.3f}"


def _to_interval(name: str, estimate: Estimate, depth: int) -> str:
    if name == MEDIAN_RANK:
        return f"{_to_rank(estimate.low, depth)} to {_to_rank(estimate.high, depth)}"
    return f"{estimate.low:.2f}-{estimate.high:.2f}"


def _to_rank(rank: float, depth: int) -> str:
    return f"{round(rank, 1):g}" if rank <= depth else f">{depth}"


def _to_comparison(comparison: Comparison) -> str:
    rows = [["", "", "questions", "here", "there", "difference", "interval", "p"]]
    rows += [_to_difference(one) for one in comparison.differences]
    name = to_printable(f"against {comparison.name} ({comparison.model_id})")
    return f"{name}\n{_to_grid(rows)}"


def _to_difference(one: Difference) -> list[str]:
    interval = f"{_to_signed(one.difference.low)} to {_to_signed(one.difference.high)}"
    return [
        str(one.direction),
        one.measure,
        f"{one.questions:,}",
        f"{one.here:.3f}",
        f"{one.there:.3f}",
        _to_signed(one.difference.value),
        interval,
        "<0.001" if one.p_value < 0.001 else f"{one.p_value:.3f}",  # noqa: PLR2004 - as shown
    ]


def _to_signed(number: float) -> str:
    """With its sign; what is rounded to nothing has none of its own."""
    return f"{round(number, 3) + 0.0:+.3f}"


def _to_shortfall(one: Shortfall) -> str:
    if one.value is None:
        return f"not reached: {one.floor}, for nothing could be asked in that direction"
    return f"not reached: {one.floor}, {one.direction} has {one.value:.3f}"


def _iter_remarks(report: EvaluationReport) -> Iterator[str]:
    yield from report.notes
    if report.missing:
        shown = ", ".join(report.missing[:SHOWN])
        more = ", ..." if len(report.missing) > SHOWN else ""
        yield to_printable(
            f"right items that are not indexed: {len(report.missing):,} ({shown}{more})"
        )
    for one in report.unanswered[:SHOWN]:
        yield to_printable(f"not asked: {one.origin or one.question_id}: {one.reason}")
    if len(report.unanswered) > SHOWN:
        yield f"not asked: {len(report.unanswered):,} questions in all"
    yield (
        f"{report.collection} ({report.model_id}), the first {report.depth:,} hits judged; "
        f"{report.confidence:.0%} intervals; {report.seconds:.1f} s"
    )


def _to_grid(rows: Iterator[Sequence[str]] | list[list[str]]) -> str:
    """Words to the left, all that begins like a number to the right."""
    listed = list(rows)
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    lines = []
    for row in listed:
        cells = [
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(GAP.join(cells).rstrip())
    return "\n".join(lines)
