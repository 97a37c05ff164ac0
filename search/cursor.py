"""Where an answer is continued: an opaque text that holds what the next page must know.

It names the last hit by its score, not by its number, so that a point which comes or goes between
two pages makes no other hit come twice or not at all. Scores of one point may differ in their last
digits from search to search, so those that were given with nearly the same score are named too.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from schemas.errors import QueryError
from search.options import Options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.query import Query
    from search.ranking import Candidate

_TOLERANCE = 5e-5
"""Scores that differ by less may be of one point; float32 gives cosines to about 1e-7, calibrated
ones are up to fifty times as large."""

_DECIDING = [one.name for one in fields(Options) if one.name not in ("cursor", "top_k")]
"""Options that decide what an answer is, not where its pages end."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The end of a page.

    Attributes:
        digest: Of the search it belongs to, and of the generation that answered.
        position: Hits up to here.
        score: Of the last hit, what the ranking falls by; None where modalities took turns.
        near: Beginnings of the ids of hits that were given with nearly this score.
    """

    digest: str
    position: int
    score: float | None = None
    near: tuple[str, ...] = ()

    def to_text(self) -> str:
        """URL-safe base64 of JSON; :func:`from_text` reads it."""
        packed = json.dumps(asdict(self), separators=(",", ":"))
        return base64.urlsafe_b64encode(packed.encode()).decode()


def from_text(text: str, digest: str) -> Cursor:
    """The cursor of a search.

    Args:
        text: Of :meth:`Cursor.to_text`.
        digest: Of the search that is to go on.

    Raises:
        QueryError: It is no cursor, or another search's, or of a generation that was replaced.
    """
    try:
        packed: dict[str, Any] = json.loads(base64.b64decode(text, altchars=b"-_", validate=True))
        score = packed["score"]
        found = Cursor(
            str(packed["digest"]),
            int(packed["position"]),
            None if score is None else float(score),
            tuple(map(str, packed["near"])),
        )
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise QueryError("cursor: give next_cursor of the page before, as it stands") from error
    if found.digest != digest or found.position < 0:
        raise QueryError(
            "cursor: it belongs to another search, or the collection was replaced since: repeat "
            "query and options as they were, or begin again without a cursor"
        )
    return found


def rest_after(ranking: list[Candidate], cursor: Cursor | None) -> list[Candidate]:
    """What of a ranking comes after a cursor."""
    if cursor is None:
        return ranking
    if cursor.score is None:
        return ranking[cursor.position :]
    most, given = cursor.score + _TOLERANCE, set(cursor.near)
    return [one for one in ranking if one.score < most and _to_short(one) not in given]


def cursor_after(page: Sequence[Candidate], before: Cursor | None, digest: str) -> Cursor:
    """The cursor at the end of a page.

    Args:
        page: What is on it, in the order of falling score; at least one.
        before: The cursor that the page began at.
        digest: Of the search.
    """
    position = (before.position if before else 0) + len(page)
    last = page[-1].score
    near = [_to_short(one) for one in page if one.score <= last + 2 * _TOLERANCE]
    if before and before.score is not None and before.score <= last + 2 * _TOLERANCE:
        near = [*before.near, *near]
    return Cursor(digest, position, last, tuple(near))


def _to_short(candidate: Candidate) -> str:
    """Enough of an id to tell it from the few with the same score."""
    return candidate.point_id[:13]


def to_digest(
    queries: list[tuple[Query, float]], options: Options, mark: tuple[str, object]
) -> str:
    """What a search is told from others by: all but its page.

    Args:
        queries: What is searched for, with weights.
        options: Of the search.
        mark: Of the generation.
    """
    from blake3 import blake3

    said = [
        [[query.text, query.item, _to_name(query.image), weight] for query, weight in queries],
        [getattr(options, name) for name in _DECIDING],
        mark,
    ]
    canonical = json.dumps(said, sort_keys=True, default=repr)
    return blake3(canonical.encode("utf-8", "surrogatepass")).hexdigest(length=16)


def _to_name(image: object) -> str | None:
    """An image by its path, or else by its content."""
    from blake3 import blake3

    if image is None or isinstance(image, str):
        return image
    if isinstance(image, bytes):
        return blake3(image).hexdigest()
    if hasattr(image, "tobytes"):
        return blake3(image.tobytes()).hexdigest()
    return str(image)
