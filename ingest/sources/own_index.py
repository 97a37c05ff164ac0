"""An index may lie inside a folder that is indexed; it is not listed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from ingest.sources.folder import FolderSource
from ingest.store.connect import to_index_path

if TYPE_CHECKING:
    from ingest.sources.source import Source


def without_index(source: Source, url: str) -> Source:
    """The source without an embedded index that lies inside it."""
    index = to_index_path(url)
    if not isinstance(source, FolderSource) or index is None or source.path not in index.parents:
        return source
    relative = GitIgnoreSpecPattern.escape(index.relative_to(source.path).as_posix())
    return replace(source, exclude=(*source.exclude, f"/{relative}/"))
