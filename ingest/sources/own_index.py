"""An index may lie inside a folder that is indexed; it is not listed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from ingest.sources.folder import FolderSource
from ingest.store.connect import to_index_path

if TYPE_CHECKING:
    from ingest.sources.source import Source


def without_index(source: Source, url: str) -> Source:
    """The source without an embedded index that lies inside it, links on the way or not."""
    path = to_index_path(url)
    if not isinstance(source, FolderSource) or path is None:
        return source
    index, folder = (Path(os.path.realpath(one)) for one in (path, source.path))
    if folder not in index.parents:
        return source
    relative = GitIgnoreSpecPattern.escape(index.relative_to(folder).as_posix())
    return replace(source, exclude=(*source.exclude, f"/{relative}/"))
