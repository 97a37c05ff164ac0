"""One pass over a folder: its files as records, in the byte order of their paths.

A listing in which nothing is new should cost little more than the calls of the operating system,
so what all files of a folder have in common is done once a folder.
"""

from __future__ import annotations

import os
import re
from time import time_ns
from typing import TYPE_CHECKING, NamedTuple

from ingest.sources.file_record import to_file_record
from ingest.sources.ignore import IGNORE_FILE
from ingest.sources.media_types import MEDIA_TYPES, to_modality
from ingest.sources.stamps import to_file_stamp
from ingest.sources.uris import quote_path, to_source_uri
from schemas.errors import SourceError, UnreadableSource

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator

    from ingest.sources.ignore import IgnoreRules
    from schemas.records import Record

_NO_EXTENSION = "(no extension)"
_LINKED_FOLDER = "(link to a folder)"
_IGNORE_FILES = frozenset({IGNORE_FILE, f"{IGNORE_FILE}/"})
_KINDS = {extension: (kind, to_modality(kind)) for extension, kind in MEDIA_TYPES.items()}
_PLAIN = re.compile(r"[A-Za-z0-9_.~/-]*")
"""Names that stand in a URI as they are."""


class _Folder(NamedTuple):
    """A folder that is to be listed.

    Attributes:
        path: Where it is, absolute.
        relative_path: Below the root, with a slash at the end; empty for the root.
        source_uri: With a slash at the end.
        rules: What is listed in it, but for its own ignore file.
    """

    path: str
    relative_path: str
    source_uri: str
    rules: IgnoreRules


class Walk:
    """One pass over a folder. A stack, not recursion: paths may be thousands of folders deep.

    Args:
        root: Name of the root.
        hidden: Whether names that begin with a dot are listed.
        skipped: Counts what is not listed by its kind, if given.
    """

    def __init__(self, root: str, *, hidden: bool, skipped: Counter[str] | None) -> None:
        """Nothing is listed yet."""
        self._root = root
        self._hidden = hidden
        self._skipped = skipped

    def iter_records(self, path: str, rules: IgnoreRules) -> Iterator[Record | SourceError]:
        """The files below a path, lazily: the names of one folder at a time.

        Args:
            path: Of the root, absolute.
            rules: What is listed.
        """
        root = _Folder(path, "", to_source_uri(self._root, ""), rules)
        stack = [self._iter_folder(root)]
        while stack:
            for item in stack[-1]:
                if isinstance(item, _Folder):
                    stack.append(self._iter_folder(item))
                    break
                yield item
            else:
                stack.pop()

    def _iter_folder(self, folder: _Folder) -> Iterator[Record | SourceError | _Folder]:
        """Items of one folder in order; a folder in it stands for what is below it."""
        path, relative_path, source_uri, rules = folder
        try:
            entries = _scan(path)
            if not _IGNORE_FILES.isdisjoint(entries):
                rules = rules.below(path, relative_path, source_uri)
                entries.pop(IGNORE_FILE, None)
        except (OSError, ValueError, SourceError) as error:
            yield _to_unlisted(source_uri, error)
            return
        checks, hidden, to_item = not rules.admits_all, self._hidden, self._to_item
        for name, uri in _iter_names(entries, source_uri):
            if name[0] == "." and not hidden:
                continue
            if name[-1] == "/":
                if not checks or rules.admits_folder(relative_path + name):
                    yield _Folder(entries[name].path, relative_path + name, uri, rules)
            elif not checks or rules.admits_file(relative_path + name):
                item = to_item(entries[name], uri)
                if item is not None:
                    yield item

    def _to_item(self, entry: os.DirEntry[str], source_uri: str) -> Record | SourceError | None:
        """The record of a file; None when it is not listed."""
        begun_ns = time_ns()
        if entry.is_symlink() and _leads_to_folder(entry):
            self._skip(_LINKED_FOLDER)
            return None
        stem, _, extension = entry.name.rpartition(".")
        extension = f".{extension.lower()}" if stem and extension else ""
        kind = _KINDS.get(extension)
        if kind is None:
            self._skip(extension or _NO_EXTENSION)
            return None
        try:
            status = _stat(entry)
        except OSError as error:
            return UnreadableSource(source_uri, f"cannot be found ({error.strerror})")
        stamp = to_file_stamp(status, begun_ns, time_ns())
        return to_file_record((source_uri, self._root, entry.path), kind, status, stamp)

    def _skip(self, kind: str) -> None:
        if self._skipped is not None:
            self._skipped[kind] += 1


def _scan(path: str) -> dict[str, os.DirEntry[str]]:
    """What lies in a folder, by name; folders with a slash, as they sort in their paths."""
    with os.scandir(path) as found:
        return {
            f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name: entry
            for entry in found
        }


def _iter_names(entries: Iterable[str], folder_uri: str) -> Iterator[tuple[str, str]]:
    """``(name, source URI)`` of what lies in a folder, by the bytes of the names."""
    text = "".join(entries)
    # Characters sort as their UTF-8 does; not so those that stand for bytes which are no text.
    ordered = sorted(entries, key=None if text.isascii() else os.fsencode)
    if _PLAIN.fullmatch(text):
        return ((name, folder_uri + name) for name in ordered)
    return ((name, folder_uri + quote_path(name)) for name in ordered)


def _leads_to_folder(link: os.DirEntry[str]) -> bool:
    try:
        return link.is_dir()
    except OSError:  # a link to itself
        return False


def _stat(entry: os.DirEntry[str]) -> os.stat_result:
    """Of a link's target, or of the link itself when it leads nowhere."""
    try:
        return entry.stat()
    except OSError:
        return entry.stat(follow_symlinks=False)


def _to_unlisted(source_uri: str, error: Exception) -> SourceError:
    """The error of a folder about which nothing is known."""
    reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
    return UnreadableSource(
        source_uri,
        f"the folder or its {IGNORE_FILE} cannot be read ({reason}); "
        "mend it, or exclude the folder",
    )
