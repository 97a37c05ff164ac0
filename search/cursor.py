"""Where an answer is continued: an opaque text that holds what the next page must know.

It names the last hit of each modality by its cosine, not by its number, so that a point which
comes or goes between two pages makes no other hit come twice or not at all. Cosines of one point
may differ in their last digits from search to search, so hits with nearly the same are named too.
"""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from schemas.errors import QueryError
from schemas.records import Modality
from search.options import Options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schemas.query import Query
    from search.ranking import Candidate

_TOLERANCE = 2e-6
"""Cosines that differ by less may be of one point: float32 gives them to about 1e-7."""

MAX_POSITION: Final = 1_000_000
"""Hits that can be paged through; every page asks the store for all before it."""

_DECIDING = [one.name for one in fields(Options) if one.name not in ("cursor", "top_k")]
"""Options that decide what an answer is, not where its pages end."""


class Place(NamedTuple):
    """Where one modality's hits ended.

    Attributes:
        hits: How many there were.
        cosine: Of the last of them.
        near: Beginnings of the ids of those with nearly this cosine.
    """

    hits: int
    cosine: float
    near: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cursor:
    """The end of a page.

    Attributes:
        digest: Of the search it belongs to, and of the generation that answered.
        position: Hits up to here.
        places: Modality -> where its hits ended; empty for a ranking that is cut by position.
    """

    digest: str
    position: int
    places: Mapping[str, Place] = field(default_factory=dict)

    @property
    def counts(self) -> dict[Modality, int]:
        """Hits of each modality up to here."""
        return {Modality(name): place.hits for name, place in self.places.items()}

    def to_text(self) -> str:
        """URL-safe base64 of JSON; :func:`from_text` reads it."""
        said = [self.digest, self.position, self.places]
        packed = json.dumps(said, separators=(",", ":"))
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
        found = _unpack(json.loads(base64.b64decode(text, altchars=b"-_", validate=True)))
    except (ArithmeticError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise QueryError("cursor: give next_cursor of the page before, as it stands") from error
    if found.digest != digest:
        raise QueryError(
            "cursor: it belongs to another search, or the collection was replaced since: repeat "
            "query and options as they were, or begin again without a cursor"
        )
    return found


def _unpack(packed: Any) -> Cursor:  # noqa: ANN401 - whatever somebody sent
    digest, position, places = packed
    read = {
        str(Modality(name)): Place(int(count), float(cosine), tuple(map(str, near)))
        for name, (count, cosine, near) in places.items()
    }
    found = Cursor(str(digest), int(position), read)
    is_sound = 0 <= found.position <= MAX_POSITION and all(
        -1 <= place.cosine <= 1 and 0 <= place.hits <= found.position for place in read.values()
    )
    if not is_sound:  # also where a cosine is NaN
        raise ValueError(packed)
    return found


def rest_after(answer: Sequence[Candidate], cursor: Cursor | None) -> list[Candidate]:
    """What of one modality's answer, by falling cosine, comes after a cursor."""
    place = cursor.places.get(str(answer[0].modality)) if cursor and answer else None
    if place is None:
        return list(answer)
    most, given = place.cosine + _TOLERANCE, set(place.near)
    return [one for one in answer if one.cosine < most and _to_short(one) not in given]


def cursor_after(page: Sequence[Candidate], before: Cursor | None, digest: str) -> Cursor:
    """The cursor at the end of a page.

    Args:
        page: What is on it, each modality by falling cosine.
        before: The cursor that the page began at.
        digest: Of the search.
    """
    places = dict(before.places) if before else {}
    for modality in dict.fromkeys(one.modality for one in page):
        own = [one for one in page if one.modality is modality]
        places[str(modality)] = _to_place(own, places.get(str(modality)))
    return Cursor(digest, (before.position if before else 0) + len(page), places)


def _to_place(own: Sequence[Candidate], before: Place | None) -> Place:
    last = own[-1].cosine
    near = [_to_short(one) for one in own if one.cosine <= last + 2 * _TOLERANCE]
    if before and before.cosine <= last + 2 * _TOLERANCE:
        near = [*before.near, *near]
    return Place((before.hits if before else 0) + len(own), last, tuple(near))


def _to_short(candidate: Candidate) -> str:
    """Enough of an id to tell it from the few with the same cosine."""
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
        with suppress(OSError):  # truncated: decoding it says so in our own words
            pixels = blake3(image.tobytes()).hexdigest()
            return f"{getattr(image, 'mode', '')} {getattr(image, 'size', '')} {pixels}"
    return str(image)
