"""An encoder whose space is known before its model is loaded. Importing this loads no runtime."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from ingest.encoders.workers import count_cores
from schemas.errors import SpaceMismatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image

    from schemas.space import EmbeddingSpace, Encoder, Role, Vectors


class LazyEncoder:
    """An :class:`~schemas.space.Encoder` that loads another one when it is first needed.

    Whatever it was told, no vector and no token is given before the loaded model has shown that it
    has the very same space.

    Args:
        space: The space that the model is expected to have.
        load: Loads the model; called once, unless it raises.
        on_gpu: Whether the model is expected to run on a GPU.
    """

    def __init__(
        self, space: EmbeddingSpace, load: Callable[[], Encoder], *, on_gpu: bool = False
    ) -> None:
        """Nothing is loaded."""
        self._space = space
        self._load = load
        self._on_gpu = on_gpu
        self._lock = Lock()
        self._encoder: Encoder | None = None

    @property
    def space(self) -> EmbeddingSpace:
        """The space that the model has, or is expected to have."""
        return self._space

    @property
    def workers(self) -> int:
        """How many threads should call at once; see :mod:`ingest.encoders.workers`."""
        return 1 if self._on_gpu else count_cores()

    @property
    def rows(self) -> int:
        """Rows of a call, at most, on a GPU; 0 on a CPU, and before the model is loaded."""
        encoder = self._encoder
        return int(getattr(encoder, "rows", 0)) if encoder is not None else 0

    def confirm(self) -> None:
        """Load the model, if it is not yet, and compare its space.

        Raises:
            SpaceMismatch: It has another one than expected.
            ModelUnavailable: It cannot be loaded.
            EncoderError: It breaks a promise of the self-test.
        """
        self._confirmed()

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """Encode RGB images; see :class:`schemas.space.Encoder` and :meth:`confirm`."""
        return self._confirmed().encode_images(images)

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        """Encode texts; see :class:`schemas.space.Encoder` and :meth:`confirm`."""
        return self._confirmed().encode_texts(texts, role)

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Span of each token; see :class:`schemas.space.Encoder` and :meth:`confirm`."""
        return self._confirmed().token_spans(text)

    def _confirmed(self) -> Encoder:
        with self._lock:
            if self._encoder is None:
                encoder = self._load()
                if encoder.space.fingerprint != self._space.fingerprint:
                    raise SpaceMismatch(
                        f"{self._space.model_id} has changed since it was last loaded (revision "
                        f"{self._space.revision} then, {encoder.space.revision} now): run the same "
                        f"command again to be told in what it differs from the collection's"
                    )
                self._encoder = encoder
            return self._encoder


def confirm_space(encoder: Encoder) -> None:
    """Let an encoder that has loaded nothing show that it is what it is taken for.

    Raises:
        SpaceMismatch: It is not.
        EncoderError: It cannot be loaded, or breaks a promise.
    """
    if isinstance(encoder, LazyEncoder):
        encoder.confirm()
