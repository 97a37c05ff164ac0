"""A folder as a source of records."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from ingest.sources.ignore import IgnoreRules, to_patterns
from ingest.sources.names import check_name, to_name
from ingest.sources.read import read_beside, read_bytes
from ingest.sources.uris import FOLDER, from_source_uri, to_printable
from ingest.sources.walk import Walk
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator

    from schemas.errors import SourceError
    from schemas.records import Record


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
            A record, with a stamp unless its file was changed within two seconds of the listing;
            or an error for a folder that could not be listed, in its place: nothing is known
            about what is below it. Its source URI is that of the folder, with a slash at the end.
        """
        walk = Walk(self.name, hidden=self.hidden, skipped=skipped)
        return walk.iter_records(str(self.path), self.to_rules())


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
