"""Any sentence-transformers model behind the encoder protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ingest.chunk import CHUNK_VERSION
from ingest.decode import DECODE_VERSION
from ingest.encoders.canary import to_canary_images
from ingest.encoders.transformer import describe
from ingest.encoders.transformer.arithmetic import choose_device, choose_dtype
from ingest.encoders.transformer.images import ImagePreparation
from ingest.encoders.transformer.loading import load_model
from ingest.encoders.transformer.texts import TextPreparation
from ingest.encoders.vectors import to_unit_rows
from schemas.errors import UnsupportedModality
from schemas.records import Modality
from schemas.space import EmbeddingSpace, Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image

    from ingest.encoders.transformer.files import ModelFiles
    from schemas.space import Vectors

FORWARD_ROWS = 32
"""Rows of one forward pass: 16 to 32 are quickest on a CPU, and they bound the memory."""


class TransformerEncoder:
    """An :class:`~schemas.space.Encoder` on a sentence-transformers model.

    A checkpoint holds both towers in one file, so both are loaded at once, here; a text query
    runs the text tower alone. Several threads may call: tokenizing is serialised, the forward
    passes run side by side on shared weights.

    Args:
        files: The model on disk.
        dtype: One of ``float32``, ``bfloat16``, ``float16``; None chooses by the hardware.
        threads: Threads inside one forward pass. The setting is torch's and holds for the process;
            None leaves it alone.

    Raises:
        ModelUnavailable: The model cannot be loaded safely.
        SettingsError: The dtype is unknown.
    """

    def __init__(
        self, files: ModelFiles, *, dtype: str | None = None, threads: int | None = None
    ) -> None:
        """Load the model and settle on an image preparation."""
        import torch

        if threads:
            torch.set_num_threads(threads)
        self._device = choose_device()
        self._dtype = choose_dtype(dtype, self._device)
        self._model = load_model(files, self._dtype, self._device)
        modalities = describe.read_modalities(self._model)
        self._texts = TextPreparation(self._model) if Modality.TEXT in modalities else None
        self._images = (
            ImagePreparation(self._model, self._forward) if Modality.IMAGE in modalities else None
        )
        self._model_id = files.model_id
        self._space = self._describe(files, modalities)

    @property
    def space(self) -> EmbeddingSpace:
        """The space of every vector.

        Its ``preprocessing`` begins with ``own:`` where our image preparation is in use, and with
        ``model:`` where the model's processor is, because ours gave other vectors or cannot
        follow it.
        """
        return self._space

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """Encode RGB images; see :meth:`schemas.space.Encoder.encode_images`."""
        if self._images is None:
            raise self._unsupported(Modality.IMAGE)
        rows = np.empty((len(images), self._space.dimension), dtype=np.float32)
        for part in _iter_parts(range(len(images))):
            features = self._images.to_features([images[index] for index in part])
            rows[part] = self._forward(features)
        return to_unit_rows(rows, self._space.dimension)

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        """Encode texts; see :meth:`schemas.space.Encoder.encode_texts`.

        A text is always a text: one that reads like a path or a URL is neither opened nor
        fetched, and a special token that it spells is a few ordinary tokens.
        """
        if self._texts is None:
            raise self._unsupported(Modality.TEXT)
        role = Role(role)
        counts = self._texts.counts(texts)
        by_length = sorted(range(len(texts)), key=counts.__getitem__)
        rows = np.empty((len(texts), self._space.dimension), dtype=np.float32)
        for part in _iter_parts(by_length):
            batch = [texts[index] for index in part]
            features = self._texts.to_features(batch, role, longest_tokens=counts[part[-1]])
            rows[part] = self._forward(features, role)
        return to_unit_rows(rows, self._space.dimension)

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Span of each token; see :meth:`schemas.space.Encoder.token_spans`.

        Neighbours may share a character, where a model splits one into bytes.
        """
        if self._texts is None:
            raise self._unsupported(Modality.TEXT)
        return self._texts.spans(text)

    def _forward(self, features: dict[str, Any], role: Role | None = None) -> NDArray[np.float32]:
        """Rows as the model gives them, in float32."""
        import torch

        moved = {name: self._to_device(value) for name, value in features.items()}
        task = {"task": str(role)} if role else {}
        with torch.inference_mode():
            embedding = self._model(moved, **task)["sentence_embedding"]
            rows: NDArray[np.float32] = embedding.float().cpu().numpy()
        return rows

    def _to_device(self, value: Any) -> Any:  # noqa: ANN401 - a tensor, or a note beside them
        if not hasattr(value, "to"):
            return value
        floating = value.is_floating_point()
        return value.to(self._device, self._dtype) if floating else value.to(self._device)

    def _unsupported(self, modality: Modality) -> UnsupportedModality:
        return UnsupportedModality(
            f"{self._model_id} encodes no {modality}s: choose a model that does"
        )

    def _describe(self, files: ModelFiles, modalities: tuple[Modality, ...]) -> EmbeddingSpace:
        texts, images = self._texts, self._images
        return EmbeddingSpace(
            model_id=files.model_id,
            revision=files.revision,
            dimension=self._probe_dimension(),
            modalities=modalities,
            window_tokens=texts.window_tokens if texts else 1,
            image_size_pixels=images.side_pixels if images else 0,
            preprocessing=images.preprocessing if images else "none",
            padding=texts.padding if texts else "none",
            pooling=describe.read_pooling(self._model),
            normalisation="l2",
            dtype=str(self._dtype).removeprefix("torch."),
            decode_version=DECODE_VERSION,
            chunk_version=CHUNK_VERSION,
        )

    def _probe_dimension(self) -> int:
        """Length of a vector, of a real one: configurations disagree with heads."""
        if self._texts is not None:
            features = self._texts.to_features(["probe"], Role.DOCUMENT, longest_tokens=1)
            return int(self._forward(features, Role.DOCUMENT).shape[1])
        images = cast("ImagePreparation", self._images)
        return int(self._forward(images.to_features(to_canary_images())).shape[1])


def _iter_parts(indexes: Sequence[int]) -> Iterator[list[int]]:
    """The indexes in runs of one forward pass each."""
    for start in range(0, len(indexes), FORWARD_ROWS):
        yield list(indexes[start : start + FORWARD_ROWS])
