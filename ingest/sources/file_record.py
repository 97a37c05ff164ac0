"""The record of a file, made in a fifth of the time: a walk makes one for every file there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from schemas.records import Record

if TYPE_CHECKING:
    import os

    from schemas.records import Modality

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


class _Draft:
    """A record while it is written: the same slots, and not yet frozen."""

    __slots__ = Record.__slots__

    def __init__(self, names: tuple[str, str, str], kind: tuple[str, Modality]) -> None:
        """Every field; those that no folder knows as they are by default."""
        self.source_uri, self.root, self.location = names
        self.media_type, self.modality = kind
        self.size_bytes = 0
        self.modified_ns: int | None = None
        self.metadata: dict[str, object] = {}
        self.title = self.caption = self.content = self.vector = None
        self.stamp: str | None = None


def to_file_record(
    names: tuple[str, str, str],
    kind: tuple[str, Modality],
    status: os.stat_result,
    stamp: str | None,
) -> Record:
    """A record like any other; that it can be found again is for the caller to see to.

    The constructor of a frozen class sets each field through a call, and then checks what is
    always so of a file: none of its names is empty, and its size is not negative.

    Args:
        names: Source URI, root and location; none is empty.
        kind: Media type and modality.
        status: Of the file.
        stamp: Of the file.
    """
    draft = _Draft(names, kind)
    draft.size_bytes = status.st_size
    # File systems hold times that no store and no calendar does; 64 bits end in 2262.
    modified_ns = status.st_mtime_ns
    is_usual = _INT64_MIN <= modified_ns <= _INT64_MAX
    draft.modified_ns = modified_ns if is_usual else min(max(modified_ns, _INT64_MIN), _INT64_MAX)
    draft.stamp = stamp
    draft.__class__ = Record  # type: ignore[assignment] # of one layout, which Python sees to
    return cast("Record", draft)
