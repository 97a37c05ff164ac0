"""Build a collection's vector index in a process of its own.

``qdrant_edge`` holds the interpreter lock from the first vector to the last, minutes for 100,000
points: in the process that serves or encodes, everything else would stand still. A killed build
leaves the collection as it was.

By hand, while no process has the index open::

    python -m ingest.store.embedded.optimize PATH COLLECTION
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import qdrant_edge

from ingest.store.embedded import layout
from ingest.store.embedded.lock import FolderLock
from ingest.store.file_lock import sign
from schemas.errors import CollectionMissing, DiptychError, StoreRejected

if TYPE_CHECKING:
    from collections.abc import Mapping


def build_in_child(root: Path, concrete: str, lock_descriptor: int) -> None:
    """Build the index of a collection in a child process, and wait for it.

    The child inherits the lock: if this process dies, the index stays locked until the child is
    done with it. An interrupt kills the child.

    Args:
        root: Folder of the embedded index.
        concrete: The collection, not an alias; its shard must be closed here.
        lock_descriptor: Of the lock on the folder, held by this process.

    Raises:
        StoreRejected: The child failed or was killed; the collection is as it was.
    """
    command = [sys.executable, "-m", "ingest.store.embedded.optimize", str(root), concrete]
    try:
        child = subprocess.run(  # noqa: S603 - our own module on our own folder
            [*command, "--lock-descriptor", str(lock_descriptor)],
            pass_fds=[lock_descriptor],
            env=_with_our_modules(os.environ),
            # Ctrl-C is for the run: it ends when the index is whole, not with half of one.
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    finally:
        sign(lock_descriptor)
    if child.returncode != 0:
        said = child.stderr.decode(errors="replace").strip().rsplit("\n", 1)[-1]
        raise StoreRejected(
            f"{root}: building the index of {concrete!r} ended with status {child.returncode} "
            f"({said or 'no message'}); no point is lost and search goes on by scanning; try again"
        )


def build(root: Path, concrete: str) -> bool:
    """Build the index of a collection here; the caller holds the folder's lock.

    Returns:
        Whether there was anything to build.

    Raises:
        CollectionMissing: There is no such collection.
    """
    if not layout.config(root, concrete).exists():
        raise CollectionMissing(f"{root}: collection {concrete!r} not found; check the name")
    shard = qdrant_edge.EdgeShard.load(str(layout.shard(root, concrete)))
    is_changed = shard.optimize()
    shard.flush()
    shard.close()
    return is_changed


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ingest.store.embedded.optimize",
        description="Build the vector index of a collection of an embedded index.",
    )
    parser.add_argument("path", type=Path, help="folder of the embedded index")
    parser.add_argument("collection", help="name or alias of the collection")
    parser.add_argument("--lock-descriptor", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    try:
        is_changed = _build_locked(given.path, given.collection, given.lock_descriptor)
    except DiptychError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write("index built\n" if is_changed else "nothing to build\n")
    return 0


def _build_locked(root: Path, name: str, lock_descriptor: int | None) -> bool:
    if lock_descriptor is not None:
        sign(lock_descriptor)
        return build(root, name)
    if not layout.marker(root).exists():
        raise StoreRejected(f"{root} is not a Diptych index; check the path")
    lock = FolderLock(layout.lock(root))
    try:
        return build(root, layout.read_aliases(root).get(name, name))
    finally:
        lock.release()


def _with_our_modules(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which a child finds the same ``ingest`` as this process."""
    ours = str(Path(__file__).resolve().parents[3])
    paths = [ours, environment.get("PYTHONPATH", "")]
    return {**environment, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


if __name__ == "__main__":
    sys.exit(main())
