"""What a space without pairs was made of, and what it was measured to be good for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ingest.bridge.folder import REPORT
from ingest.durable import replacing
from schemas.report import EXIT_ITEMS_FAILED, EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ingest.bridge.generalised import Outcome
    from ingest.encoders.bridge.devise import LeftOut
    from ingest.encoders.bridge.stacking import Accuracy
    from schemas.report import Failure

REPORT_VERSION: Final = 1

_MOST_FAILURES: Final = 10
_FEWEST_CLASSES: Final = 50
"""For a share of them to mean something."""

_COMPETING: Final = """\
Mean accuracy over classes, in percent, seen and unseen classes competing; first as the scores \
are, then with gamma taken from the scores of seen classes.

| | seen | unseen | harmonic | gamma | seen | unseen | harmonic | AUSUC |
|---|---|---|---|---|---|---|---|---|
"""
_ALONE: Final = """\
Mean accuracy over the classes that were learned from, in percent, on images that were not.

| | accuracy |
|---|---|
"""


@dataclass(frozen=True, slots=True)
class ZeroShotReport:
    """The outcome.

    Attributes:
        name: Of the bridge: its folder's name.
        folder: Where it is.
        revision: Of its files, as a collection records it.
        encoders: ``images`` and ``texts``: model, revision, dtype.
        recipe: Everything that decided it, beside the labels and images.
        counts: ``labels``, ``seen``, ``unseen``, ``described``, ``with_attributes``, ``classes``
            (of the classifier), ``matched`` (labels that are classes of it), ``unseen_matched``
            (unseen labels among them), ``images``, ``training``, ``measured``.
        made: Name of the outcome that was written; None where nothing was measured.
        outcomes: What each way reaches on images that it never saw.
        left_out: Of a map made of class weights: how it does on classes left out; else None.
        data: ``licence``, ``labels`` and ``images`` as they were named.
        diptych: Version that made it.
        made_at: When, ISO 8601 in UTC.
        failures: Lines and images that could not be used.
        notes: What else is worth knowing, a sentence each.
    """

    name: str
    folder: str
    revision: str
    encoders: Mapping[str, Mapping[str, Any]]
    recipe: Mapping[str, Any]
    counts: Mapping[str, int]
    made: str | None
    outcomes: tuple[Outcome, ...]
    left_out: Mapping[str, Any] | None
    data: Mapping[str, Any]
    diptych: str
    made_at: str
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def exit_code(self) -> int:
        """0; 3 when some lines or images could not be used."""
        return EXIT_ITEMS_FAILED if self.failures else EXIT_OK

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {
            "version": REPORT_VERSION,
            **plain,
            "outcomes": [one.to_json() for one in self.outcomes],
            "failures": [asdict(failure) for failure in self.failures],
        }

    def write(self, folder: Path) -> None:
        """Write the report beside the bridge.

        Raises:
            OSError: They cannot be written.
        """
        with replacing(folder / REPORT) as stream:
            json.dump(self.to_json(), stream, indent=1, sort_keys=True, ensure_ascii=False)


def to_summary(report: ZeroShotReport) -> str:
    """What a person at a terminal wants to know."""
    counts = ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in report.counts.items())
    failed = [f"  {one.source_uri}: {one.message}" for one in report.failures[:_MOST_FAILURES]]
    if failed:
        failed.insert(0, f"{len(report.failures):,} lines and images could not be used:")
    parts = [f"{report.folder}", counts, "", to_table(report).rstrip(), *report.notes, *failed]
    return "\n".join(parts)


def to_left_out(found: LeftOut) -> str:
    """What can be said of a map from class weights without any image."""
    if found.classes < _FEWEST_CLASSES:
        return f"{found.classes} classes are too few to say what a map from their weights is worth."
    return (
        f"Of {found.classes:,} classes, each left out of the map in turn with a fifth of the "
        f"others, {found.first_ten:.1%} have their own vector among the ten nearest to their "
        f"weights, {found.first:.1%} as the nearest. That says how much the weights know of words, "
        f"and nothing of images."
    )


def to_table(report: ZeroShotReport) -> str:
    """The measured accuracies as a Markdown table, or the sentence that there are none."""
    if not report.outcomes:
        return "Nothing was measured: that needs labelled images (`--images`).\n"
    competing = [one for one in report.outcomes if one.plain is not None]
    if competing:
        rows = (_to_row(one, made=one.name == report.made) for one in competing)
        return _COMPETING + "".join(rows)
    alone = [one for one in report.outcomes if one.seen_alone is not None]
    if not alone:
        return "Nothing was measured: every image was learned from.\n"
    return _ALONE + "".join(
        f"| {one.name} | {100 * (one.seen_alone or 0):.1f} |\n" for one in alone
    )


def _to_row(outcome: Outcome, *, made: bool) -> str:
    cells = [f"**{outcome.name}**" if made else outcome.name]
    if outcome.plain is not None and outcome.stacked is not None:
        cells += [
            *(f"{100 * value:.1f}" for value in _to_values(outcome.plain)),
            f"{outcome.strengths.gamma:.3f}",
            *(f"{100 * value:.1f}" for value in _to_values(outcome.stacked)),
            f"{outcome.area or 0:.3f}",
        ]
    return f"| {' | '.join(cells)} |\n"


def _to_values(accuracy: Accuracy) -> tuple[float, float, float]:
    return accuracy.seen, accuracy.unseen, accuracy.harmonic
