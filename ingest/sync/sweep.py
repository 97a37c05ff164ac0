"""Remove what vanished from a source, unless so much vanished that the source is to blame."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ingest.sources.folder import FolderSource
from schemas.collection import sources_filter, to_point_id
from schemas.errors import MassDeleteRefused

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Sequence

    from ingest.fingerprint import Version
    from ingest.sources.source import Source
    from ingest.store.writer import Writer
    from ingest.sync.session import Session

ITEMS_PER_REQUEST = 200
"""Items that are removed in one request."""

FEW_ITEMS = 10
"""So few may always go, unless they are all there are: a tenth of a small folder is one file."""


def take_twin(versions: Iterable[Version], added: Counter[str]) -> str | None:
    """The content hash by which an added item has the bytes of one that vanished, if one has.

    Each excuses one.

    Args:
        versions: Of the item that vanished.
        added: How many items of each content hash were added; the one that is found is taken out.
    """
    for version in versions:
        if added[version.content_hash] > 0:
            added[version.content_hash] -= 1
            return version.content_hash
    return None


def check_sweep(
    source: Source, mount_before: str | None, *, lost: int, known: int, listed: int, share: float
) -> None:
    """Refuse a sweep for any of the reasons below.

    Raises:
        MassDeleteRefused: See :func:`check_mount` and :func:`check_mass_delete`.
    """
    if lost:
        check_mount(source, mount_before)
        check_mass_delete(source, lost=lost, known=known, listed=listed, share=share)


def check_mass_delete(source: Source, *, lost: int, known: int, listed: int, share: float) -> None:
    """Refuse a sweep that looks like a missing disk rather than like somebody's wish.

    Args:
        source: The root.
        lost: How many items vanished; those that were only renamed are not among them.
        known: How many were indexed before.
        listed: How many the source listed.
        share: Which share of the known ones may vanish.

    Raises:
        MassDeleteRefused: Nothing is listed at all, or too much has vanished.
    """
    if not listed:
        raise MassDeleteRefused(
            f"{source.name}: {source.location} is empty, and {known:,} of its items are indexed: "
            f"is a disk not mounted? {_ADVICE}"
        )
    is_all = lost == known and known > 1
    if is_all or (lost > FEW_ITEMS and lost > share * known):
        raise MassDeleteRefused(
            f"{source.name}: {lost:,} of {known:,} items are gone from {source.location}, which is "
            f"more than max_delete_share ({share:.0%}) allows. {_ADVICE}"
        )


def check_mount(source: Source, before: str | None) -> None:
    """Refuse a sweep below a root whose file system is not the one it was.

    Args:
        source: The root.
        before: Of :func:`to_mount_point`, when the root was last gone through.

    Raises:
        MassDeleteRefused: Another file system is mounted there, or none.
    """
    now = to_mount_point(source)
    if None not in (before, now) and before != now:
        raise MassDeleteRefused(
            f"{source.name}: {source.location} lay on the file system mounted at {before} and now "
            f"lies on that at {now}: is a disk not mounted? {_ADVICE}"
        )


def to_mount_point(source: Source) -> str | None:
    """Where the file system that a folder lies on is mounted; None for other sources."""
    if not isinstance(source, FolderSource):
        return None
    path = os.path.realpath(source.path)
    while not os.path.ismount(path):
        path = os.path.dirname(path)  # noqa: PTH120 - paths may be no text
    return path


def count_held(session: Session, uris: Sequence[str]) -> int:
    """How many of the items that vanished a search can still find.

    All of them, unless the session's generation is not the live one.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    if session.live is None:
        return len(uris)
    held = 0
    for start in range(0, len(uris), ITEMS_PER_REQUEST):
        ids = [to_point_id(uri, 0) for uri in uris[start : start + ITEMS_PER_REQUEST]]
        held += len(session.engine.retrieve(session.live, ids, with_payload=False))
    return held


def delete_items(writer: Writer, uris: Sequence[str]) -> None:
    """Remove every point of these items.

    Raises:
        StoreUnavailable: The store stayed away for longer than retries last.
    """
    for start in range(0, len(uris), ITEMS_PER_REQUEST):
        writer.delete(sources_filter(uris[start : start + ITEMS_PER_REQUEST]))


_ADVICE = (
    "Nothing was removed. If it is as it should be, run again with --allow-mass-delete; what was "
    "new or changed is indexed"
)
