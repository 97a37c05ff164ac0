"""A bucket, or a folder on another machine, as a source of records: whatever fsspec reaches."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ingest.sources.filesystems import (
    OBJECT_STORES,
    attempt,
    hide_password,
    open_place,
    read_whole,
    too_large,
)
from ingest.sources.ignore import IgnoreRules, to_patterns
from ingest.sources.listing import Unlisted, iter_entries
from ingest.sources.media_types import MEDIA_TYPES, to_modality
from ingest.sources.names import check_name, to_name
from ingest.sources.read import to_path_beside
from ingest.sources.uris import REMOTE, from_source_uri, to_source_uri
from schemas.errors import SettingsError, UnreadableSource
from schemas.records import Record

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Mapping

    from ingest.sources.filesystems import Place
    from ingest.sources.listing import Entry
    from schemas.errors import SourceError

_NO_EXTENSION = "(no extension)"
_NO_FILE = "(no regular file)"


@dataclass(frozen=True, slots=True)
class RemoteSource:
    """The files below a URL, as records. Made by :meth:`open`.

    Attributes:
        place: The prefix or folder.
        name: What it is called in every source URI; the same name and key are the same item,
            wherever the files lie.
        rules: Which keys are listed, as in ``.gitignore``, relative to the prefix.
        hidden: Whether names that begin with a dot are listed.
    """

    place: Place
    name: str
    rules: IgnoreRules
    hidden: bool = False

    @classmethod
    def open(
        cls,
        url: str,
        *,
        name: str | None = None,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        hidden: bool = False,
        options: Mapping[str, object] | None = None,
    ) -> RemoteSource:
        """What lies below a URL, under a name that can stand in a URI. Nothing is listed yet.

        Args:
            url: ``s3://bucket/prefix``, ``gs://``, ``az://``, ``sftp://`` or any other that
                fsspec knows. Not a local path, and not ``http(s)://``.
            name: The root's name; by default the last part of the URL.
            include: Patterns as in ``.gitignore``, relative to the prefix; when there are any,
                only files that match one are listed.
            exclude: Patterns of files and folders that are not.
            hidden: Whether names that begin with a dot are listed.
            options: Of the file system, e.g. ``endpoint_url`` or ``anon``; what is not given
                comes from its own environment variables and files.

        Raises:
            SettingsError: The URL, the name, a pattern or an option is malformed, or the file
                system's package is not installed.
            SourceUnavailable: The file system has to be connected to first, and does not answer.
        """
        try:
            rules = IgnoreRules(
                to_patterns(include) if (include := tuple(include)) else None, to_patterns(exclude)
            )
        except ValueError as error:
            raise SettingsError(f"include or exclude: {error}; mend the pattern") from error
        place = open_place(url, options)
        last = PurePosixPath(place.url.partition("://")[2]).name.rpartition("@")[2]
        return cls(place, check_name(name or to_name(last)), rules, hidden)

    @property
    def scheme(self) -> str:
        """That of its source URIs."""
        return REMOTE

    @property
    def location(self) -> str:
        """The URL, without a password."""
        return self.place.url

    def iter_records(self, skipped: Counter[str] | None = None) -> Iterator[Record | SourceError]:
        """List the files of supported kinds, lazily, in the byte order of their keys.

        S3 is listed a page of keys at a time, other file systems a folder at a time; what has
        been listed is not kept. Links on the other side are not followed.

        Args:
            skipped: Counts files of unsupported kinds by extension, if given.

        Yields:
            A record, or an error for a folder that could not be listed: its source URI is that
            of the folder, with a slash at the end. A record has a stamp where the listing gives
            each content a version of its own (S3, Google, Azure, Hugging Face; not SFTP).

        Raises:
            SettingsError: Nothing is there, or nobody is let in.
            SourceUnavailable: The file system does not answer, or stopped to.
        """
        gate = _Gate(self.rules, hidden=self.hidden)
        for entry in iter_entries(self.place, gate.admits_folder):
            if isinstance(entry, Unlisted):
                yield UnreadableSource(
                    to_source_uri(self.name, entry.key, REMOTE),
                    f"the folder cannot be listed ({entry.reason}); mend it, or exclude it",
                )
            elif gate.admits_file(entry.key):
                record = self._to_record(entry, skipped)
                if record is not None:
                    yield record

    def read(self, record: Record, max_bytes: int) -> bytes:
        """The bytes of a record's object, in one request.

        Raises:
            UnreadableSource: It is gone or forbidden.
            SourceTooLarge: It has more than ``max_bytes``; no more than that are taken.
            SourceUnavailable: The file system does not answer.
        """
        if record.size_bytes > max_bytes:
            raise too_large(record.source_uri, f"{record.size_bytes:,}", max_bytes)
        key = from_source_uri(record.source_uri)[1]
        return read_whole(self.place, self.place.below(key), record.source_uri, max_bytes)

    def read_beside(self, record: Record, reference: str, max_bytes: int) -> bytes:
        """The bytes of an object that a document names; never of one outside the prefix.

        Raises:
            UnreadableSource: It is gone or forbidden, lies outside, or is named by a URL.
            SourceTooLarge: It has more than ``max_bytes``.
            SourceUnavailable: The file system does not answer.
        """
        path = to_path_beside(reference, record.source_uri)
        folder = posixpath.dirname(from_source_uri(record.source_uri)[1])
        key = posixpath.normpath(posixpath.join(folder, path))
        if key.startswith(("../", "/")) or key in {"..", "."}:
            raise UnreadableSource(
                record.source_uri, f"{reference!r} lies outside of {self.location}"
            )
        return read_whole(self.place, self.place.below(key), record.source_uri, max_bytes)

    def find_rival(self, source_uri: str, location: str) -> str | None:
        """Another prefix under this name, on a file system that this one's options reach."""
        before = location.removesuffix(from_source_uri(source_uri)[1]).rstrip("/")
        if before == self.location or not before.startswith(f"{self.place.protocol}://"):
            return None
        filesystem = self.place.filesystem
        try:
            path = filesystem._strip_protocol(before)  # noqa: SLF001 - fsspec offers no other
            is_there = attempt(filesystem, lambda: filesystem.exists(path))
        except Exception:  # noqa: BLE001 - whatever it is, this source cannot tell
            return None
        return before if is_there else None

    def _to_record(self, entry: Entry, skipped: Counter[str] | None) -> Record | None:
        """The record of an object; None for what is of no supported kind."""
        extension = PurePosixPath(entry.key).suffix.lower()
        media_type = MEDIA_TYPES.get(extension)
        if media_type is None or not entry.is_file:
            if skipped is not None:
                skipped[(extension or _NO_EXTENSION) if entry.is_file else _NO_FILE] += 1
            return None
        return Record(
            source_uri=to_source_uri(self.name, entry.key, REMOTE),
            root=self.name,
            location=f"{self.location}/{entry.key}",
            media_type=media_type,
            modality=to_modality(media_type),
            size_bytes=entry.size_bytes,
            modified_ns=entry.modified_ns,
            stamp=entry.stamp,
        )


class _Gate:
    """Which keys pass, in a store that has no folders to stop at."""

    def __init__(self, rules: IgnoreRules, *, hidden: bool) -> None:
        self._rules = rules
        self._hidden = hidden
        self._last: tuple[str, bool] = ("", True)

    def admits_folder(self, folder: str) -> bool:
        """Whether a folder (its key ends in a slash) is looked into, given that those above are."""
        name = folder.rstrip("/").rpartition("/")[2]
        return not self._is_hidden(name) and self._rules.admits_folder(folder)

    def admits_file(self, key: str) -> bool:
        """Whether a file is listed; the folders above it are asked too."""
        folder, slash, name = key.rpartition("/")
        if self._is_hidden(name) or not self._rules.admits_file(key):
            return False
        if self._last[0] != folder:
            self._last = (folder, self._admits_all(f"{folder}{slash}"))
        return self._last[1]

    def _admits_all(self, folder: str) -> bool:
        ends = [place + 1 for place, character in enumerate(folder) if character == "/"]
        return all(self.admits_folder(folder[:end]) for end in ends)

    def _is_hidden(self, name: str) -> bool:
        return name.startswith(".") and not self._hidden


def read_remote(
    url: str, source_uri: str, max_bytes: int, options: Mapping[str, object] | None = None
) -> bytes:
    """The bytes of one object in a bucket, as a row of a manifest names it.

    Only stores whose URLs name a bucket are read: whoever wrote the manifest must not choose the
    machine that is connected to.

    Args:
        url: ``s3://bucket/key``, ``gs://`` or ``az://``; the key stands in it as it is, not
            percent-encoded.
        source_uri: What errors call it.
        max_bytes: The most that is taken.
        options: As for :meth:`RemoteSource.open`.

    Raises:
        UnreadableSource: It is gone, forbidden, or no such URL; its bucket is not there; the
            store's package is not installed.
        SourceTooLarge: It has more than ``max_bytes``.
        SourceUnavailable: The store does not answer, or knows the credentials no longer.
    """
    protocol, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if protocol not in OBJECT_STORES or not bucket or not key:
        raise UnreadableSource(
            source_uri,
            f"{hide_password(url)!r} is no object of a bucket (s3://, gs://, az://); ingest its "
            "folder as a root of its own",
        )
    try:
        place = open_place(f"{protocol}://{bucket}", options)
        return read_whole(place, place.below(key), source_uri, max_bytes)
    except SettingsError as error:
        raise UnreadableSource(source_uri, str(error)) from error
