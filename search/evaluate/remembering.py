"""An encoder that encodes each query once, in however many directions it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from schemas.space import Role
from search.searcher import Searcher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image

    from schemas.space import EmbeddingSpace, Encoder, Vectors


def to_remembering(searcher: Searcher) -> Searcher:
    """One on the same store that stays with the generation of now; close only one of the two."""
    encoder = RememberingEncoder(searcher.encoder)
    return Searcher(searcher.engine, searcher.collection, encoder, limits=searcher.limits)


class RememberingEncoder:
    """Another encoder, with the vectors of every query and image that it has encoded.

    Documents, such as the sentences of highlights, are encoded anew. Two threads may encode the
    same query once each.

    Args:
        encoder: Gives the vectors.
    """

    def __init__(self, encoder: Encoder) -> None:
        """Nothing is remembered yet."""
        self._encoder = encoder
        self._texts: dict[str, NDArray[np.float32]] = {}
        self._images: dict[bytes, NDArray[np.float32]] = {}

    @property
    def space(self) -> EmbeddingSpace:
        """The other encoder's."""
        return self._encoder.space

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """As the other encoder does; the same pixels once."""
        if not images:
            return self._encoder.encode_images(images)
        keys = list(map(_to_key, images))
        by_key = dict(zip(keys, images, strict=True))
        new = [key for key in by_key if key not in self._images]
        if new:
            rows = self._encoder.encode_images([by_key[key] for key in new])
            self._images.update(zip(new, rows, strict=True))
        return np.stack([self._images[key] for key in keys])

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        """As the other encoder does; the same query once."""
        if role is not Role.QUERY or not texts:
            return self._encoder.encode_texts(texts, role)
        new = list(dict.fromkeys(text for text in texts if text not in self._texts))
        if new:
            rows = self._encoder.encode_texts(new, role)
            self._texts.update(zip(new, rows, strict=True))
        return np.stack([self._texts[text] for text in texts])

    def token_spans(self, text: str) -> Sequence[tuple[int, int]]:
        """The other encoder's."""
        return self._encoder.token_spans(text)


def _to_key(image: Image) -> bytes:
    from blake3 import blake3

    said = f"{image.mode} {image.size} ".encode()
    return blake3(said + image.tobytes()).digest()
