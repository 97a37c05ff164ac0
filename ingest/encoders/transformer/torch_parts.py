"""An encoder's parts on torch: the model loaded, both towers on the same weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.chunk import CHUNK_VERSION
from ingest.decode import DECODE_VERSION
from ingest.encoders.canary import to_canary_images
from ingest.encoders.transformer import describe
from ingest.encoders.transformer.arithmetic import choose_device, choose_dtype
from ingest.encoders.transformer.encoder import EncoderParts
from ingest.encoders.transformer.images import prepare_images
from ingest.encoders.transformer.loading import load_model
from ingest.encoders.transformer.texts import prepare_texts
from ingest.encoders.transformer.torch_tower import TorchTower
from schemas.records import Modality
from schemas.space import EmbeddingSpace, Role

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from ingest.encoders.runtimes.tower import Features, Tower
    from ingest.encoders.transformer.files import ModelFiles
    from ingest.encoders.transformer.images import ImagePreparation
    from ingest.encoders.transformer.texts import TextPreparation


def load_torch_parts(
    files: ModelFiles, dtype: str | None = None, threads: int | None = None
) -> EncoderParts:
    """Load a model and settle on its preparation.

    A checkpoint holds both towers in one file, so both are loaded at once, here; a text query
    runs the text tower alone.

    Args:
        files: The model on disk.
        dtype: One of torch's; None chooses by the hardware.
        threads: Threads inside one forward pass on a CPU; None leaves torch's setting alone.

    Raises:
        ModelUnavailable: The model cannot be loaded safely.
    """
    device = choose_device()
    dtype = choose_dtype(dtype, device)
    model = load_model(files, dtype, device)
    return to_torch_parts(model, files, dtype=dtype, threads=threads)


def to_torch_parts(
    model: SentenceTransformer, files: ModelFiles, *, dtype: str, threads: int | None
) -> EncoderParts:
    """The parts of a loaded model.

    Args:
        model: On its device, in its dtype.
        files: Where it came from.
        dtype: Its arithmetic, by name.
        threads: As for :func:`load_torch_parts`.
    """
    modalities = describe.read_modalities(model)
    towers = {modality: TorchTower(model, modality, threads) for modality in modalities}
    texts = prepare_texts(model) if Modality.TEXT in towers else None
    images = None
    if Modality.IMAGE in towers:
        images = prepare_images(model, towers[Modality.IMAGE])
    space = EmbeddingSpace(
        model_id=files.model_id,
        revision=files.revision,
        dimension=_probe_dimension(towers, texts, images),
        modalities=modalities,
        window_tokens=texts.limits.window_tokens if texts else 1,
        image_size_pixels=images.side_pixels if images else 0,
        preprocessing=images.preprocessing if images else "none",
        padding=texts.limits.padding if texts else "none",
        pooling=describe.read_pooling(model),
        normalisation="l2",
        dtype=dtype,
        decode_version=DECODE_VERSION,
        chunk_version=CHUNK_VERSION,
    )
    return EncoderParts(space, towers, texts, images, on_gpu=model.device.type != "cpu")


def to_sample_features(
    modality: Modality, texts: TextPreparation | None, images: ImagePreparation | None
) -> Features:
    """The input of two small samples of a modality, which the preparation must have."""
    if modality is Modality.TEXT and texts is not None:
        samples = ("a probe", "and a longer one, so that there is something to pad")
        ((_, features),) = texts.iter_passes(samples, Role.DOCUMENT, lambda: len(samples))
        return features
    assert images is not None  # noqa: S101 - for the type checker: a modality has its preparation
    return images.to_features(to_canary_images())


def _probe_dimension(
    towers: dict[Modality, TorchTower],
    texts: TextPreparation | None,
    images: ImagePreparation | None,
) -> int:
    """Length of a vector, of a real one: configurations disagree with heads."""
    modality, tower = next(reversed(towers.items()))
    run: Tower = tower
    return int(run(to_sample_features(modality, texts, images)).shape[1])
