"""Small JSON files that are either the old or the new, whatever happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ingest.durable import replacing
from schemas.errors import StoreRejected

if TYPE_CHECKING:
    from pathlib import Path


def write_json(path: Path, content: object) -> None:
    """Replace a file whole and make it survive a loss of power before returning."""
    # One process has the index, and a new folder with nothing but this in it is a new folder.
    with replacing(path, path.with_name(f".{path.name}.new")) as stream:
        json.dump(content, stream, ensure_ascii=False, allow_nan=False)


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
