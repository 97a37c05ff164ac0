"""Loading a sentence-transformers model with every guard on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.errors import ModelUnavailable

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from ingest.encoders.transformer.files import ModelFiles

INSTALL_HINT = "install the runtime of hub models: pip install 'diptych[models]'"


def load_model(files: ModelFiles, dtype: str, device: str) -> SentenceTransformer:
    """Load a model for inference: no code of its repository runs, no network, no pickle.

    Raises:
        ModelUnavailable: The extra is not installed, the folder does not hold a model that loads
            without its own code, or it takes chat messages rather than plain images and texts.
    """
    try:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ImportError as error:
        raise ModelUnavailable(f"{files.model_id}: {INSTALL_HINT} ({error})") from error
    quieten: Any = logging.disable_progress_bar
    quieten()
    try:
        model = SentenceTransformer(
            str(files.folder),
            device=device,
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True},
        )
    except Exception as error:
        # Whatever a foreign folder makes the library raise, the model cannot be had.
        raise ModelUnavailable(
            f"{files.model_id} cannot be loaded from {files.folder} "
            f"({type(error).__name__}: {error}); models that bring their own code are not run"
        ) from error
    _require_plain_inputs(model, files)
    return model.eval()


def _require_plain_inputs(model: SentenceTransformer, files: ModelFiles) -> None:
    """Refuse chat models: their template's special tokens could be forged by a document."""
    if "message" in model.modalities or not {"image", "text"} & set(model.modalities):
        raise ModelUnavailable(
            f"{files.model_id} takes {', '.join(map(str, model.modalities))}; Diptych runs models "
            f"that take plain images or texts"
        )
