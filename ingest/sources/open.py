"""From what a user names to the source that lists it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.sources.source import Source
    from ingest.sources.web import WebReader

_TABLE = re.compile(r"\.(jsonl|ndjson|csv|tsv|parquet|pq)(\.gz)?$", re.IGNORECASE)
_SHARDS = re.compile(r"\.(tar|tar\.gz|tgz)$", re.IGNORECASE)
_DATASET_FILES = ("dataset_info.json", "dataset_dict.json", "state.json")


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How a source is listed; each kind heeds those that concern it.

    Attributes:
        name: Name of the root; without it made from the source's own.
        include: Patterns as in ``.gitignore``; when there are any, only files that match.
        exclude: Patterns of files and folders that are passed over.
        hidden: Whether names that begin with a dot are listed.
        columns: Role -> column name of a table.
        base: The folder that a table's paths are relative to and must lie below.
        split: Of a dataset that has several.
        allow_hosts: Hosts that URLs in a table may be fetched from.
        storage_options: Handed to a remote file system.
        max_source_bytes: Larger members of an archive are refused while listing.
    """

    name: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    base: str | None = None
    split: str | None = None
    allow_hosts: tuple[str, ...] = ()
    storage_options: Mapping[str, object] = field(default_factory=dict)
    max_source_bytes: int = 50_000_000


def open_source(spec: str, options: SourceOptions | None = None) -> Source:
    """The source that a user means.

    A path or URL that ends like a table is a manifest; one that ends like a tar archive, shards;
    a folder with a saved dataset in it, that dataset; another URL, a remote file system; and any
    other path, a folder.

    Raises:
        SettingsError: There is no such source, or an option cannot be used with it.
    """
    chosen = options or SourceOptions()
    if _TABLE.search(spec):
        return _open_manifest(spec, chosen)
    if _SHARDS.search(spec):
        return _open_shards(spec, chosen)
    if "://" in spec:
        return _open_remote(spec, chosen)
    if any(Path(spec, name).is_file() for name in _DATASET_FILES):
        return _open_dataset(spec, chosen)
    return _open_folder(spec, chosen)


def _open_folder(spec: str, options: SourceOptions) -> Source:
    from ingest.sources.folder import FolderSource

    return FolderSource.open(
        spec,
        name=options.name,
        include=options.include,
        exclude=options.exclude,
        hidden=options.hidden,
    )


def _open_remote(spec: str, options: SourceOptions) -> Source:
    from ingest.sources.remote import RemoteSource

    return RemoteSource.open(
        spec,
        name=options.name,
        include=options.include,
        exclude=options.exclude,
        hidden=options.hidden,
        options=options.storage_options,
    )


def _open_shards(spec: str, options: SourceOptions) -> Source:
    from ingest.sources.shards import ShardSource

    return ShardSource.open(
        spec,
        name=options.name,
        include=options.include,
        exclude=options.exclude,
        max_bytes=options.max_source_bytes,
        options=options.storage_options,
    )


def _open_manifest(spec: str, options: SourceOptions) -> Source:
    from ingest.sources.manifest import ManifestSource

    return ManifestSource.open(
        spec,
        name=options.name,
        columns=options.columns,
        base=options.base,
        web=_to_web(options),
        options=options.storage_options,
    )


def _open_dataset(spec: str, options: SourceOptions) -> Source:
    from ingest.sources.dataset import DatasetSource

    return DatasetSource.open(
        spec,
        name=options.name,
        columns=options.columns,
        base=options.base,
        web=_to_web(options),
        split=options.split,
    )


def _to_web(options: SourceOptions) -> WebReader | None:
    if not options.allow_hosts:
        return None
    from ingest.sources.web import WebReader

    return WebReader(options.allow_hosts)
