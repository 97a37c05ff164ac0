"""An encoder whose calls are counted."""

from __future__ import annotations

from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL.Image import Image

    from schemas.space import EmbeddingSpace, Encoder, Role, Vectors
    from search.server.metrics import Metrics


class MeasuredEncoder:
    """An :class:`~schemas.space.Encoder` that tells how many rows it encoded, and in what time.

    Args:
        inner: Encodes.
        metrics: Are told.

    Attributes:
        inner: As given.
    """

    def __init__(self, inner: Encoder, metrics: Metrics) -> None:
        """Nothing is encoded yet."""
        self.inner = inner
        self._metrics = metrics

    @property
    def space(self) -> EmbeddingSpace:
        """The inner one's."""
        return self.inner.space

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """Encode RGB images; see :class:`schemas.space.Encoder`."""
        with self._measured(Modality.IMAGE, len(images)):
            return self.inner.encode_images(images)

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        """Encode texts; see :class:`schemas.space.Encoder`."""
        with self._measured(Modality.TEXT, len(texts)):
            return self.inner.encode_texts(texts, role)

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Span of each token; see :class:`schemas.space.Encoder`."""
        return self.inner.token_spans(text)

    @contextmanager
    def _measured(self, modality: Modality, rows: int) -> Iterator[None]:
        begun = perf_counter()
        try:
            yield
        finally:
            self._metrics.encoded.labels(modality).observe(rows)
            self._metrics.encoding.labels(modality).inc(perf_counter() - begun)
