"""``qdrant_client``'s filters as ``qdrant_edge``'s, every kind of condition."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import qdrant_edge
from qdrant_client import models

from ingest.store.embedded.points import to_edge_id
from schemas.errors import StoreRejected

if TYPE_CHECKING:
    from qdrant_edge import ConditionType, MatchType, RangeType

_Bound = TypeVar("_Bound", float, datetime)


def to_edge_filter(chosen: models.Filter | None) -> qdrant_edge.Filter | None:
    """The same filter in ``qdrant_edge``'s terms; None stays None.

    Raises:
        StoreRejected: A condition on a field has no predicate, or several.
        ValueError: ``qdrant_edge`` refuses a key, an id or a date.
    """
    return None if chosen is None else _to_filter(chosen)


def _to_filter(chosen: models.Filter) -> qdrant_edge.Filter:
    at_least = chosen.min_should
    return qdrant_edge.Filter(
        must=_to_conditions(chosen.must),
        should=_to_conditions(chosen.should),
        must_not=_to_conditions(chosen.must_not),
        min_should=None
        if at_least is None
        else qdrant_edge.MinShould(
            [_to_condition(condition) for condition in at_least.conditions], at_least.min_count
        ),
    )


def _to_conditions(
    conditions: models.Condition | list[models.Condition] | None,
) -> list[ConditionType] | None:
    if conditions is None:
        return None
    listed = conditions if isinstance(conditions, list) else [conditions]
    return [_to_condition(condition) for condition in listed]


def _to_condition(condition: models.Condition) -> ConditionType:  # noqa: PLR0911 - a row a kind
    match condition:
        case models.FieldCondition():
            return _to_field(condition)
        case models.Filter():
            return _to_filter(condition)
        case models.IsEmptyCondition(is_empty=field):
            return qdrant_edge.IsEmptyCondition(field.key)
        case models.IsNullCondition(is_null=field):
            return qdrant_edge.IsNullCondition(field.key)
        case models.HasIdCondition(has_id=ids):
            return qdrant_edge.HasIdCondition({to_edge_id(point_id) for point_id in ids})
        case models.NestedCondition(nested=nested):
            return qdrant_edge.NestedCondition(nested.key, _to_filter(nested.filter))
        case models.HasVectorCondition(has_vector=name):
            return qdrant_edge.HasVectorCondition(name)
        case models.SliceCondition(slice=part):
            # Missing from the type stubs, like its place among the conditions.
            return qdrant_edge.SliceCondition(part.total, part.index)  # type: ignore[attr-defined,no-any-return]


def _to_field(condition: models.FieldCondition) -> ConditionType:
    """One predicate exactly: of several in one condition, Qdrant's engines obey different ones."""
    key = condition.key
    parts: dict[str, Any] = {
        "match": condition.match and _to_match(condition.match),
        "range": condition.range and _to_range(condition.range),
        "geo_bounding_box": condition.geo_bounding_box and _to_box(condition.geo_bounding_box),
        "geo_radius": condition.geo_radius
        and qdrant_edge.GeoRadius(
            _to_geo(condition.geo_radius.center), condition.geo_radius.radius
        ),
        "geo_polygon": condition.geo_polygon
        and qdrant_edge.GeoPolygon(
            _to_ring(condition.geo_polygon.exterior),
            [_to_ring(ring) for ring in condition.geo_polygon.interiors or ()],
        ),
        "values_count": condition.values_count
        and qdrant_edge.ValuesCount(**condition.values_count.model_dump()),
        "is_empty": condition.is_empty,
        "is_null": condition.is_null,
    }
    given = {name: part for name, part in parts.items() if part is not None}
    if len(given) != 1:
        raise StoreRejected(
            f"filter: the condition on {key!r} says {', '.join(given) or 'nothing'}; make one "
            f"condition of each predicate"
        )
    return qdrant_edge.FieldCondition(key, **given)


def _to_match(match_: models.Match) -> MatchType:  # noqa: PLR0911 - a row a kind
    match match_:
        case models.MatchValue(value=bool() as value):
            # Python's own bool would be read as the integer 0 or 1; numpy's is read as a bool.
            return qdrant_edge.MatchValue(np.bool_(value))  # type: ignore[arg-type]
        case models.MatchValue(value=value):
            return qdrant_edge.MatchValue(value)
        case models.MatchAny(any=values):
            return qdrant_edge.MatchAny(values)
        case models.MatchExcept(except_=values):
            return qdrant_edge.MatchExcept(values)
        case models.MatchText(text=text):
            return qdrant_edge.MatchText(text)
        case models.MatchTextAny(text_any=text):
            return qdrant_edge.MatchTextAny(text)
        case models.MatchPhrase(phrase=text):
            return qdrant_edge.MatchPhrase(text)
        case models.MatchPrefix(prefix=text):
            return qdrant_edge.MatchPrefix(text)
        case models.MatchSubstring(substring=text):
            return qdrant_edge.MatchSubstring(text)


def _to_range(bounds: models.RangeInterface) -> RangeType:
    if isinstance(bounds, models.Range):
        return qdrant_edge.RangeFloat(**_to_tightest(bounds.model_dump(exclude_none=True)))
    moments = {
        name: _to_moment(value) for name, value in bounds.model_dump(exclude_none=True).items()
    }
    tightest = _to_tightest(moments)
    return qdrant_edge.RangeDateTime(**{name: at.isoformat() for name, at in tightest.items()})


def _to_tightest(bounds: dict[str, _Bound]) -> dict[str, _Bound]:
    """At most one bound a side: of ``lt`` and ``lte`` together, a payload index obeys one."""
    kept = dict(bounds)
    if "lt" in kept and "lte" in kept:
        del kept["lte" if kept["lt"] <= kept["lte"] else "lt"]
    if "gt" in kept and "gte" in kept:
        del kept["gte" if kept["gt"] >= kept["gte"] else "gt"]
    return kept


def _to_moment(value: datetime | date) -> datetime:
    """Midnight for a day, UTC where no zone is given: Qdrant's own reading."""
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _to_geo(point: models.GeoPoint) -> qdrant_edge.GeoPoint:
    return qdrant_edge.GeoPoint(point.lon, point.lat)


def _to_ring(ring: models.GeoLineString) -> list[qdrant_edge.GeoPoint]:
    return [_to_geo(point) for point in ring.points]


def _to_box(box: models.GeoBoundingBox) -> qdrant_edge.GeoBoundingBox:
    return qdrant_edge.GeoBoundingBox(_to_geo(box.top_left), _to_geo(box.bottom_right))
