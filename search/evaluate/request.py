"""One evaluation as the command line asks for it."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import SettingsError
from schemas.evaluation import Direction, EvaluationReport, read_report
from schemas.settings import load_settings
from search.evaluate.comparison import check_comparable, compare
from search.evaluate.evaluation import evaluate
from search.evaluate.floors import parse_floor
from search.evaluate.plan import Plan
from search.searcher import Searcher

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from schemas.settings import Settings
    from search.evaluate.questions import Question


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the questions come from; without any file, from the collection's captions.

    Attributes:
        pairs: A file of pairs.
        qrels: A file of judgements.
        queries: The queries that are judged.
        most: Images, or questions of ``qrels``, at most.
        seed: Of the lot that draws them.

    Raises:
        SettingsError: The files do not go together.
    """

    pairs: Path | None = None
    qrels: Path | None = None
    queries: Path | None = None
    most: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """One origin, and all of it."""
        if (self.qrels is None) != (self.queries is None):
            raise SettingsError("--qrels and --queries belong together: give both, or --pairs")
        if self.pairs is not None and self.qrels is not None:
            raise SettingsError("give either --pairs, or --qrels and --queries")

    def read(self, searcher: Searcher) -> list[Question]:
        """The questions.

        Raises:
            SettingsError: There are none, or a file is of another form.
            StoreError: The store failed.
        """
        if self.qrels is not None and self.queries is not None:
            from search.evaluate.qrels import read_judged

            return self._draw(read_judged(self.qrels, self.queries))
        if self.pairs is not None:
            from search.evaluate.pairs import read_pairs

            return self._draw(read_pairs(self.pairs))
        from search.evaluate.captions import make_caption_questions

        return make_caption_questions(searcher, most=self.most, seed=self.seed)

    def _draw(self, questions: list[Question]) -> list[Question]:
        """Those about some right items, so that an image stays with its words."""
        about = list(dict.fromkeys(next(iter(one.right)) for one in questions))
        if self.most is None or self.most >= len(about):
            return questions
        drawn = set(random.Random(self.seed).sample(about, self.most))  # noqa: S311 - no secret
        return [one for one in questions if next(iter(one.right)) in drawn]


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What is evaluated, how, and against what.

    Attributes:
        origin: Where the questions come from.
        plan: How it is measured.
        settings: Of index, collection and all else.
        model: Model id; None for the collection's own.
        options: Of every search.
        against: A collection or the file of a report; None for none.
        against_options: What the other search has instead; empty for nothing.
    """

    origin: Origin
    plan: Plan
    settings: Settings
    model: str | None
    options: Mapping[str, Any]
    against: str | None
    against_options: Mapping[str, Any]

    @classmethod
    def read(cls, **asked: Any) -> Self:  # noqa: ANN401 - the flags of the command
        """The request that the flags stand for.

        Raises:
            SettingsError: Flags contradict each other or cannot be read.
            QueryError: A condition cannot be read.
        """
        from search.where import parse_where

        names = ("pairs", "qrels", "queries", "most")
        origin = Origin(**{name: asked.pop(name) for name in names}, seed=asked["seed"])
        where, rerank = asked.pop("where"), asked.pop("rerank")
        conditions: dict[str, Any] = {"where": parse_where(where)} if where else {}
        conditions |= {"rerank": rerank} if rerank else {}
        given = {
            "model": asked.pop("model"),
            "options": {**conditions, **_to_options(asked.pop("options"))},
            "against": asked.pop("against"),
            "against_options": _to_options(asked.pop("against_options")),
            "settings": load_settings(url=asked.pop("url"), collection=asked.pop("collection")),
        }
        directions = tuple(Direction(one) for one in asked.pop("directions"))
        measures = asked.pop("measures")
        plan = Plan(
            floors=tuple(parse_floor(one) for one in asked.pop("floors")),
            directions=directions or None,
            slices=asked.pop("slices"),
            show_progress=True,
            **({"measures": measures} if measures else {}),
            **asked,
        )
        return cls(origin=origin, plan=plan, **given)

    def run(self, *, gallery: Path | None = None) -> EvaluationReport:
        """Ask, measure, compare and draw.

        Args:
            gallery: Where the worst misses are drawn; None for nowhere.

        Raises:
            DiptychError: As documented at :func:`search.evaluate.evaluation.evaluate`, the
                comparison and the gallery.
        """
        if gallery is not None:
            from search.sheet import check_sheet_path

            check_sheet_path(gallery)
        saved = self._read_saved()
        with self._open(None, self.model) as searcher:
            questions = self.origin.read(searcher)
            if saved is not None:
                check_comparable(questions, saved, self._name_other(saved))
            report = evaluate(searcher, questions, self.plan, **self.options)
            if gallery is not None:
                self._draw(searcher, report, gallery)
            if saved is None and self.against_options and self.against is None:
                saved = self._evaluate_other(searcher, questions)
        if saved is None and self.against is not None:
            with self._open(self.against, None) as searcher:
                saved = self._evaluate_other(searcher, questions)
        if saved is None:
            return report
        return replace(report, comparison=compare(report, saved, self._name_other(saved)))

    def _open(self, collection: str | None, model: str | None) -> Searcher:
        return Searcher.open(collection=collection, settings=self.settings, model=model)

    def _read_saved(self) -> EvaluationReport | None:
        """The report in a file, before anything is asked."""
        if self.against is None or not self.against.endswith(".json"):
            return None
        if self.against_options:
            raise SettingsError("a saved report has its own options: leave --against-option out")
        try:
            content = Path(self.against).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"--against {self.against} cannot be read ({error}); give a report that --json "
                f"wrote, or the name of a collection"
            ) from None
        return read_report(content, f"--against {self.against}")

    def _evaluate_other(
        self, searcher: Searcher, questions: Sequence[Question]
    ) -> EvaluationReport:
        plan = replace(self.plan, floors=(), slices=())
        return evaluate(searcher, questions, plan, **{**self.options, **self.against_options})

    def _name_other(self, saved: EvaluationReport) -> str:
        if self.against is not None and self.against.endswith(".json"):
            return f"{saved.collection} in {self.against}"
        changed = ", ".join(f"{name}={value}" for name, value in self.against_options.items())
        return f"{saved.collection} with {changed}" if changed else saved.collection

    def _draw(self, searcher: Searcher, report: EvaluationReport, path: Path) -> None:
        from search.evaluate.gallery import find_misses, write_gallery

        write_gallery(find_misses(searcher, report, options=self.options), path)


def _to_options(given: Sequence[str]) -> dict[str, Any]:
    """``NAME=VALUE`` each; a value is read as JSON, or else is words.

    Raises:
        SettingsError: One is of another form.
    """
    options: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name.isidentifier():
            raise SettingsError(f"{one!r} is no option of a search; write NAME=VALUE")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    return options
