"""Graphs built from the weight wheels, kept on disk so that they are built once.

A file is called ``NAME-KEY.DIGEST.onnx``: the key says what it was built from, the digest is the
BLAKE3 of the content. One atomic rename publishes both, and a file that does not match its own name
is built again.
"""

from __future__ import annotations

import logging
import os
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


def ensure_graph(name: str, key: str, build: Callable[[], bytes]) -> bytes:
    """The graph called ``name`` for ``key``, from the cache or built and kept there.

    A folder that cannot be written costs time, not the run: the graph is then built on each start.

    Args:
        name: What the graph is, e.g. ``hinge-image``.
        key: Everything its content depends on, as one short hexadecimal word.
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
        _log.warning(
            "%s cannot be written (%s): the %s graph is built on every start; "
            "set DIPTYCH_CACHE_DIR to a folder that can",
            folder,
            error,
            name,
        )
    return content


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


def _file_name(stem: str, content: bytes) -> str:
    from blake3 import blake3

    return f"{stem}.{blake3(content).hexdigest()}.onnx"
