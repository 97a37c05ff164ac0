"""One query on its way through one generation: what is asked, and the page of what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from schemas.errors import QueryError
from schemas.records import Modality
from search.candidates import Ask, find, without_sources
from search.cursor import Cursor, cursor_after, rest_after
from search.explanation import explain
from search.highlights import Passages
from search.hits import to_hit
from search.lexical import to_sparse_query
from search.pool import View, apply_all
from search.ranking import to_candidates, to_ranking

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from qdrant_client import models

    from ingest.store.engine import Engine
    from schemas.query import Hit
    from schemas.space import Encoder
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


@dataclass(frozen=True, slots=True)
class Slice:
    """The candidates of one page.

    Attributes:
        candidates: Best first.
        next_cursor: Continues them; None after the end.
    """

    candidates: tuple[Candidate, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Inquiry:
    """A query with everything that decides its answer.

    Attributes:
        options: Of the search.
        aim: Where the query points.
        filters: The modalities that are asked for, each with which of its points.
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
    filters: Mapping[Modality, models.Filter]
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
        """How many documents of each modality fill the page, or the pool."""
        return self.options.pool if self.stages else self._shown

    @property
    def needs_vectors(self) -> bool:
        """Whether points must come with their vectors."""
        return self.options.explain or any(stage.needs_vectors for stage in self.stages)

    @property
    def _shown(self) -> int:
        """Where the page ends, and one more, which tells whether it is the last."""
        return self._position + self.options.top_k + 1

    @property
    def _position(self) -> int:
        """Hits on the pages before."""
        return self.cursor.position if self.cursor else 0

    def to_asks(self, wanted: int) -> list[Ask]:
        """One question a modality."""
        return [self._to_ask(modality, wanted) for modality in self.filters]

    def to_slice(self, found: Sequence[Sequence[Found]], wanted: int) -> Slice | None:
        """The page.

        Args:
            found: What each question found.
            wanted: How much was asked for.

        Returns:
            None where that much does not reach to the page's end, and there is more.
        """
        answers = [
            to_candidates(documents, modality, self.calibration)
            for modality, documents in zip(self.filters, found, strict=True)
        ]
        if self.stages:
            view = View(self.aim, self.scale, self._shown)
            pool = to_ranking(answers)[: self.options.pool]
            return self._cut_at_position(apply_all(self.stages, pool, view))
        if self.options.hybrid:
            # What words are worth depends on what else was found: the order has no lasting places.
            return self._cut_at_position(to_ranking(answers))
        left = [rest_after(answer, self.cursor) for answer in answers]
        is_enough = (
            len(documents) < wanted or len(rest) > self.options.top_k
            for documents, rest in zip(found, left, strict=True)
        )
        if not all(is_enough):
            return None
        return self._cut(to_ranking(left, self.cursor.counts if self.cursor else None))

    def to_answer(self, cut: Slice, passages: Passages | None) -> Answer:
        """The hits of a page.

        Args:
            cut: Its candidates.
            passages: Their sentences, where the best ones are asked for.
        """
        highlights = passages.find_best(self.aim.vector) if passages else {}
        text = self.aim.text
        hits = tuple(
            to_hit(
                candidate,
                rank,
                text,
                explanation=explain(candidate, self.aim, self.calibration)
                if self.options.explain
                else None,
                highlights=highlights,
            )
            for rank, candidate in enumerate(cut.candidates, start=self._position + 1)
        )
        return Answer(hits, cut.next_cursor)

    def _to_ask(self, modality: Modality, wanted: int) -> Ask:
        return Ask(
            vector=self.aim.vector.tolist(),
            modality=modality,
            filter=without_sources(self.filters[modality], self.aim.own_uris),
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

    def _cut(self, rest: Sequence[Candidate]) -> Slice:
        """The first of what comes after the cursor, whose places last."""
        page = tuple(rest[: self.options.top_k])
        if len(rest) <= len(page):
            return Slice(page, None)
        return Slice(page, cursor_after(page, self.cursor, self.digest).to_text())

    def _cut_at_position(self, ranking: Sequence[Candidate]) -> Slice:
        """The page by its number, of an order that is final."""
        end = self._position + self.options.top_k
        page = tuple(ranking[self._position : end])
        if len(ranking) <= end:
            return Slice(page, None)
        return Slice(page, Cursor(self.digest, self._position + len(page)).to_text())


def answer_all(
    inquiries: Sequence[Inquiry], engine: Engine, generation: str, encoder: Encoder
) -> list[Answer]:
    """The answers, in order; all questions are put in one round trip.

    Args:
        inquiries: Of the same options.
        engine: The store.
        generation: The collection's own name.
        encoder: Of its space, for the sentences that matched.

    Raises:
        CollectionMissing: The store no longer has the generation.
        StoreError: The store failed.
    """
    slices = _slice_all(inquiries, engine, generation)
    passages = None
    if inquiries and inquiries[0].options.highlights:
        passages = Passages.encode(_iter_points(slices), encoder)
    return [
        inquiry.to_answer(cut, passages) for inquiry, cut in zip(inquiries, slices, strict=True)
    ]


def _iter_points(slices: Iterable[Slice]) -> Iterable[models.ScoredPoint]:
    """The text passages of pages."""
    return (
        point
        for cut in slices
        for candidate in cut.candidates
        if candidate.modality is Modality.TEXT
        for point in candidate.passages
    )


def _slice_all(inquiries: Sequence[Inquiry], engine: Engine, generation: str) -> list[Slice]:
    """The page of each; what was not enough is asked for again."""
    slices: dict[int, Slice] = {}
    wanted = {number: inquiry.first_wanted for number, inquiry in enumerate(inquiries)}
    while len(slices) < len(inquiries):
        open_ones = [number for number in wanted if number not in slices]
        for number, found in _find_all(inquiries, open_ones, wanted, engine, generation):
            cut = inquiries[number].to_slice(found, wanted[number])
            if cut is None:
                wanted[number] *= GROWTH
            else:
                slices[number] = cut
    return [slices[number] for number in wanted]


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
