"""What an evaluation measured: figures with intervals, by direction and slice."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from schemas.errors import SettingsError
from schemas.query import Target
from schemas.records import Modality
from schemas.report import EXIT_ITEMS_FAILED, EXIT_MISMATCH, EXIT_OK

REPORT_VERSION = 1
"""Of the JSON form; raised when an older program could misread it."""


class Direction(StrEnum):
    """What was searched with, and what for."""

    TEXT_TO_IMAGE = "text->image"
    IMAGE_TO_TEXT = "image->text"
    IMAGE_TO_IMAGE = "image->image"
    TEXT_TO_TEXT = "text->text"
    TEXT_TO_ANY = "text->any"
    IMAGE_TO_ANY = "image->any"

    @property
    def asked(self) -> Modality:
        """Modality of the query."""
        return Modality(self.value.partition("->")[0])

    @property
    def target(self) -> Target:
        """What was searched for."""
        return Target(self.value.partition("->")[2])


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its bootstrap interval.

    Attributes:
        value: Over all questions.
        low: Lower end of the interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured in one direction, over all of its questions or a slice of them.

    Attributes:
        direction: Which.
        part: ``field=value`` of a slice, in which only right items with that value count as
            right; empty for all of them.
        questions: How many.
        measures: By name. ``median_rank`` is a rank, from 1; one more than the depth stands for
            any lower place. All others lie between 0 and 1, higher is better.
    """

    direction: Direction
    part: str
    questions: int
    measures: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question in one direction.

    Attributes:
        question_id: Of the question.
        direction: In which it was asked.
        query: The words, or the path of the image.
        right: The source URIs that it should have found.
        rank: Of the first right item, from 1; None when there is none in the answer.
        values: Of each measure but the median rank.
        own: Source URIs of what the query itself is, in its own modality; it is no answer.
    """

    question_id: str
    direction: Direction
    query: str
    right: tuple[str, ...]
    rank: int | None
    values: Mapping[str, float]
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that could not be asked; it is in no figure.

    Attributes:
        question_id: Of the question.
        origin: Where the question stands: a file and its line.
        reason: Why it could not be asked.
    """

    question_id: str
    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Two evaluations compared, on the questions that both answered.

    Attributes:
        direction: In which.
        measure: By which.
        questions: How many both answered.
        here: Mean of this evaluation.
        there: Mean of the other one.
        difference: ``here - there``.
        p_value: Of a two-sided paired randomisation test: how often signs that are drawn by lot
            give a difference as large. Not adjusted for the number of comparisons.
    """

    direction: Direction
    measure: str
    questions: int
    here: float
    there: float
    difference: Estimate
    p_value: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Against what, and what came out.

    Attributes:
        name: Of the other evaluation: a collection with its options, or a file.
        model_id: The other one's model.
        differences: By direction and measure, in the report's order.
    """

    name: str
    model_id: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Floor:
    """The least that a measure must reach.

    Attributes:
        measure: By name.
        least: What it must reach.
        direction: In which; None for each that was measured.
    """

    measure: str
    least: float
    direction: Direction | None = None

    def __str__(self) -> str:
        """As it is written: ``text->image:recall@10=0.6``."""
        where = f"{self.direction}:" if self.direction else ""
        return f"{where}{self.measure}={self.least:g}"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A floor that was not reached.

    Attributes:
        floor: As it was given.
        direction: In which it was not reached; None when there was nothing to measure.
        value: What was measured instead; None likewise.
    """

    floor: Floor
    direction: Direction | None
    value: float | None


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """The outcome of one evaluation.

    Attributes:
        collection: The concrete collection that answered.
        model_id: Its model.
        options: What every search was called with besides query, target and length, as written.
        depth: Length of the answers that were judged.
        confidence: Level of the intervals.
        resamples: How many bootstrap samples they are from.
        seed: Of the bootstrap and of the tests.
        figures: By direction, each followed by its slices.
        outcomes: Of every question in every direction, in order of direction and question.
        unanswered: Questions that could not be asked.
        missing: Names in the questions that are not indexed and were left out.
        comparison: With another evaluation, where there is one.
        shortfalls: The floors that were not reached.
        notes: What else is worth knowing, a sentence each.
        seconds: All of it.
        version: Of the JSON form.
    """

    collection: str
    model_id: str
    options: Mapping[str, str]
    depth: int
    confidence: float
    resamples: int
    seed: int
    figures: tuple[Figures, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    unanswered: tuple[Unanswered, ...] = ()
    missing: tuple[str, ...] = ()
    comparison: Comparison | None = None
    shortfalls: tuple[Shortfall, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    version: int = field(default=REPORT_VERSION)

    @property
    def exit_code(self) -> int:
        """4 when a floor was not reached; else 3 when a question could not be asked; else 0."""
        if self.shortfalls:
            return EXIT_MISMATCH
        return EXIT_ITEMS_FAILED if self.unanswered else EXIT_OK

    def find(self, direction: Direction | str, part: str = "") -> Figures | None:
        """The figures of a direction or of one of its slices; None if it was not measured."""
        wanted = Direction(direction), part
        return next((one for one in self.figures if (one.direction, one.part) == wanted), None)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict, which :func:`read_report` understands."""
        return {**asdict(self), "exit_code": self.exit_code}


def read_report(content: str, name: str) -> EvaluationReport:
    """A report that was saved as JSON.

    Args:
        content: The JSON.
        name: What errors call it.

    Raises:
        SettingsError: It is no report, or one of a newer program.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        report: EvaluationReport = TypeAdapter(EvaluationReport).validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise SettingsError(
            f"{name} is no report of an evaluation ({where}: {first['msg']}); give one that "
            f"--json wrote"
        ) from None
    if report.version != REPORT_VERSION:
        raise SettingsError(
            f"{name} is of version {report.version}, this program reads {REPORT_VERSION}; "
            f"evaluate again"
        )
    return report
