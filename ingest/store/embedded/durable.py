"""Small JSON files that are either the old or the new, whatever happens."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from schemas.errors import StoreRejected

if TYPE_CHECKING:
    from pathlib import Path


def write_json(path: Path, content: object) -> None:
    """Replace a file whole and make it survive a loss of power before returning."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, ensure_ascii=False, allow_nan=False)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def read_json(path: Path) -> Any:  # noqa: ANN401 - JSON
    """The content of a file that :func:`write_json` wrote.

    Raises:
        StoreRejected: It is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise StoreRejected(
            f"{path} cannot be read ({error}); restore the index from a copy, or remove the "
            f"folder and ingest again"
        ) from error


def sync_folder(folder: Path) -> None:
    """Make what was created, renamed or removed in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
