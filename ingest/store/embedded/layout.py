"""What lies where in the folder of an embedded index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingest.store.embedded.durable import read_json
from schemas.errors import StoreRejected

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = 1
"""Version of this layout, in the marker file."""


def marker(root: Path) -> Path:
    """The file that says that the folder is an index, and of which format."""
    return root / "diptych-index.json"


def lock(root: Path) -> Path:
    """The file that one process at a time locks."""
    return root / "lock"


def aliases(root: Path) -> Path:
    """The aliases with their collections, in JSON."""
    return root / "aliases.json"


def folders(root: Path) -> list[Path]:
    """The folders of all collections, and of those that were cut short, sorted."""
    return sorted(entry for entry in (root / "collections").glob("*") if entry.is_dir())


def folder(root: Path, concrete: str) -> Path:
    """The folder of a collection."""
    return root / "collections" / concrete


def config(root: Path, concrete: str) -> Path:
    """A collection's configuration and metadata, in JSON; without it, there is no collection."""
    return folder(root, concrete) / "collection.json"


def shard(root: Path, concrete: str) -> Path:
    """The folder that is ``qdrant_edge``'s own."""
    return folder(root, concrete) / "shard"


def read_aliases(root: Path) -> dict[str, str]:
    """Alias -> collection.

    Raises:
        StoreRejected: The file is damaged.
    """
    found: dict[str, str] = read_json(aliases(root)) if aliases(root).exists() else {}
    return found


def check_ours(root: Path) -> None:
    """Refuse to make an index among other files.

    Raises:
        StoreRejected: The path is a file, or a folder with other files in it.
    """
    if not root.exists() or marker(root).exists():
        return
    # What a process leaves that was killed while it made the folder an index.
    unmarked = {lock(root).name, f".{marker(root).name}.new"}
    if not root.is_dir() or any(entry.name not in unmarked for entry in root.iterdir()):
        raise StoreRejected(
            f"{root} is not a Diptych index and not an empty folder; give the path of an index, "
            f"or of a new folder"
        )
