"""One query on its way through one generation: what is asked, and the page of what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from schemas.errors import QueryError
from search.candidates import Ask, find, without_sources
from search.cursor import Cursor, cursor_after, rest_after
from search.explanation import explain
from search.filters import to_filter
from search.hits import to_hit
from search.lexical import to_sparse_query
from search.pool import View, apply_all
from search.ranking import to_candidates, to_ranking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.store.engine import Engine
    from schemas.query import Hit
    from schemas.records import Modality
    from search.calibration import Calibration, Scale
    from search.candidates import Found
    from search.composition import Aim
    from search.options import Options
    from search.pool import Stage
    from search.ranking import Candidate

GROWTH: Final = 2
"""How many times as much is asked for where much came in before the cursor's place."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits of one query.

    Attributes:
        hits: Best first.
        next_cursor: Continues them; None after the end.
    """

    hits: tuple[Hit, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Inquiry:
    """A query with everything that decides its answer.

    Attributes:
        options: Of the search.
        aim: Where the query points.
        targets: The modalities that are asked for.
        scale: Of the collection, if it has a background.
        digest: Of the search, for its cursors.
        cursor: Where the page begins; None for the first.
        stages: What reorders or removes candidates; with any, the answer is a pool's.

    Raises:
        QueryError: A percentile is asked for and the collection has no background, or words are to
            be compared and the query has none.
    """

    options: Options
    aim: Aim
    targets: Sequence[Modality]
    scale: Scale | None
    digest: str
    cursor: Cursor | None = None
    stages: Sequence[Stage] = ()
    calibration: Calibration | None = field(init=False)

    def __post_init__(self) -> None:
        """Read the background for this query."""
        if self.options.hybrid and to_sparse_query(self.aim.text or "") is None:
            raise QueryError(
                "hybrid: the query has no words to compare; add a text, or leave it out"
            )
        scale, aim = self.scale, self.aim
        calibration = None if scale is None else scale.read(aim.vector, aim.modality)
        object.__setattr__(self, "calibration", calibration)

    @property
    def first_wanted(self) -> int:
        """How many documents of each modality fill the pool, or the page.

        One more than the page tells whether it is the last.
        """
        if self.stages:
            return self.options.pool
        return self._position + self.options.top_k + 1

    @property
    def _position(self) -> int:
        """Hits on the pages before."""
        return self.cursor.position if self.cursor else 0

    @property
    def needs_vectors(self) -> bool:
        """Whether points must come with their vectors."""
        return self.options.explain or any(stage.needs_vectors for stage in self.stages)

    def to_asks(self, wanted: int) -> list[Ask]:
        """One question a modality."""
        return [self._to_ask(modality, wanted) for modality in self.targets]

    def to_answer(self, found: Sequence[Sequence[Found]], wanted: int) -> Answer | None:
        """The page.

        Args:
            found: What each question found.
            wanted: How much was asked for.

        Returns:
            None where that much does not reach to the page's end, and there is more.
        """
        answers = [
            to_candidates(documents, modality, self.calibration)
            for modality, documents in zip(self.targets, found, strict=True)
        ]
        if self.stages:
            pool = to_ranking(answers)[: self.options.pool]
            return self._to_page(apply_all(self.stages, pool, View(self.aim))[self._position :])
        if self.options.hybrid:
            # What words are worth depends on what else was found: the order has no lasting places.
            return self._to_page(to_ranking(answers)[self._position :])
        left = [rest_after(answer, self.cursor) for answer in answers]
        is_enough = (
            len(documents) < wanted or len(rest) > self.options.top_k
            for documents, rest in zip(found, left, strict=True)
        )
        if not all(is_enough):
            return None
        return self._to_page(to_ranking(left, self.cursor.counts if self.cursor else None))

    def _to_ask(self, modality: Modality, wanted: int) -> Ask:
        return Ask(
            vector=self.aim.vector.tolist(),
            modality=modality,
            filter=without_sources(to_filter(modality, self.options.where), self.aim.own_uris),
            wanted=wanted,
            threshold=self._to_threshold(modality),
            words=self.aim.text if self.options.hybrid else None,
        )

    def _to_threshold(self, modality: Modality) -> float | None:
        """The lowest cosine that satisfies both the threshold and the percentile."""
        cosine, percentile = self.options.score_threshold, self.options.min_percentile
        if percentile is None:
            return cosine
        least = None
        if self.calibration is not None:
            score = self.calibration.least_score(percentile, modality)
            least = None if score is None else self.calibration.to_cosine(score, modality)
        if least is None:
            raise QueryError(
                f"min_percentile: the collection has too few {modality}s to say what a good score "
                "is; leave it out, or ingest more"
            )
        return least if cosine is None else max(cosine, least)

    def _to_page(self, rest: Sequence[Candidate]) -> Answer:
        page = rest[: self.options.top_k]
        hits = tuple(
            to_hit(
                candidate,
                rank,
                self.aim.text,
                explanation=explain(candidate, self.aim, self.calibration)
                if self.options.explain
                else None,
            )
            for rank, candidate in enumerate(page, start=self._position + 1)
        )
        if len(rest) <= len(page):
            return Answer(hits, None)
        if self.options.hybrid or self.stages:
            return Answer(hits, Cursor(self.digest, self._position + len(page)).to_text())
        return Answer(hits, cursor_after(page, self.cursor, self.digest).to_text())


def answer_all(inquiries: Sequence[Inquiry], engine: Engine, generation: str) -> list[Answer]:
    """The answers, in order; all questions are put in one round trip.

    Args:
        inquiries: Of the same options.
        engine: The store.
        generation: The collection's own name.

    Raises:
        CollectionMissing: The store no longer has the generation.
        StoreError: The store failed.
    """
    answers: dict[int, Answer] = {}
    wanted = {number: inquiry.first_wanted for number, inquiry in enumerate(inquiries)}
    while len(answers) < len(inquiries):
        open_ones = [number for number in wanted if number not in answers]
        for number, found in _find_all(inquiries, open_ones, wanted, engine, generation):
            answer = inquiries[number].to_answer(found, wanted[number])
            if answer is None:
                wanted[number] *= GROWTH
            else:
                answers[number] = answer
    return [answers[number] for number in wanted]


def _find_all(
    inquiries: Sequence[Inquiry],
    numbers: Sequence[int],
    wanted: dict[int, int],
    engine: Engine,
    generation: str,
) -> list[tuple[int, list[list[Found]]]]:
    """What was found for some inquiries, a list a modality."""
    options = inquiries[numbers[0]].options
    asks = {number: inquiries[number].to_asks(wanted[number]) for number in numbers}
    found = iter(
        find(
            engine,
            generation,
            [ask for number in numbers for ask in asks[number]],
            passages=None if options.all_chunks else options.passages,
            with_vectors=inquiries[numbers[0]].needs_vectors,
        )
    )
    return [(number, [next(found) for _ in asks[number]]) for number in numbers]
