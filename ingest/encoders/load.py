"""From a model's name to an encoder. Importing this loads no model runtime."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.encoders.backends import choose_backend, require_backend
from ingest.encoders.catalogue import CATALOGUE, HINGE_MODEL_ID, HINGE_MODELS
from schemas.errors import EncoderError, ModelUnavailable, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.encoders.transformer.encoder import EncoderParts
    from ingest.encoders.transformer.files import ModelFiles
    from schemas.space import EmbeddingSpace, Encoder


def load_encoder(
    model: str,
    *,
    revision: str | None = None,
    threads: int | None = None,
    backend: str | None = None,
    dtype: str | None = None,
    check: bool = True,
) -> Encoder:
    """The encoder of that name and no other: nothing stands in for a model that is missing.

    Args:
        model: ``hinge-en-2``, or ``hinge-en-1`` as in older collections; the Hugging Face id of a
            sentence-transformers model with images or texts; or the path of a folder that holds one
            or a trained bridge.
        revision: Which revision must be loaded. A hub id outside the catalogue needs its full
            commit hash; for the hinge and for folders, None takes what is there.
        threads: Threads inside one forward pass; None or 0 leaves it to the runtime with torch
            and is 1 elsewhere.
        backend: ``torch``, ``onnx`` or ``openvino``; None is ``torch``, and ``onnx`` for the hinge
            (which torch does not run) and for int8. Towers are exported at the first use and kept;
            from then on ``onnx`` and ``openvino`` load no torch. The backend is no part of the
            space.
        dtype: ``float32``, ``bfloat16`` or ``float16`` with torch, ``float32`` or ``int8`` with
            onnx, ``float32`` or ``bfloat16`` with openvino; None chooses by the hardware, but
            float32 for the hinge. It is part of the space: a collection is searched in the dtype
            that it was built in. int8 is worth asking for only after
            :func:`ingest.encoders.agreement.require_agreement`.
        check: Run the self-test on hub models (below a second for small ones). The hinge proves
            its weights by their hashes instead, so that a text query loads no image tower.

    Returns:
        An encoder that may be called from several threads.

    Raises:
        ModelUnavailable: The model, its revision or the extra that runs it is not here.
        SettingsError: The revision of a hub model is missing or no commit; or an unknown backend
            or dtype, or two that do not go together.
        EncoderError: The model breaks a promise of the self-test, cannot be exported, or is not
            what the catalogue says.
    """
    if model in HINGE_MODELS:
        return _load_hinge(model, revision, threads or None, backend, dtype)
    encoder = _load_bridge(model, revision, threads, backend, dtype)
    if encoder is None:
        backend = choose_backend(backend, dtype, usual="torch")
        require_backend(backend)
        if backend == "torch":
            require_torch(model)
        encoder = _load_transformer(model, revision, partial(_load_parts, backend, dtype, threads))
    if check:
        from ingest.encoders.self_test import check_encoder

        check_encoder(encoder)
    return encoder


def require_torch(model: str) -> None:
    """Name the missing extra before anything is fetched.

    Raises:
        ModelUnavailable: torch or sentence-transformers is not installed.
    """
    missing = [name for name in ("torch", "sentence_transformers") if find_spec(name) is None]
    if missing:
        raise ModelUnavailable(
            f"{model} needs {' and '.join(missing)}: pip install 'diptych[models]' "
            f"({HINGE_MODEL_ID} runs without)"
        )


def _load_hinge(
    model: str, revision: str | None, threads: int | None, backend: str | None, dtype: str | None
) -> Encoder:
    from ingest.encoders.hinge.encoder import HingeEncoder

    backend = choose_backend(backend, dtype, usual="onnx")
    if backend == "torch":
        raise SettingsError(f"{model} has no torch backend: choose onnx or openvino")
    require_backend(backend)
    encoder: Encoder = HingeEncoder(
        threads=threads, backend=backend, dtype=dtype or "float32", model=model
    )
    if revision not in (None, encoder.space.revision):
        raise ModelUnavailable(
            f"{model} is installed in revision {encoder.space.revision}, not {revision}: "
            f"install the version of diptych that has it, or ingest into a new collection"
        )
    return encoder


def _load_bridge(
    model: str, revision: str | None, threads: int | None, backend: str | None, dtype: str | None
) -> Encoder | None:
    """The bridge in a folder; None where the model is something else."""
    from ingest.encoders.transformer.files import find_model, is_bridge, is_folder

    if not (is_folder(model) and is_bridge(Path(model).expanduser())):
        return None
    from ingest.encoders.bridge.encoder import load_bridge_encoder

    files = find_model(model, revision)
    return load_bridge_encoder(files, backend=backend, dtype=dtype, threads=threads or None)


def _load_parts(
    backend: str, dtype: str | None, threads: int | None, files: ModelFiles
) -> EncoderParts:
    if backend == "torch":
        from ingest.encoders.transformer.torch_parts import load_torch_parts

        return load_torch_parts(files, dtype, threads or None)
    from ingest.encoders.transformer.exported_parts import load_exported_parts

    return load_exported_parts(files, backend, dtype, threads or None)


def _load_transformer(
    model: str, revision: str | None, load_parts: Callable[[ModelFiles], EncoderParts]
) -> Encoder:
    """From disk where the files are there, else from the hub."""
    from ingest.encoders.transformer.encoder import TransformerEncoder
    from ingest.encoders.transformer.files import find_model, is_folder

    def load(files: ModelFiles) -> Encoder:
        encoder = TransformerEncoder(load_parts(files))
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
