"""A folder as a source of records."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from ingest.sources.ignore import IGNORE_FILE, IgnoreRules, to_patterns
from ingest.sources.media_types import MEDIA_TYPES, to_modality
from ingest.sources.names import check_name, to_name
from ingest.sources.read import read_beside, read_bytes
from ingest.sources.uris import FOLDER, from_source_uri, to_printable, to_source_uri
from schemas.errors import SettingsError, SourceError, UnreadableSource
from schemas.records import Record

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator

_NO_EXTENSION = "(no extension)"
_LINKED_FOLDER = "(link to a folder)"
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class FolderSource:
    """The files below a folder, as records. Made by :meth:`open`.

    Attributes:
        path: The folder, absolute.
        name: What it is called in every source URI; the same name and relative path are the same
            item, wherever the folder lies.
        include: Patterns as in ``.gitignore``, relative to the folder; when there are any, only
            files that match one are listed.
        exclude: Patterns of files and folders that are not.
        hidden: Whether names that begin with a dot are listed.
    """

    path: Path
    name: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        name: str | None = None,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        hidden: bool = False,
    ) -> FolderSource:
        """A folder that is there, under a name that can stand in a URI.

        Args:
            path: The folder.
            name: Its name; by default the folder's own, with other characters than letters,
                digits, spaces and ``_.@+=,()-`` replaced by ``_``.
            include: See the class.
            exclude: See the class.
            hidden: See the class.

        Raises:
            SettingsError: The path is no folder, the name cannot be used, or a pattern is
                malformed.
        """
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
        if not absolute.is_dir():
            raise SettingsError(_to_problem(absolute))
        chosen = check_name(name or to_name(absolute.name))
        source = cls(absolute, chosen, tuple(include), tuple(exclude), hidden)
        source.to_rules()
        return source

    @property
    def scheme(self) -> str:
        """That of its source URIs."""
        return FOLDER

    @property
    def location(self) -> str:
        """The folder."""
        return str(self.path)

    def read(self, record: Record, max_bytes: int) -> bytes:
        """The bytes of a record's file; see :func:`ingest.sources.read.read_bytes`."""
        return read_bytes(record, max_bytes)

    def read_beside(self, record: Record, reference: str, max_bytes: int) -> bytes:
        """The bytes of a file that a document names; never of one outside the folder."""
        return read_beside(record, reference, max_bytes)

    def find_rival(self, source_uri: str, location: str) -> str | None:
        """Another folder under this name which is still there."""
        before = Path(location.removesuffix(from_source_uri(source_uri)[1]))
        is_rival = before.is_dir() and not before.samefile(self.path)
        return str(before) if is_rival else None

    def to_rules(self) -> IgnoreRules:
        """The include and exclude patterns, compiled.

        Raises:
            SettingsError: A pattern is malformed.
        """
        try:
            include = to_patterns(self.include) if self.include else None
            return IgnoreRules(include, to_patterns(self.exclude))
        except ValueError as error:
            raise SettingsError(f"include or exclude: {error}; mend the pattern") from error

    def iter_records(self, skipped: Counter[str] | None = None) -> Iterator[Record | SourceError]:
        """List the files of supported kinds, lazily, in the byte order of their paths.

        No listed file is opened. Links, FIFOs and the like with a supported extension are listed
        too: reading them says what is wrong. Folders are entered, links to folders are not.
        ``.diptychignore`` files hold for their folder and below.

        Args:
            skipped: Counts files of unsupported kinds by extension, and links to folders, if given.

        Yields:
            A record, or an error for a folder that could not be listed, in its place: nothing
            is known about what is below it.
        """
        return _Walk(self, skipped).iter_records()


class _Walk:
    """One pass over a folder. A stack, not recursion: paths may be thousands of folders deep."""

    def __init__(self, source: FolderSource, skipped: Counter[str] | None) -> None:
        self._source = source
        self._skipped = skipped

    def iter_records(self) -> Iterator[Record | SourceError]:
        stack = [iter(self._list("", self._source.to_rules()))]
        while stack:
            for item in stack[-1]:
                if isinstance(item, Record | SourceError):
                    yield item
                else:
                    stack.append(iter(self._list(*item)))
                    break
            else:
                stack.pop()

    def _list(
        self, relative_folder: str, rules: IgnoreRules
    ) -> Iterator[Record | SourceError | tuple[str, IgnoreRules]]:
        """Items of one folder in order; a folder in it stands as the arguments of its listing."""
        source_uri = to_source_uri(self._source.name, relative_folder)
        folder_path = self._source.path / relative_folder
        try:
            rules = rules.below(folder_path, relative_folder, source_uri)
            with os.scandir(folder_path) as entries:
                ordered = sorted(entries, key=_order)
        except (OSError, ValueError, SourceError) as error:
            yield _unlisted(source_uri, error)
            return
        for entry in ordered:
            relative_path = relative_folder + entry.name
            if entry.name.startswith(".") and not self._source.hidden:
                continue
            if entry.is_dir(follow_symlinks=False):
                if rules.admits_folder(f"{relative_path}/"):
                    yield f"{relative_path}/", rules
            elif (item := self._to_item(entry, relative_path, rules)) is not None:
                yield item

    def _to_item(
        self, entry: os.DirEntry[str], relative_path: str, rules: IgnoreRules
    ) -> Record | SourceError | None:
        """The record of a file; None when it is not listed."""
        if entry.name == IGNORE_FILE or not rules.admits_file(relative_path):
            return None
        if _leads_to_folder(entry):
            self._skip(_LINKED_FOLDER)
            return None
        extension = PurePath(entry.name).suffix.lower()
        media_type = MEDIA_TYPES.get(extension)
        if media_type is None:
            self._skip(extension or _NO_EXTENSION)
            return None
        source_uri = to_source_uri(self._source.name, relative_path)
        try:
            status = _stat(entry)
        except OSError as error:
            return UnreadableSource(source_uri, f"cannot be found ({error.strerror})")
        return Record(
            source_uri=source_uri,
            root=self._source.name,
            location=entry.path,
            media_type=media_type,
            modality=to_modality(media_type),
            size_bytes=status.st_size,
            # File systems hold times that no store and no calendar does; 64 bits end in 2262.
            modified_ns=min(max(status.st_mtime_ns, _INT64_MIN), _INT64_MAX),
        )

    def _skip(self, kind: str) -> None:
        if self._skipped is not None:
            self._skipped[kind] += 1


def _to_problem(path: Path) -> str:
    """Why a path is no folder, and what to give instead."""
    shown = to_printable(str(path))
    if path.is_file():
        pattern = shlex.quote("/" + GitIgnoreSpecPattern.escape(path.name))
        return (
            f"{shown} is one file: give its folder, {to_printable(str(path.parent))}, with "
            f"--include {to_printable(pattern)} for this file alone"
        )
    problem = "is not a folder" if os.path.lexists(path) else "does not exist"
    return f"{shown} {problem}: give the folder that holds the files"


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


def _order(entry: os.DirEntry[str]) -> bytes:
    """Folders sort as their paths do, with the slash, whatever the locale."""
    suffix = b"/" if entry.is_dir(follow_symlinks=False) else b""
    return os.fsencode(entry.name) + suffix


def _unlisted(source_uri: str, error: Exception) -> SourceError:
    """The error of a folder about which nothing is known."""
    reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
    return UnreadableSource(
        source_uri,
        f"the folder or its {IGNORE_FILE} cannot be read ({reason}); "
        "mend it, or exclude the folder",
    )
