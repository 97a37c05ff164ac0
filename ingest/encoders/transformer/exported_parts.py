"""An encoder's parts on exported graphs: ONNX Runtime or OpenVINO, without torch once exported.

What is exported is kept in the cache of :mod:`ingest.encoders.graph_cache`: a folder a tower, a
folder for the description, and one more a tower in int8. They are known by the model's revision,
the arithmetic of the graph and the version of the export; both backends run the same float32 graph.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from threading import Lock
from typing import TYPE_CHECKING

from ingest.encoders import graph_cache
from ingest.encoders.backends import has_fast_bfloat16
from ingest.encoders.runtimes.onnx import OnnxTower
from ingest.encoders.runtimes.openvino import OpenVinoTower
from ingest.encoders.runtimes.quantize import QUANTIZE_VERSION, quantize_graph
from ingest.encoders.transformer import description
from ingest.encoders.transformer.encoder import EncoderParts
from ingest.encoders.transformer.export import EXPORT_VERSION, GRAPH_FILE, export_tower
from ingest.encoders.workers import DEFAULT_ROWS, count_cores
from schemas.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    from ingest.encoders.runtimes.tower import Features, Tower
    from ingest.encoders.transformer.description import ModelDescription
    from ingest.encoders.transformer.files import ModelFiles
    from schemas.records import Modality


def load_exported_parts(
    files: ModelFiles,
    backend: str,
    dtype: str | None,
    threads: int | None,
    *,
    exports: Exports | None = None,
) -> EncoderParts:
    """The parts of a model on exported graphs; each tower is opened at its first use.

    Args:
        files: The model on disk.
        backend: ``onnx`` or ``openvino``.
        dtype: One that the backend runs; None is float32, and bfloat16 for OpenVINO where the
            processor multiplies it.
        threads: Threads inside one forward pass; None is 1.
        exports: The model's, where they have been looked at already.

    Raises:
        ModelUnavailable: Nothing is kept and torch is not there to export it.
        EncoderError: The model cannot be exported.
    """
    if dtype is None:
        is_bfloat16 = backend == "openvino" and has_fast_bfloat16()
        dtype = "bfloat16" if is_bfloat16 else "float32"
    exports = exports or Exports(files)
    known = exports.prepare()
    space = replace(known.space, model_id=files.model_id, revision=files.revision, dtype=dtype)
    towers = {
        modality: LazyTower(partial(_open_tower, exports, modality, backend, dtype, threads or 1))
        for modality in space.modalities
    }
    rows = 1 if dtype == "int8" else DEFAULT_ROWS
    return EncoderParts(space, towers, known.texts, known.images, first_rows=rows)


class LazyTower:
    """A tower that is opened at its first call, once, whichever thread comes first.

    Args:
        open_tower: Opens it.
    """

    def __init__(self, open_tower: Callable[[], Tower]) -> None:
        """Open nothing yet."""
        self._open = open_tower
        self._lock = Lock()
        self._tower: Tower | None = None

    def __call__(self, features: Features) -> NDArray[np.float32]:
        """Run the tower; see :class:`~ingest.encoders.runtimes.tower.Tower`."""
        with self._lock:
            if self._tower is None:
                self._tower = self._open()
            tower = self._tower
        return tower(features)


class Exports:
    """A model's exported files; torch is loaded only when one of them is missing.

    Args:
        files: The model on disk.
    """

    def __init__(self, files: ModelFiles) -> None:
        """Look at nothing yet."""
        self._files = files
        self._proven: dict[tuple[str, str], Path] = {}

    def is_kept(self, modality: Modality) -> bool:
        """Whether the description and the float32 graph of a tower are in the cache."""
        for name, part in (("model", "description"), (f"tower-{modality}", "float32")):
            found = graph_cache.find_export(name, self._key(part))
            if found is None:
                return False
            self._proven[name, self._key(part)] = found
        return True

    def prepare(self) -> ModelDescription:
        """The description; where the model had to be loaded for it, its towers are exported too."""
        known = self.description
        if self._has_model:
            for modality in known.space.modalities:
                self.graph(modality)
            self.release()
        return known

    def release(self) -> None:
        """Let go of the loaded model, if it was loaded."""
        self.__dict__.pop("_model", None)

    @cached_property
    def description(self) -> ModelDescription:
        """From the cache, or read off the loaded model and kept there."""

        def write(folder: Path) -> None:
            (folder / description.FILE).write_text(self._read_description().to_json())

        folder = self._ensure("model", self._key("description"), write)
        return description.ModelDescription.from_json((folder / description.FILE).read_text())

    def graph(self, modality: Modality) -> Path:
        """The float32 graph of a tower, from the cache or exported now."""

        def write(folder: Path) -> None:
            features = self._to_sample_features(modality)
            export_tower(self._model, modality, features, folder)

        folder = self._ensure(f"tower-{modality}", self._key("float32"), write)
        return folder / GRAPH_FILE

    def int8_graph(self, modality: Modality) -> Path:
        """The int8 graph of a tower, from the cache or quantized now."""

        def write(folder: Path) -> None:
            quantize_graph(self.graph(modality), folder / GRAPH_FILE)

        key = self._key("int8", str(QUANTIZE_VERSION))
        return graph_cache.ensure_export(f"tower-{modality}", key, write) / GRAPH_FILE

    def _ensure(self, name: str, key: str, write: Callable[[Path], None]) -> Path:
        """What :meth:`is_kept` has hashed a moment ago is not hashed again."""
        return self._proven.pop((name, key), None) or graph_cache.ensure_export(name, key, write)

    @property
    def _has_model(self) -> bool:
        return "_model" in self.__dict__

    def _key(self, *parts: str) -> str:
        return graph_cache.to_key(self._files.revision, str(EXPORT_VERSION), *parts)

    @cached_property
    def _model(self) -> SentenceTransformer:
        from ingest.encoders.load import require_torch
        from ingest.encoders.transformer.loading import load_model

        require_torch(self._files.model_id)
        return load_model(self._files, "float32", "cpu")

    def _read_description(self) -> ModelDescription:
        from ingest.encoders.transformer.torch_parts import to_torch_parts

        parts = to_torch_parts(self._model, self._files, dtype="float32", threads=None)
        known = description.describe_parts(parts)
        if known is None:
            raise EncoderError(
                f"{self._files.model_id}: its own code prepares its input, which only torch runs; "
                f"choose the backend torch"
            )
        return known

    def _to_sample_features(self, modality: Modality) -> Features:
        from ingest.encoders.transformer.torch_parts import to_sample_features

        known = self.description
        return to_sample_features(modality, known.texts, known.images)


def _open_tower(
    exports: Exports, modality: Modality, backend: str, dtype: str, threads: int
) -> Tower:
    graph = exports.int8_graph(modality) if dtype == "int8" else exports.graph(modality)
    exports.release()
    if backend == "onnx":
        return OnnxTower(graph, threads)
    streams = max(1, count_cores() // threads)
    return OpenVinoTower(graph, threads=threads, dtype=dtype, streams=streams)
