"""What a part of the benchmark found: rates by way, and ratios beside their targets."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Claim:
    """A ratio of one run and what it ought to be.

    Attributes:
        what: In words, e.g. ``end to end / pure forward, float32``.
        ratios: One a repeat.
        target: What the median ought to reach; None where nothing is asked.
        at_most: The target is an upper bound.
    """

    what: str
    ratios: tuple[float, ...]
    target: float | None = None
    at_most: bool = False

    @property
    def ratio(self) -> float:
        """The median."""
        return median(self.ratios)

    @property
    def verdict(self) -> str:
        """``met``, ``missed`` or, without a target, nothing."""
        if self.target is None:
            return ""
        is_met = self.ratio <= self.target if self.at_most else self.ratio >= self.target
        return "met" if is_met else "missed"

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {**asdict(self), "ratio": self.ratio, "verdict": self.verdict}


@dataclass
class Finding:
    """One table: what was measured side by side in one run.

    Attributes:
        title: Of the table.
        unit: Of the rates, e.g. ``images/s``.
        rates: One value a repeat, by way, in the order of the table.
        claims: Ratios between the ways.
        notes: What a reader must know to judge the figures.
    """

    title: str
    unit: str
    rates: dict[str, list[float]] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def claim(
        self, what: str, way: str, to: str, target: float | None = None, *, at_most: bool = False
    ) -> None:
        """Add the ratio of two ways, repeat by repeat."""
        pairs = zip(self.rates[way], self.rates[to], strict=True)
        ratios = tuple(ours / theirs for ours, theirs in pairs)
        self.claims.append(Claim(what, ratios, target, at_most))

    def best(self, ways: Sequence[str]) -> str:
        """The way of the highest median."""
        return max(ways, key=lambda way: median(self.rates[way]))

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        medians = {way: median(values) for way, values in self.rates.items()}
        claims = [one.to_json() for one in self.claims]
        return {**asdict(self), "medians": medians, "claims": claims}

    def to_markdown(self) -> str:
        """A heading, the rates, the ratios beside their targets, and the notes."""
        lines = [f"### {self.title}", ""]
        if self.rates:
            lines += [f"| way | {self.unit}, median (range) |", "|---|---:|"]
            lines += [f"| {way} | {_to_cell(values)} |" for way, values in self.rates.items()]
        if self.claims:
            lines += ["", "| ratio | target | measured (range) | |", "|---|---:|---:|---|"]
            lines += [_to_row(claim) for claim in self.claims]
        return "\n".join([*lines, *(f"\n{note}" for note in self.notes)]) + "\n"


def interleave(ways: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Run every way ``repeats`` times in turn, every second time in the opposite order.

    The ways share the weather of the machine then, and none always follows the same other one.

    Args:
        ways: What to run; each answers its rate.
        repeats: How often.

    Returns:
        One rate a repeat, by way, in the order of ``ways``.
    """
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for repeat in range(repeats):
        order = list(ways) if repeat % 2 == 0 else list(ways)[::-1]
        for way in order:
            rates[way].append(ways[way]())
            print(f"  {repeat + 1}/{repeats} {way}: {rates[way][-1]:.3g}", file=sys.stderr)
    return rates


def _to_cell(values: Sequence[float]) -> str:
    shown = _round(median(values))
    span = f"({_round(min(values))} to {_round(max(values))})"
    return shown if len(values) == 1 else f"{shown} {span}"


def _round(value: float) -> str:
    """Three digits, or whole numbers above them."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004


def _to_row(claim: Claim) -> str:
    sign = "≤" if claim.at_most else "≥"
    target = "" if claim.target is None else f"{sign} {claim.target:g}"
    span = f"{claim.ratio:.2f} ({min(claim.ratios):.2f} to {max(claim.ratios):.2f})"
    return f"| {claim.what} | {target} | {span} | {claim.verdict} |"
