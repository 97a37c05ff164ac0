"""An encoder whose vectors a person can compute, for tests that assert exact ids and scores.

It has five axes: red, green, blue, black, other. A plain red image and the text "a red cat" both
lie on the first one, so their cosine is 1; "red green" lies half way between two axes, at
cos 0.7071 to either.

- An image is its mean colour: red/255, green/255, blue/255, and black = 1 - the largest of them.
- A text is the sum of its colour words' axes (yellow is red + green, white all three colours);
  other words count only when there is no colour word at all: then it lies on "other".
- A token is a run of non-blanks; what lies past the window is cut, as models do.
- The text "void" and a plain image of :data:`VOID_COLOUR` have no vector: InvalidVector.

Import it as ``from tests.legible import LegibleEncoder``.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.vectors import to_unit_rows
from schemas.errors import UnsupportedModality
from schemas.records import Modality
from schemas.space import EmbeddingSpace, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from schemas.space import Vectors

AXES = ("red", "green", "blue", "black", "other")

COLOUR_WORDS = {
    "red": (1, 0, 0, 0, 0),
    "green": (0, 1, 0, 0, 0),
    "blue": (0, 0, 1, 0, 0),
    "black": (0, 0, 0, 1, 0),
    "yellow": (1, 1, 0, 0, 0),
    "magenta": (1, 0, 1, 0, 0),
    "cyan": (0, 1, 1, 0, 0),
    "white": (1, 1, 1, 0, 0),
}

OTHER = (0, 0, 0, 0, 1)
VOID_WORD = "void"
VOID_COLOUR = (1, 2, 3)

_TOKEN = re.compile(r"\S+")


class LegibleEncoder:
    """Colours and colour words on axes, behind the real encoders' protocol.

    Args:
        model_id: Another id is another space, and so another fingerprint.
        window_tokens: How many words of a text count.
        modalities: What it encodes; without one it raises UnsupportedModality like the others.

    Attributes:
        encoded_images: How many images were encoded since the start.
        encoded_texts: How many texts, queries included.
    """

    def __init__(
        self,
        model_id: str = "legible-1",
        window_tokens: int = 8,
        modalities: tuple[Modality, ...] = tuple(Modality),
    ) -> None:
        self.space = EmbeddingSpace(
            model_id=model_id,
            revision="1",
            dimension=len(AXES),
            modalities=modalities,
            window_tokens=window_tokens,
            image_size_pixels=32 if Modality.IMAGE in modalities else 0,
            preprocessing="mean colour",
            padding="none",
            pooling="sum of colour words",
            normalisation="l2",
            dtype="float32",
            decode_version=1,
            chunk_version=1,
        )
        self.encoded_images = 0
        self.encoded_texts = 0
        self._counting = threading.Lock()

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        self._refuse_unless(Modality.IMAGE)
        rows = [_image_row(image) for image in images]
        with self._counting:
            self.encoded_images += len(images)
        return to_unit_rows(rows, self.space.dimension)

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        Role(role)
        self._refuse_unless(Modality.TEXT)
        rows = [self._text_row(text) for text in texts]
        with self._counting:
            self.encoded_texts += len(texts)
        return to_unit_rows(rows, self.space.dimension)

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        self._refuse_unless(Modality.TEXT)
        return [match.span() for match in _TOKEN.finditer(text)]

    def _text_row(self, text: str) -> Sequence[float]:
        spans = self.token_spans(text)[: self.space.window_tokens]
        words = [text[start:end].strip(".,;:!?()\"'").casefold() for start, end in spans]
        if words == [VOID_WORD]:
            return [0.0] * len(AXES)
        colours = [COLOUR_WORDS[word] for word in words if word in COLOUR_WORDS]
        return [float(sum(axis)) for axis in zip(*(colours or [OTHER]), strict=True)]

    def _refuse_unless(self, modality: Modality) -> None:
        if modality not in self.space.modalities:
            raise UnsupportedModality(f"{self.space.model_id} encodes no {modality}s")


def _image_row(image: Image) -> Sequence[float]:
    if image.mode != "RGB":
        raise ValueError(f"encoders are given RGB images, not {image.mode}: decode first")
    mean = np.asarray(image, dtype=np.float64).reshape(-1, 3).mean(axis=0)
    if tuple(mean) == VOID_COLOUR:
        return [0.0] * len(AXES)
    red, green, blue = (mean / 255).tolist()
    return [red, green, blue, 1 - max(red, green, blue), 0.0]
