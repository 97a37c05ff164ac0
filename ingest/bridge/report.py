"""What a training did, and what it was good for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from schemas.report import EXIT_ITEMS_FAILED, EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.evaluation import Direction, Estimate
    from schemas.report import Failure

REPORT_VERSION: Final = 1
"""Of the JSON form; raised when an older program could misread it."""


class Verdict(StrEnum):
    """What a comparison allows to say."""

    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "no clear difference"
    """The interval of the difference includes none."""


@dataclass(frozen=True, slots=True)
class Change:
    """Recall in one direction, before and after.

    Attributes:
        direction: What was searched with, and what for.
        cut: How many hits counted.
        before: Of the encoders as they are; None where they have no common space.
        after: Of the bridge.
        difference: After less before, over the same draws; None likewise.
    """

    direction: Direction
    cut: int
    before: Estimate | None
    after: Estimate
    difference: Estimate | None

    @property
    def verdict(self) -> Verdict | None:
        """Whether it helped; None where there is nothing to compare with."""
        if self.difference is None:
            return None
        if self.difference.low > 0:
            return Verdict.BETTER
        return Verdict.WORSE if self.difference.high < 0 else Verdict.UNCLEAR

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {**asdict(self), "direction": str(self.direction), "verdict": self.verdict}


@dataclass(frozen=True, slots=True)
class Measured:
    """A set of pairs, before and after.

    Attributes:
        part: ``validation``, ``test`` or ``general``.
        images: How many were searched, and asked with.
        texts: Likewise.
        changes: By direction and cut.
    """

    part: str
    images: int
    texts: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class BridgeReport:
    """The outcome of one training.

    Attributes:
        name: Of the bridge.
        folder: Where it is.
        model_id: What it is called as a model: its folder's name.
        revision: Of its files, as a collection records it.
        encoders: ``images`` and ``texts``: model, revision, dtype, licence where it is known.
        recipe: Everything that decided the training.
        baseline: What before means: ``own``, ``conse`` or ``none``.
        counts: ``lines`` of the pairs; ``images`` and ``texts`` of all files, and how many of
            them were not kept from an earlier run, ``encoded_images`` and ``encoded_texts``; and
            of images ``training``, ``validation``, ``test``, ``general``, ``outside`` (the part of
            the general pairs that taught a gate) and ``left_out`` (since they share something with
            what is only measured, or chosen by).
        measured: What it is good for.
        epochs: Of each: number, loss, and recall@10 on the validation pairs.
        best: The epoch whose weights were kept; 0 where it was solved at once.
        stopped_early: Whether training ended before its last epoch.
        interpolation: Weight of the map, whether it stands behind a gate, and what was measured to
            choose both; None where it was not.
        data: ``licence`` and ``file`` of the pairs.
        diptych: Version that made it.
        trained_at: When, ISO 8601 in UTC.
        seconds: By step.
        failures: Lines and items that could not be used.
        notes: What else is worth knowing, a sentence each.
    """

    name: str
    folder: str
    model_id: str
    revision: str
    encoders: Mapping[str, Mapping[str, Any]]
    recipe: Mapping[str, Any]
    baseline: str
    counts: Mapping[str, int]
    measured: tuple[Measured, ...]
    epochs: tuple[Mapping[str, Any], ...]
    best: int
    stopped_early: bool
    interpolation: Mapping[str, Any] | None
    data: Mapping[str, Any]
    diptych: str
    trained_at: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0; 3 when some pairs could not be used."""
        return EXIT_ITEMS_FAILED if self.failures else EXIT_OK

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        measured = [
            {**asdict(one), "changes": [change.to_json() for change in one.changes]}
            for one in self.measured
        ]
        failures = [asdict(failure) for failure in self.failures]
        return {
            "version": REPORT_VERSION,
            **asdict(self),
            "measured": measured,
            "failures": failures,
        }
