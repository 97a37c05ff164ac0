"""Groups, which ``qdrant_edge`` does not know, out of plain searches.

The nearest points are fetched in growing numbers until they hold as many groups as asked for, or
there are no more points: a document of ten thousand chunks near the query cannot hide the others.
The groups and their order are then known, since a group ranks by its best point. A group that is
still short of members gets them by a search of its own, all of these in one batch, so that the
common case, one small document a group, costs two searches and never a scan of the collection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qdrant_client import models
from qdrant_client.local.payload_value_extractor import value_by_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Search = Callable[[Sequence[models.QueryRequest]], list[list[models.ScoredPoint]]]

FIRST_WIDTH: Final = 64
GROWTH: Final = 4
"""Each wider search costs about as much as all before it: at most twice the work of one that had
known the width."""


def gather_groups(
    search: Search, request: models.QueryRequest, group_by: str, limit: int, group_size: int
) -> list[models.PointGroup]:
    """The nearest points by the value of a payload field.

    Args:
        search: Answers requests in one batch.
        request: The query, its filter, threshold and effort; the rest of it is not used.
        group_by: The field; points without a string or integer in it are left out.
        limit: How many groups at most.
        group_size: How many points a group at most.

    Returns:
        Groups by their best point; their points carry the grouping field alone as payload.
    """
    found, is_everything = _find(search, request, group_by, limit, group_size)
    chosen = dict(list(found.items())[:limit])
    if not is_everything:
        short = [value for value, hits in chosen.items() if len(hits) < group_size]
        members = [_members(request, group_by, value, group_size) for value in short]
        if members:
            chosen.update(zip(short, search(members), strict=True))
    return [models.PointGroup(id=value, hits=hits[:group_size]) for value, hits in chosen.items()]


def _find(
    search: Search, request: models.QueryRequest, group_by: str, limit: int, group_size: int
) -> tuple[dict[models.GroupId, list[models.ScoredPoint]], bool]:
    """Enough groups by their best point, and whether every matching point was seen."""
    width = max(FIRST_WIDTH, limit * group_size)
    # A path through an array does not select payload fields, so the whole payload comes.
    fields: bool | list[str] = True if "[" in group_by else [group_by]
    while True:
        wide = request.model_copy(
            update={"limit": width, "offset": None, "with_payload": fields, "with_vector": False}
        )
        (hits,) = search([wide])
        is_everything = len(hits) < width
        found = _by_value(hits, group_by)
        if is_everything or len(found) >= limit:
            return found, is_everything
        width *= GROWTH


def _by_value(
    hits: Sequence[models.ScoredPoint], group_by: str
) -> dict[models.GroupId, list[models.ScoredPoint]]:
    groups: dict[models.GroupId, list[models.ScoredPoint]] = {}
    for hit in hits:
        for value in group_ids(hit.payload or {}, group_by):
            groups.setdefault(value, []).append(hit)
    return groups


def group_ids(payload: Mapping[str, object], group_by: str) -> list[models.GroupId]:
    """The groups of a point, by Qdrant's rule.

    A point with any value that is neither a string nor an integer (a bool is neither) in the
    field belongs to no group at all; one with several values belongs to several groups.
    """
    values = value_by_key(dict(payload), group_by) or []
    if any(type(value) not in (int, str) for value in values):
        return []
    return list(dict.fromkeys(values))


def _members(
    request: models.QueryRequest, group_by: str, value: models.GroupId, group_size: int
) -> models.QueryRequest:
    """The search for the best points of one group."""
    of_group: models.Condition = models.FieldCondition(
        key=group_by, match=models.MatchValue(value=value)
    )
    both = [of_group, request.filter] if request.filter else [of_group]
    return request.model_copy(
        update={
            "filter": models.Filter(must=both),
            "limit": group_size,
            "offset": None,
            "with_payload": [group_by],
            "with_vector": False,
        }
    )
