"""The state of a training after its last epoch, on disk: one safetensors file, never a pickle."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ingest.durable import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Final

    from numpy.typing import NDArray

    from ingest.encoders.bridge.conse import Conse
    from ingest.encoders.bridge.examples import Examples
    from ingest.encoders.bridge.recipe import Recipe

    Arrays = dict[str, NDArray[Any]]

_log = logging.getLogger(__name__)

CHECKPOINT_FILE: Final = "training.safetensors"

_FORMAT: Final = "1"


class Checkpoint:
    """Where one training keeps its state; that of any other is not read.

    Args:
        folder: Made when it is first written to.
        digest: Of everything that decides the weights; see :func:`to_digest`.
    """

    def __init__(self, folder: Path, digest: str) -> None:
        """Read nothing."""
        self._file = folder / CHECKPOINT_FILE
        self._digest = digest

    def read(self) -> tuple[Arrays, Any] | None:
        """Arrays by name and what is no array; None where there is no whole state of this run."""
        from safetensors import SafetensorError, safe_open

        if not self._file.is_file():
            return None
        try:
            with safe_open(self._file, framework="numpy") as opened:
                told = opened.metadata() or {}
                if told.get("digest") != self._digest or told.get("format") != _FORMAT:
                    _log.info("%s is of another training: this one starts anew", self._file)
                    return None
                names = list(opened.keys())
                return {name: opened.get_tensor(name) for name in names}, json.loads(told["state"])
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            _log.warning("%s is damaged (%s): training starts anew", self._file, error)
            return None

    def write(self, arrays: Arrays, state: Mapping[str, Any]) -> None:
        """Replace the state; an interrupted write leaves the last one whole.

        Raises:
            OSError: It cannot be written.
        """
        from safetensors.numpy import save

        told = {"digest": self._digest, "format": _FORMAT, "state": json.dumps(state)}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        # Another process may train into the same folder.
        fresh = self._file.with_name(f".{CHECKPOINT_FILE}.{os.getpid()}.new")
        with fresh.open("wb") as stream:
            # In order: safetensors writes numbers as they lie in memory.
            ordered = {name: np.asarray(array, order="C") for name, array in arrays.items()}
            stream.write(save(ordered, told))
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self._file)
        sync_folder(self._file.parent)


def to_digest(examples: Examples, validation: Examples, recipe: Recipe, conse: Conse | None) -> str:
    """BLAKE3, in hex, of all that decides the weights: pairs, recipe, torch's version."""
    from blake3 import blake3
    from torch import __version__ as version

    hasher = blake3(json.dumps([asdict(recipe), str(version)], sort_keys=True).encode())
    for array in _list_arrays(examples, validation, conse):
        hasher.update(f"{array.dtype}{array.shape}".encode())
        hasher.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return hasher.hexdigest()


def _list_arrays(
    examples: Examples, validation: Examples, conse: Conse | None
) -> Iterator[NDArray[Any]]:
    for part in (examples, validation):
        yield part.owned
        for column in (*part.images.columns, *part.texts.columns):
            yield np.zeros(0) if column is None else column
    if conse is not None:
        yield conse.classes
        yield np.array([conse.temperature, conse.most_classes or 0])
