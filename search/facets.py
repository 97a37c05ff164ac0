"""Facets: how many points have each value of a field, for lists to choose from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, TypedDict

from schemas.errors import QueryError
from schemas.query import Target
from search.fields import find_field, known_fields
from search.filters import to_filter
from search.moments import to_moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from qdrant_client.models import Filter

    from ingest.store.engine import Engine
    from schemas.records import Modality
    from schemas.where import Where
    from search.fields import PayloadField
    from search.generation import Generation

Value: TypeAlias = str | int | float | bool

MAX_LIMIT: Final = 10_000
"""Values at most; more is a listing, not a choice."""


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a field.

    Attributes:
        value: As a condition of equality takes it: of a date its year, ``"2024"``.
        count: How many points have it.
    """

    value: Value
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """The values of a field.

    Attributes:
        field: Which.
        values: The most frequent first, equal counts by value.
        collection: The concrete collection that was counted.
    """

    field: str
    values: tuple[FacetValue, ...]
    collection: str

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "field": self.field,
            "collection": self.collection,
            "values": [{"value": one.value, "count": one.count} for one in self.values],
        }


class FacetOptions(TypedDict, total=False):
    """Keywords of :meth:`search.searcher.Searcher.facets`; see :class:`FacetRequest`."""

    target: Target | str
    where: Where | Sequence[Where] | None
    limit: int


@dataclass(frozen=True, slots=True)
class FacetRequest:
    """What :meth:`search.searcher.Searcher.facets` was called with.

    Counts are exact. An index of words or whole numbers answers at once; for dates, which are
    counted by year in UTC, and for the user's own fields every matching point is read.

    Attributes:
        field: Whose values are counted: one of words, whole numbers or dates, or ``metadata.NAME``.
        target: Which modality's points.
        where: Conditions that must all hold.
        limit: How many values at most, 1 to 10,000.

    Raises:
        UnknownField: There is no such field.
        QueryError: Its values cannot be counted, or another argument makes no sense.
    """

    field: str
    target: Target | str = Target.ANY
    where: Where | Sequence[Where] | None = None
    limit: int = 10

    def __post_init__(self) -> None:
        """Refuse what cannot be counted."""
        found = find_field(self.field)
        if found.kind in ("text", "words", "geo"):
            known = ", ".join(known_fields(["keyword", "integer", "datetime"]))
            raise QueryError(
                f"facets: the values of {self.field} are as many as points; count one of {known}, "
                "or metadata.NAME"
            )
        if self.target not in set(Target):
            raise QueryError(f"target {self.target!r} is not one of {', '.join(Target)}")
        if type(self.limit) is not int or not 1 <= self.limit <= MAX_LIMIT:
            raise QueryError(f"limit is a whole number from 1 to {MAX_LIMIT:,}, not {self.limit!r}")

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What must be encoded: nothing."""
        return ()

    def ask(self, engine: Engine, generation: Generation) -> Facets:
        """Count in one generation; see :meth:`count`.

        Raises:
            CollectionMissing: The store no longer has it.
            DiptychError: As documented there.
        """
        return self.count(engine, generation.collection.name)

    def count(self, engine: Engine, collection_name: str) -> Facets:
        """Count in one collection.

        Raises:
            CollectionMissing: The store no longer has it.
            QueryError: A condition does not fit its field.
            StoreError: The store failed.
        """
        field = find_field(self.field)
        modalities = Target(self.target).modalities
        chosen = to_filter(modalities[0] if len(modalities) == 1 else None, self.where)
        if field.kind in ("keyword", "integer"):
            found = engine.facet(collection_name, field.key, facet_filter=chosen, limit=self.limit)
            values = [FacetValue(hit.value, hit.count) for hit in found.hits]
        else:
            values = self._count(engine, collection_name, field, chosen)
        return Facets(self.field, tuple(values), collection_name)

    def _count(
        self, engine: Engine, collection_name: str, field: PayloadField, chosen: Filter
    ) -> list[FacetValue]:
        from ingest.store.field_values import iter_field_values

        to_value = _to_year if field.kind == "datetime" else _to_value
        counts: Counter[tuple[str, Value]] = Counter()
        for values in iter_field_values(engine, collection_name, field.key, chosen):
            counts.update({found for value in values if (found := to_value(value)) is not None})
        most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [FacetValue(value, count) for (_, value), count in most[: self.limit]]


def _to_value(value: object) -> tuple[str, Value] | None:
    """With its kind, which tells True from 1, and by which different ones have an order."""
    if isinstance(value, bool):
        return "bool", value
    if isinstance(value, int | float):
        return "number", value
    return ("text", value) if isinstance(value, str) else None


def _to_year(value: object) -> tuple[str, Value] | None:
    moment = to_moment(value) if isinstance(value, str) else None
    return None if moment is None else ("year", f"{moment.year:04}")
