"""From a model's name to an encoder. Importing this loads no model runtime."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from ingest.encoders.catalogue import CATALOGUE, HINGE_MODEL_ID
from schemas.errors import EncoderError, ModelUnavailable

if TYPE_CHECKING:
    from ingest.encoders.transformer.files import ModelFiles
    from schemas.space import EmbeddingSpace, Encoder


def load_encoder(
    model: str,
    *,
    revision: str | None = None,
    threads: int | None = None,
    dtype: str | None = None,
    check: bool = True,
) -> Encoder:
    """The encoder of that name and no other: nothing stands in for a model that is missing.

    Args:
        model: ``hinge-en-1``, the Hugging Face id of a sentence-transformers model with images or
            texts, or the path of a folder that holds one.
        revision: Which revision must be loaded. A hub id outside the catalogue needs its full
            commit hash; for the hinge and for folders, None takes what is there.
        threads: Threads inside one forward pass; None or 0 is 1 for the hinge and leaves it to the
            runtime for hub models.
        dtype: ``float32``, ``bfloat16`` or ``float16`` for hub models; None chooses by the
            hardware. A collection is searched in the dtype that it was built in.
        check: Run the self-test on hub models (below a second for small ones). The hinge proves
            its weights by their hashes instead, so that a text query loads no image tower.

    Returns:
        An encoder that may be called from several threads.

    Raises:
        ModelUnavailable: The model, its revision or the extra that runs it is not here.
        SettingsError: The revision of a hub model is missing or no commit; or an unknown dtype.
        EncoderError: The model breaks a promise of the self-test, or is not what the catalogue
            says.
    """
    if model == HINGE_MODEL_ID:
        return _load_hinge(revision, threads or None)
    _require_runtime(model)
    encoder = _load_transformer(model, revision, threads or None, dtype)
    if check:
        from ingest.encoders.self_test import check_encoder

        check_encoder(encoder)
    return encoder


def _load_hinge(revision: str | None, threads: int | None) -> Encoder:
    from ingest.encoders.hinge.encoder import HingeEncoder

    encoder: Encoder = HingeEncoder(threads=threads)
    if revision not in (None, encoder.space.revision):
        raise ModelUnavailable(
            f"{HINGE_MODEL_ID} is installed in revision {encoder.space.revision}, not {revision}: "
            f"install the version of diptych that has it, or ingest into a new collection"
        )
    return encoder


def _require_runtime(model: str) -> None:
    """Name the missing extra before anything is fetched."""
    missing = [name for name in ("torch", "sentence_transformers") if find_spec(name) is None]
    if missing:
        raise ModelUnavailable(
            f"{model} needs {' and '.join(missing)}: pip install 'diptych[models]' "
            f"({HINGE_MODEL_ID} runs without)"
        )


def _load_transformer(
    model: str, revision: str | None, threads: int | None, dtype: str | None
) -> Encoder:
    """From disk where the files are there, else from the hub."""
    from ingest.encoders.transformer.encoder import TransformerEncoder
    from ingest.encoders.transformer.files import find_model, is_folder

    def load(files: ModelFiles) -> Encoder:
        encoder = TransformerEncoder(files, dtype=dtype, threads=threads)
        _compare_with_catalogue(encoder.space)
        return encoder

    try:
        return load(find_model(model, revision))
    except ModelUnavailable:
        if is_folder(model):
            raise
        # Not on disk, or a download that was cut off: the hub completes it, or says why not.
        return load(find_model(model, revision, online=True))


def _compare_with_catalogue(space: EmbeddingSpace) -> None:
    """Refuse a model that is not what its description says."""
    known = CATALOGUE.get(space.model_id)
    if known is None or known.revision != space.revision:
        return
    said = (known.dimension, known.window_tokens, known.image_size_pixels, known.padding)
    is_ = (space.dimension, space.window_tokens, space.image_size_pixels, space.padding)
    if said != is_:
        raise EncoderError(
            f"{space.model_id}: the catalogue says dimension, window, image side and padding are "
            f"{said}, the loaded model has {is_}; this is a fault of Diptych or of its cache"
        )
