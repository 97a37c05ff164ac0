"""WebDataset tar shards as a source of records: streamed once, never extracted."""

from __future__ import annotations

import os
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ingest.sources.filesystems import to_item_error
from ingest.sources.ignore import IgnoreRules, to_patterns
from ingest.sources.listing import to_ns
from ingest.sources.media_types import MEDIA_TYPES
from ingest.sources.metadata import MAX_JSON_BYTES
from ingest.sources.names import check_name
from ingest.sources.samples import (
    CAPTION_SUFFIXES,
    METADATA_SUFFIX,
    Part,
    Sample,
    Shard,
    to_key,
    to_suffix,
)
from ingest.sources.shard_names import ShardNames
from ingest.sources.tar_stream import iter_members
from ingest.sources.uris import SHARD, from_source_uri
from schemas.errors import SettingsError, SourceError, SourceTooLarge, UnreadableSource

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from schemas.errors import DiptychError
    from schemas.records import Record

MAX_PARTS = 1_000
"""Members of one sample."""

_SAMPLE_LIMITS = 4
"""A sample holds at most so many times the limit of one member."""

_NO_EXTENSION = "(no extension)"
_NO_FILE = "(no regular file)"


class _Skipped(Protocol):
    def __call__(self, kind: str, /) -> None: ...


@dataclass(frozen=True, slots=True)
class ShardSource:
    """The samples of tar shards, as records that hold their bytes. Made by :meth:`open`.

    Attributes:
        shards: The tar files.
        name: What the root is called in every source URI.
        max_bytes: Members over this are not read.
        rules: Which members are listed, as in ``.gitignore``, by shard name and member name.
    """

    shards: ShardNames
    name: str
    max_bytes: int
    rules: IgnoreRules

    @classmethod
    def open(
        cls,
        spec: str | Path,
        *,
        name: str | None = None,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        max_bytes: int = 50_000_000,
        options: Mapping[str, object] | None = None,
    ) -> ShardSource:
        """Shards that are there, under a name that can stand in a URI.

        Args:
            spec: A ``.tar``, ``.tar.gz`` or ``.tgz`` file; a pattern such as
                ``shards-{000..009}.tar``; a glob; or a URL of any of these that fsspec knows.
            name: The root's name; by default what the shards' names begin with.
            include: Patterns as in ``.gitignore`` of ``shard name/member name``; when there are
                any, only members that match one are listed.
            exclude: Patterns of members that are not.
            max_bytes: A larger member is an error and is not read into memory. A sample may hold
                four times as much, and no more of it is held at a time.
            options: Of the file system, for a URL.

        Raises:
            SettingsError: Nothing is there, or the name, a pattern or an option is malformed.
            SourceUnavailable: The file system does not answer.
        """
        try:
            rules = IgnoreRules(
                to_patterns(include) if (include := tuple(include)) else None, to_patterns(exclude)
            )
        except ValueError as error:
            raise SettingsError(f"include or exclude: {error}; mend the pattern") from error
        shards = ShardNames.parse(str(spec), options)
        return cls(shards, check_name(name or shards.to_root_name()), max_bytes, rules)

    @property
    def scheme(self) -> str:
        """That of its source URIs."""
        return SHARD

    @property
    def location(self) -> str:
        """The specification, absolute."""
        return self.shards.spec

    def iter_records(self, skipped: Counter[str] | None = None) -> Iterator[Record | SourceError]:
        """Read the shards one after the other, in order, from front to back.

        A sample is one or more consecutive members with the same key. Each image in it is a
        record with the sample's caption (``.txt``, ``.caption``, or ``caption`` in its ``.json``);
        each document too; a text file without an image is a document. What else its ``.json``
        says is metadata. One sample is held at a time, and a few bytes for each key of a shard.

        Args:
            skipped: Counts members of unsupported kinds by extension, if given.

        Yields:
            A record with its content, or an error: for a member that is too large or comes
            twice, for metadata that is none, and for a shard that is damaged, after the samples
            before the damage; its source URI is that of the shard, with a slash at the end, as
            nothing is known about the rest of it. The next shard goes on.

        Raises:
            SourceUnavailable: The file system does not answer, or stopped to.
        """

        def skip(kind: str) -> None:
            if skipped is not None:
                skipped[kind] += 1

        for shard_name in self.shards.names:
            shard = Shard(self.name, shard_name, self.shards.prefix + shard_name)
            yield from self._iter_shard(shard, skip)

    def read(self, record: Record, max_bytes: int) -> bytes:  # noqa: ARG002 - as every source
        """Never needed: records of shards hold their bytes.

        Raises:
            UnreadableSource: Always; a shard is read from front to back only.
        """
        raise UnreadableSource(record.source_uri, "is read with its shard; list the shard again")

    def read_beside(self, record: Record, reference: str, max_bytes: int) -> bytes:  # noqa: ARG002
        """Nothing lies beside a member of a shard.

        Raises:
            UnreadableSource: Always.
        """
        raise UnreadableSource(record.source_uri, f"{reference!r} cannot be read out of a shard")

    def find_rival(self, source_uri: str, location: str) -> str | None:
        """The shard of this name in another folder, if it is still there."""
        path = from_source_uri(source_uri)[1]
        for place, character in enumerate(path):
            shard, member = path[:place], path[place + 1 :]
            if character == "/" and location.endswith(f"{shard}#{member}"):
                before = location.removesuffix(f"#{member}")
                is_own = before == self.shards.prefix + shard
                return before if not is_own and os.path.isfile(before) else None  # noqa: PTH113
        return None

    def _iter_shard(self, shard: Shard, skip: _Skipped) -> Iterator[Record | SourceError]:
        """The items of one shard; an error at its end where it is damaged."""
        one_pass = _Pass(self, shard, skip)
        try:
            with self.shards.open(shard.name) as file:
                for member, read in iter_members(file):
                    yield from one_pass.take(member, read)
                yield from one_pass.finish()
        except tarfile.ReadError as error:
            after = f"after sample {one_pass.last_key}" if one_pass.last_key else "from its start"
            yield UnreadableSource(
                shard.to_source_uri(),
                f"the shard cannot be read {after} ({error}); restore it from a good copy",
            )
        except Exception as error:  # noqa: BLE001 - backends raise what they like
            yield self._to_shard_error(shard, error)

    def _to_shard_error(self, shard: Shard, error: Exception) -> SourceError:
        translated: DiptychError
        if self.shards.place is None:
            if not isinstance(error, OSError):
                raise error
            reason = getattr(error, "strerror", None) or str(error)
            translated = UnreadableSource(
                shard.to_source_uri(), f"the shard cannot be read ({reason}); restore or remove it"
            )
        else:
            translated = to_item_error(self.shards.place.url, shard.to_source_uri(), error)
        if isinstance(translated, SourceError):
            return translated
        raise translated from error


class _Pass:
    """One pass over one shard: gathers members into samples."""

    def __init__(self, source: ShardSource, shard: Shard, skip: _Skipped) -> None:
        self.last_key = ""
        self._source = source
        self._shard = shard
        self._skip = skip
        self._sample = Sample("")
        self._names: set[str] = set()
        self._seen: set[int] = set()  # hashes: ten million keys must fit

    def take(
        self, member: tarfile.TarInfo, read: Callable[[], bytes]
    ) -> Iterator[Record | SourceError]:
        """Another member; the items of the sample before it, where it begins a new one."""
        name = member.name.removeprefix("./")
        if not self._is_listed(member, name):
            return
        key = to_key(name)
        if key != self._sample.key:
            yield from self.finish()
            self._sample = Sample(key)
        error = self._find_error(member, name)
        self._names.add(name)
        if error is not None:
            yield error
        else:
            self._sample.add(Part(name, read(), to_ns(member.mtime)))

    def finish(self) -> Iterator[Record | SourceError]:
        """The items of the sample that is complete."""
        sample, self._sample = self._sample, Sample("")
        self._names.clear()
        if not sample.key:
            return
        if hash(sample.key) in self._seen:
            for part in sample.iter_content_parts():
                yield self._comes_twice(part.name)
        else:
            self._seen.add(hash(sample.key))
            yield from sample.iter_items(self._shard)
        self.last_key = sample.key

    def _is_listed(self, member: tarfile.TarInfo, name: str) -> bool:
        """Whether a member is part of a sample; says so where it is of no supported kind."""
        if member.isdir() or any(
            part.startswith(".") and part.strip(".") for part in name.split("/")
        ):
            return False
        if not self._source.rules.admits_file(f"{self._shard.name}/{name}"):
            return False
        if not member.isreg() or member.issparse():
            self._skip(_NO_FILE)
            return False
        suffix = to_suffix(name)
        if suffix in MEDIA_TYPES or suffix in CAPTION_SUFFIXES or suffix == METADATA_SUFFIX:
            return True
        self._skip(suffix or _NO_EXTENSION)
        return False

    def _find_error(self, member: tarfile.TarInfo, name: str) -> SourceError | None:
        """What is wrong with a member that has not been read."""
        if name in self._names:
            return self._comes_twice(name)
        source_uri = self._shard.to_source_uri(name)
        is_content = to_suffix(name) in MEDIA_TYPES
        limit = self._source.max_bytes if is_content else MAX_JSON_BYTES
        if member.size > limit:
            return SourceTooLarge(
                source_uri, f"{member.size:,} bytes, over the limit of {limit:,}; raise it"
            )
        is_full = self._sample.total_bytes + member.size > _SAMPLE_LIMITS * self._source.max_bytes
        if is_full or len(self._sample.parts) >= MAX_PARTS:
            return SourceTooLarge(source_uri, "its sample is too large; split it")
        return None

    def _comes_twice(self, name: str) -> SourceError:
        return UnreadableSource(
            self._shard.to_source_uri(name),
            f"the key {to_key(name)} comes twice in {self._shard.name}; only the first is indexed",
        )
