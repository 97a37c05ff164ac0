"""From what a user names to the source that lists it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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
    check_heeded(spec, [name for name in _LISTING if getattr(chosen, name)])
    return _to_kind(spec).open(spec, chosen)


def check_heeded(spec: str, given: Iterable[str]) -> None:
    """See that the source which is meant heeds these options.

    Args:
        spec: See :func:`open_source`.
        given: Names of fields of :class:`SourceOptions` that were asked for.

    Raises:
        SettingsError: One of them would be ignored.
    """
    kind = _to_kind(spec)
    for name in given:
        if name not in kind.heeds:
            flag = _FLAGS.get(name, name)
            raise SettingsError(f"--{flag} cannot be used with {kind.label}: leave it out")


def _to_kind(spec: str) -> _Kind:
    if _TABLE.search(spec):
        return _KINDS["table"]
    if _SHARDS.search(spec):
        return _KINDS["shards"]
    if "://" in spec:
        return _KINDS["remote"]
    # Not Path's is_file: it raises where a folder may not be looked into.
    files = (os.path.join(spec, name) for name in _DATASET_FILES)  # noqa: PTH118 - likewise
    is_dataset = any(map(os.path.isfile, files))
    return _KINDS["dataset" if is_dataset else "folder"]


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


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of source: what messages call it, what opens it, and the options that it heeds."""

    label: str
    open: Callable[[str, SourceOptions], Source]
    heeds: frozenset[str]


_FILES = frozenset({"include", "exclude", "hidden"})
_ROWS = frozenset({"columns", "base", "allow_hosts"})
_KINDS: Mapping[str, _Kind] = {
    "folder": _Kind("a folder", _open_folder, _FILES),
    "remote": _Kind("a bucket", _open_remote, _FILES),
    "shards": _Kind("shards", _open_shards, _FILES - {"hidden"}),
    "table": _Kind("a table", _open_manifest, _ROWS),
    "dataset": _Kind("a saved dataset", _open_dataset, _ROWS | {"split"}),
}
_LISTING = ("include", "exclude", "hidden", "base", "split")
"""Options that no settings file holds: whoever gives them means this source."""

_FLAGS = {"columns": "column", "allow_hosts": "allow-host"}
