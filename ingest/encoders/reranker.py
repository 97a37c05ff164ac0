"""Models that read a query and a text together, or token by token: slower than vectors, and closer.

Any sentence-transformers cross-encoder or multi-vector model (late interaction, ColBERT). Importing
this loads no torch.
"""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from ingest.encoders.load import require_torch
from ingest.encoders.transformer.files import find_model, is_folder
from ingest.encoders.transformer.memory import memory_errors
from schemas.errors import EncoderError, ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ingest.encoders.transformer.files import ModelFiles

CROSS_ENCODER: Final = "CrossEncoder"
MULTI_VECTOR: Final = "MultiVectorEncoder"

_ARCHITECTURES: Final = {
    "ForSequenceClassification": CROSS_ENCODER,
    "HF_ColBERT": MULTI_VECTOR,
}
"""How the architectures of models end that were saved without saying what they are."""

_BATCH_TEXTS: Final = 32


class Reranker(Protocol):
    """Says how well texts answer a query. Calls from several threads are safe."""

    @property
    def model_id(self) -> str:
        """Hub id, or the name of the folder."""
        ...

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """A score for each text, in order: higher is better, on the model's own scale.

        What lies past the model's window is not read.

        Raises:
            EncoderError: A score is not finite, or the device has no memory for the model's pass.
        """
        ...


_loaded: dict[str, Reranker] = {}
_loading = Lock()


def load_reranker(model: str) -> Reranker:
    """The model of a folder, or of a hub id with its commit: ``owner/name@commit``.

    The last one is kept, so that search after search uses the same.

    Raises:
        ModelUnavailable: It is not here, the extra ``models`` is not installed, or it is neither a
            cross-encoder with one score nor a multi-vector model.
        SettingsError: A hub id without a full commit hash.
    """
    with _loading:
        if model not in _loaded:
            found = _load(model)
            _loaded.clear()
            _loaded[model] = found
        return _loaded[model]


def _load(model: str) -> Reranker:
    require_torch(model)
    files = _find(model)
    kind = read_kind(files.folder)
    if kind == CROSS_ENCODER:
        return _CrossEncoder(files)
    if kind == MULTI_VECTOR:
        return _MultiVector(files)
    raise ModelUnavailable(
        f"{files.model_id} is {kind or 'of no kind that its files tell'}; to rerank it takes a "
        f"{CROSS_ENCODER} or a {MULTI_VECTOR} of sentence-transformers"
    )


def _find(model: str) -> ModelFiles:
    """On disk, else from the hub."""
    if is_folder(model):
        return find_model(model, None)
    name, _, commit = model.partition("@")
    try:
        return find_model(name, commit or None)
    except ModelUnavailable:
        return find_model(name, commit or None, online=True)


def read_kind(folder: Path) -> str | None:
    """What a saved model says it is; None where it says nothing that is understood.

    It must say so: a model of another kind would be given a head of random weights.
    """
    said = _read_json(folder / "config_sentence_transformers.json").get("model_type")
    if said is not None:
        return MULTI_VECTOR if said == "ColBERT" else str(said)
    for architecture in _read_json(folder / "config.json").get("architectures") or ():
        for ending, kind in _ARCHITECTURES.items():
            if str(architecture).endswith(ending):
                return kind
    return None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


class _Loaded:
    """A model of sentence-transformers with every guard on, and one call at a time."""

    def __init__(self, files: ModelFiles, kind: str) -> None:
        import sentence_transformers
        import torch
        from transformers.utils import logging

        quieten: Any = logging.disable_progress_bar
        quieten()
        try:
            self.model: Any = getattr(sentence_transformers, kind)(
                str(files.folder),
                trust_remote_code=False,
                local_files_only=True,
                model_kwargs={"dtype": torch.float32, "use_safetensors": True},
            )
        except Exception as error:
            # Whatever a foreign folder makes the library raise, the model cannot be had.
            raise ModelUnavailable(
                f"{files.model_id} cannot be loaded from {files.folder} "
                f"({type(error).__name__}: {error}); models that bring their own code are not run"
            ) from error
        self.model.eval()
        self.model_id = files.model_id
        self._turn = Lock()  # a tokenizer's padding is state

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """See :meth:`Reranker.score`."""
        if not texts:
            return np.empty(0, dtype=np.float32)
        with self._turn, memory_errors(self.model.device):
            scores = np.asarray(self._score(query, texts), dtype=np.float32)
        if not np.isfinite(scores).all():
            raise EncoderError(f"{self.model_id} gave a score that is no number; use another model")
        return scores

    def _score(self, query: str, texts: Sequence[str]) -> Any:  # noqa: ANN401 - an array of floats
        raise NotImplementedError


class _CrossEncoder(_Loaded):
    """Query and text go through the model together."""

    def __init__(self, files: ModelFiles) -> None:
        super().__init__(files, CROSS_ENCODER)
        if self.model.num_labels != 1:
            raise ModelUnavailable(
                f"{self.model_id} gives {self.model.num_labels} scores a pair; to rerank it takes "
                "a model that gives one"
            )

    def _score(self, query: str, texts: Sequence[str]) -> Any:  # noqa: ANN401 - as above
        pairs = [(query, text) for text in texts]
        return self.model.predict(pairs, batch_size=_BATCH_TEXTS, show_progress_bar=False)


class _MultiVector(_Loaded):
    """Each token of the query looks for the nearest token of the text."""

    def __init__(self, files: ModelFiles) -> None:
        super().__init__(files, MULTI_VECTOR)

    def _score(self, query: str, texts: Sequence[str]) -> Any:  # noqa: ANN401 - as above
        plain = {"batch_size": _BATCH_TEXTS, "show_progress_bar": False}
        asked = self.model.encode_query([query], **plain)
        found = self.model.encode_document(list(texts), **plain)
        return self.model.similarity(asked, found)[0].float().cpu().numpy()
