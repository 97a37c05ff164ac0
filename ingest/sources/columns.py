"""Which column of a table says what: the roles, and the names they usually go by."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from ingest.sources.uris import to_printable
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

USUAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "path": ("path", "file", "file_path", "filepath", "file_name", "filename", "image_path"),
    "url": ("url", "image_url", "img_url"),
    "content": ("image", "img", "content", "bytes", "jpg", "jpeg", "png", "webp", "pdf"),
    "text": ("text", "body", "content", "abstract", "passage", "document"),
    "caption": ("caption", "captions", "alt", "alt_text", "description"),
    "title": ("title", "headline"),
    "id": ("id", "uid", "_id", "uuid", "key", "__key__"),
    "media_type": ("media_type", "mime_type", "mimetype", "mime", "content_type"),
    "vector": (),
}
"""Role -> the column names that stand for it, likeliest first, whatever their case.

No column is taken for the vector unasked: only the user knows which model made one.
"""

VECTOR_NAMES = frozenset({"vector", "vectors", "embedding", "embeddings", "emb"})
"""Columns with these names (in lower case) and no role are left out of the metadata."""

_LOGGER = logging.getLogger(__name__)

_FILE_NAMES = ("image", "img", "jpg", "jpeg", "png", "webp", "pdf", "image_file")
"""Names that mean bytes where a column holds bytes, and a file where it holds words."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one table that have a role; every other one is metadata.

    Attributes:
        path: A file below the base folder, a URL, or a ``data:`` URI.
        url: Where the item can be had.
        content: The bytes themselves; in a column of words as base64.
        text: A text to index, or the words of an image where there is no caption.
        caption: Words that come with an image.
        title: The item's title.
        id: What tells the item from all others of the table, now and later.
        media_type: E.g. ``image/jpeg``, where neither bytes nor extension say it.
        vector: Made elsewhere, in the same embedding space.
    """

    path: str | None = None
    url: str | None = None
    content: str | None = None
    text: str | None = None
    caption: str | None = None
    title: str | None = None
    id: str | None = None
    media_type: str | None = None
    vector: str | None = None

    @classmethod
    def guess(
        cls,
        names: Sequence[str],
        given: Mapping[str, str],
        *,
        binary: Collection[str] | None = None,
    ) -> Columns:
        """The roles as they are given, and the rest by usual names.

        Args:
            names: The table's columns.
            given: Role -> column; an empty column means that none has this role.
            binary: The columns that hold bytes. Only they can be ``content`` unasked, and
                ``image`` is a path elsewhere; None where that is not known.

        Raises:
            SettingsError: A role is unknown, or the table has no such column.
        """
        _check(names, given)
        taken = {name for name in given.values() if name}
        by_lower = {name.lower(): name for name in reversed(names)}
        chosen: dict[str, str | None] = {role: name or None for role, name in given.items()}
        for role in ROLES:
            if role in given:
                continue
            usual = USUAL_NAMES[role]
            if role == "path" and binary is not None:
                usual += _FILE_NAMES
            found = (by_lower[one] for one in usual if one in by_lower)
            free = (one for one in found if one not in taken and _suits(role, one, binary))
            chosen[role] = next(free, None)
            taken |= {name for name in (chosen[role],) if name}
        return cls(**chosen)

    def to_roles(self) -> dict[str, str]:
        """Role -> column, of the roles that have one, in the order of :data:`ROLES`."""
        found = ((role, getattr(self, role)) for role in ROLES)
        return {role: name for role, name in found if name is not None}


ROLES = tuple(one.name for one in fields(Columns))
"""Every role, in the order in which an item is looked for."""


def warn_of_vectors(location: str, names: Sequence[str], columns: Columns) -> None:
    """Say once that a column which looks like vectors is left out."""
    spare = [name for name in names if name.lower() in VECTOR_NAMES]
    if spare and columns.vector is None:
        _LOGGER.warning(
            "%s: column %r is left out; if it holds vectors of the index's own model, use them "
            "with --column vector=%s",
            location,
            spare[0],
            spare[0],
        )


def _suits(role: str, name: str, binary: Collection[str] | None) -> bool:
    """Whether a column can have a role that nobody gave it, by what it holds."""
    return binary is None or (name in binary) == (role == "content")


def _check(names: Iterable[str], given: Mapping[str, str]) -> None:
    known = list(names)
    for role, name in given.items():
        if role not in ROLES:
            raise SettingsError(f"columns: no role is called {role!r}; roles: {', '.join(ROLES)}")
        if name and name not in known:
            shown = ", ".join(to_printable(one) for one in known[:50]) or "none"
            raise SettingsError(f"columns: {role}={name}: no such column; columns: {shown}")
