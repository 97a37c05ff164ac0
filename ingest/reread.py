"""The bytes of an indexed item, read again through the root that it was listed under.

This is the one door to originals. What a point says is not trusted with a path: the key in its
source URI is looked up below the root that the collection remembers, by the source that listed it,
and bytes whose hash is not the indexed one are not handed out.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from ingest.comparison import hash_record, read_content
from ingest.sources.uris import DATASET, FOLDER, MANIFEST, SHARD, from_source_uri
from ingest.sync.roots import open_root, read_roots
from schemas.errors import (
    RootForgotten,
    SettingsError,
    SourceChanged,
    SourceError,
    UnreadableSource,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from typing import Any

    from ingest.sources.dataset import DatasetSource
    from ingest.sources.folder import FolderSource
    from ingest.sources.manifest import ManifestSource
    from ingest.sources.remote import RemoteSource
    from ingest.sources.shards import ShardSource
    from ingest.sources.source import Source
    from schemas.records import Chunk, Record
    from schemas.settings import Settings


@dataclass(frozen=True, slots=True)
class Reread:
    """An item as it was indexed.

    Attributes:
        content: Its bytes, whose hash is the indexed one.
        record: As its root has it now.
        source: Its root, which reads what lies beside it.
    """

    content: bytes
    record: Record
    source: Source


def reread(chunk: Chunk, metadata: Mapping[str, Any], settings: Settings) -> Reread:
    """The bytes of the item that a chunk of its content, or a figure of it, comes from.

    Files and objects are read at once. A member of a shard is found by reading the shard up to it,
    a row that holds its content by reading its table.

    Args:
        chunk: From a point of the collection; of a caption its image's.
        metadata: The collection's, where its roots are.
        settings: The limit in bytes, and the options of file systems.

    Raises:
        SourceChanged: Other bytes are there than were indexed.
        RootForgotten: The collection does not know the root.
        UnreadableSource: They are gone or forbidden, lie outside of the root, or the root is not
            there any more.
        SourceTooLarge: There are more than ``max_source_bytes``.
        SourceUnavailable: What the root lies on does not answer.
    """
    record, limit = chunk.record, settings.max_source_bytes
    source = _open(record, metadata, settings)
    try:
        found, content = _read(source, record, limit)
        if not _is_indexed(chunk, found, content) and _has_vectors(source):
            found, content = _read_listed(source, record, limit)
    except SettingsError as error:  # a table that is no longer one
        raise UnreadableSource(record.source_uri, f"its root cannot be read ({error})") from error
    if not _is_indexed(chunk, found, content):
        raise SourceChanged(record.source_uri, "has changed since it was indexed; index it again")
    if found.vector is not None and found.content is None:
        content = source.read(found, limit)
    return Reread(content, found, source)


def _open(record: Record, metadata: Mapping[str, Any], settings: Settings) -> Source:
    """The record's root."""
    uri = record.source_uri
    root = read_roots(metadata).get(record.root)
    if root is None:
        raise RootForgotten(
            uri, f"the collection does not know where its root {record.root!r} lies; sync it"
        )
    try:
        source = open_root(root, settings)
    except SettingsError as error:
        raise UnreadableSource(uri, f"its root cannot be opened ({error})") from error
    if not uri.startswith(f"{source.scheme}://") or from_source_uri(uri)[0] != source.name:
        raise UnreadableSource(uri, f"is no item of the root {root.source}; sync it again")
    return source


def _read(source: Source, record: Record, max_bytes: int) -> tuple[Record, bytes]:
    """The record as it is now, and what the hash of its content was made of."""
    from ingest.sources.row_files import ROW_MARK

    if source.scheme == SHARD:
        return _read_listed(_to_shard(cast("ShardSource", source), record), record, max_bytes)
    if source.scheme in (MANIFEST, DATASET):
        if ROW_MARK in record.location.rpartition("/")[2]:
            return _read_listed(source, record, max_bytes)
        return record, source.read(record, max_bytes)
    own = _to_own(cast("FolderSource | RemoteSource", source), record)
    return own, source.read(own, max_bytes)


def _to_own(source: FolderSource | RemoteSource, record: Record) -> Record:
    """The record of a file, at the place that its root has now."""
    key = from_source_uri(record.source_uri)[1]
    is_below = "\0" not in key and not {"", ".", ".."}.intersection(key.split("/"))
    rules = cast("FolderSource", source).to_rules() if source.scheme == FOLDER else None
    rules = rules or cast("RemoteSource", source).rules
    if not is_below or not rules.admits_file(key):
        raise UnreadableSource(record.source_uri, f"is no item of {source.location}")
    return replace(record, location=f"{source.location.rstrip('/')}/{key}")


def _to_shard(source: ShardSource, record: Record) -> ShardSource:
    """The source narrowed to the shard of a record."""
    key = from_source_uri(record.source_uri)[1]
    names = [name for name in source.shards.names if key.startswith(f"{name}/")]
    if not names:
        raise UnreadableSource(record.source_uri, f"its shard is not in {source.location}")
    shards = replace(source.shards, names=(max(names, key=len),))
    return replace(source, shards=shards)


def _read_listed(source: Source, record: Record, max_bytes: int) -> tuple[Record, bytes]:
    """The record out of its root's listing, which is left where it is found."""
    uri = record.source_uri
    records = cast("Generator[Record | SourceError]", source.iter_records())
    with closing(records):
        for found in records:
            stands_for = found.source_uri.endswith("/") and uri.startswith(found.source_uri)
            if isinstance(found, SourceError) and (found.source_uri == uri or stands_for):
                raise type(found)(uri, found.reason)
            if not isinstance(found, SourceError) and found.source_uri == uri:
                return found, read_content(source, found, max_bytes)
    raise UnreadableSource(uri, f"is not in {source.location} any more; sync it")


def _has_vectors(source: Source) -> bool:
    """Whether its rows bring vectors, which are part of what is hashed."""
    if source.scheme not in (MANIFEST, DATASET):
        return False
    return cast("ManifestSource | DatasetSource", source).columns.vector is not None


def _is_indexed(chunk: Chunk, record: Record, content: bytes) -> bool:
    return hash_record(record, content) == chunk.content_hash


def sniff(content: bytes, media_type: str) -> str:
    """The media type of bytes, where they tell; else the given one, which names one kind."""
    from ingest.sources.sniff import sniff_media_type

    given = "application/octet-stream" if "*" in media_type else media_type
    return sniff_media_type(content) or given
