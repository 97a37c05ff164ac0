"""Graphs that were built or exported, kept on disk so that each is made once.

What is kept is called ``NAME-KEY.DIGEST``: the key says what it was made from, the digest is the
BLAKE3 of the content. One atomic rename publishes both, and what does not match its own name is
made again. A small graph is one file; an exported tower is a folder, as its weights lie beside the
graph (one file may be no larger than 2 GB in ONNX's own format).
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """``DIPTYCH_CACHE_DIR`` where it is set, else the user's cache folder for Diptych."""
    configured = os.environ.get("DIPTYCH_CACHE_DIR")
    if configured:
        return Path(configured)
    from platformdirs import user_cache_path

    return user_cache_path("diptych", appauthor=False)


def to_key(*parts: str) -> str:
    """A short hexadecimal word for everything that a graph depends on."""
    from blake3 import blake3

    return blake3("/".join(parts).encode()).hexdigest(length=8)


def ensure_graph(name: str, key: str, build: Callable[[], bytes]) -> bytes:
    """The graph called ``name`` for ``key``, from the cache or built and kept there.

    A folder that cannot be written costs time, not the run: the graph is then built on each start.

    Args:
        name: What the graph is, e.g. ``hinge-image``.
        key: Everything its content depends on; see :func:`to_key`.
        build: Makes the content; called only when no sound copy is kept.
    """
    folder = cache_folder()
    kept = _read_sound(folder, f"{name}-{key}")
    if kept is not None:
        return kept
    content = build()
    try:
        _publish(folder, f"{name}-{key}", content)
    except OSError as error:
        _warn_unwritable(folder, name, error)
    return content


def find_export(name: str, key: str) -> Path | None:
    """The sound folder kept for ``key``, or None; a damaged one is removed."""
    for path in sorted(cache_folder().glob(f"{name}-{key}.*")):
        if path.suffix != ".onnx" and path.is_dir():
            if path.suffix == f".{_hash_files(path)}":
                return path
            _log.warning("%s is damaged and is made again", path)
            shutil.rmtree(path, ignore_errors=True)
    return None


def ensure_export(name: str, key: str, write: Callable[[Path], None]) -> Path:
    """The folder of files called ``name`` for ``key``, from the cache or written and kept there.

    Where the cache cannot be written the files lie in a temporary folder until the process ends.

    Args:
        name: What it is, e.g. ``tower-image``.
        key: Everything its content depends on; see :func:`to_key`.
        write: Puts the files into the empty folder that it is given; called only when no sound
            copy is kept. What it raises leaves nothing behind.
    """
    kept = find_export(name, key)
    if kept is not None:
        return kept
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder, prefix=f".{name}-{key}."))
    except OSError as error:
        _warn_unwritable(folder, name, error)
        made = _to_temporary_folder()
        write(made)
        return made
    try:
        write(made)
        return _publish_folder(made, folder / f"{name}-{key}.{_hash_files(made)}")
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _read_sound(folder: Path, stem: str) -> bytes | None:
    for path in sorted(folder.glob(f"{stem}.*.onnx")):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        if path.name == _file_name(stem, content):
            return content
        _log.warning("%s is damaged and is built again", path)
        path.unlink(missing_ok=True)
    return None


def _publish(folder: Path, stem: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{stem}.", delete=False) as stream:
        try:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
            Path(stream.name).replace(folder / _file_name(stem, content))
        except BaseException:
            Path(stream.name).unlink(missing_ok=True)
            raise


def _publish_folder(made: Path, target: Path) -> Path:
    """Rename into place; where another process was first with the same content, take its copy."""
    try:
        made.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(made, ignore_errors=True)
    return target


def _to_temporary_folder() -> Path:
    import atexit

    folder = Path(tempfile.mkdtemp(prefix="diptych-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _hash_files(folder: Path) -> str:
    """BLAKE3 of the names and contents of a folder's files, hexadecimal."""
    from blake3 import blake3

    whole = blake3()
    for path in sorted(folder.iterdir()):
        content = blake3(max_threads=blake3.AUTO)
        # An empty file cannot be mapped into memory.
        content.update(b"") if path.stat().st_size == 0 else content.update_mmap(path)
        whole.update(f"{path.name}\0{content.hexdigest()}\n".encode())
    return whole.hexdigest()


def _file_name(stem: str, content: bytes) -> str:
    from blake3 import blake3

    return f"{stem}.{blake3(content).hexdigest()}.onnx"


def _warn_unwritable(folder: Path, name: str, error: OSError) -> None:
    _log.warning(
        "%s cannot be written (%s): the %s graph is built on every start; "
        "set DIPTYCH_CACHE_DIR to a folder that can",
        folder,
        error,
        name,
    )
