"""A folder of everything that breaks careless indexers, made in a few seconds.

Import it as ``from tests.hostile import write_hostile_corpus``. Whoever indexes the folder must
end each item as :data:`INDEXED` or as the one error that is named here, and must not hang.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests import hostile_documents, hostile_images

if TYPE_CHECKING:
    from collections.abc import Callable

INDEXED = "indexed"
NOT_LISTED = "not listed"

NOT_UTF8 = os.fsdecode(b"caf\xe9.png")


def write_hostile_corpus(folder: Path) -> dict[str, str]:
    """Fill a folder that exists and is empty; a file beside it plays what a link must not reach.

    Returns:
        Relative path, as the operating system gives it -> :data:`INDEXED`, :data:`NOT_LISTED` or
        the class name of the ``SourceError`` it must end as.
    """
    ends: dict[str, str] = {}
    for name, content, end in _files():
        (folder / name).write_bytes(content)
        ends[name] = end
    for name, (make, end) in _SPECIAL.items():
        make(folder / name)
        ends[name] = end
    return ends


def _files() -> list[tuple[str, bytes, str]]:
    sound = [*hostile_images.iter_sound(), *hostile_documents.iter_sound()]
    if sys.platform == "linux":  # other systems refuse such a name
        sound.append((NOT_UTF8, hostile_images.encoded(hostile_images.picture(), "PNG")))
    return [
        *((name, content, INDEXED) for name, content in sound),
        *hostile_images.iter_unsound(),
        *hostile_documents.iter_unsound(),
    ]


def _make_sparse(path: Path) -> None:
    """60 MB that take no place on the disk."""
    path.touch()
    os.truncate(path, 60_000_000)


def _make_socket(path: Path) -> None:
    """Bound by a relative name: an absolute one may be longer than the 100 bytes allowed."""
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def _make_folder(path: Path) -> None:
    path.mkdir()


def _make_inside(path: Path) -> None:
    path.symlink_to("plain.jpg")


def _make_outside(path: Path) -> None:
    secret = path.parent.parent / "outside.txt"
    secret.write_text("nobody may find this")
    path.symlink_to(secret)


def _make_folder_link(path: Path) -> None:
    path.symlink_to(path.parent, target_is_directory=True)


def _make_loop(path: Path) -> None:
    path.symlink_to(path.name)


def _make_dangling(path: Path) -> None:
    path.symlink_to("nowhere.jpg")


_SPECIAL: dict[str, tuple[Callable[[Path], None], str]] = {
    "fifo.jpg": (os.mkfifo, "UnreadableSource"),
    "fifo.txt": (os.mkfifo, "UnreadableSource"),
    "socket.png": (_make_socket, "UnreadableSource"),
    "dangling.jpg": (_make_dangling, "UnreadableSource"),
    "loop.md": (_make_loop, "UnreadableSource"),
    "link_out.txt": (_make_outside, "UnreadableSource"),
    "link_within.jpg": (_make_inside, INDEXED),
    "sparse.txt": (_make_sparse, "SourceTooLarge"),
    "folder.jpg": (_make_folder, NOT_LISTED),
    "folder_link.jpg": (_make_folder_link, NOT_LISTED),
}
