"""What is known of a model once it was loaded and exported: enough to run its graphs alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ingest.chunk import CHUNK_VERSION
from ingest.decode import DECODE_VERSION
from ingest.encoders.transformer.images import RecipeImages
from ingest.encoders.transformer.pixels import PixelRecipe
from ingest.encoders.transformer.texts import RecipeTexts, TextLimits, TokenRecipe
from schemas.space import EmbeddingSpace

if TYPE_CHECKING:
    from ingest.encoders.transformer.encoder import EncoderParts

FILE = "model.json"


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model without its code and weights.

    Attributes:
        space: In float32.
        texts: Makes the text tower's input, if there is one.
        images: Makes the image tower's input, if there is one.
    """

    space: EmbeddingSpace
    texts: RecipeTexts | None
    images: RecipeImages | None

    def to_json(self) -> str:
        """As text; :meth:`from_json` gives the description back."""
        texts, images = self.texts, self.images
        return json.dumps(
            {
                "space": self.space.to_json(),
                "limits": asdict(texts.limits) if texts else None,
                "tokens": texts.recipe.to_json() if texts else None,
                "pixels": asdict(images.recipe) if images else None,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> ModelDescription:
        """What :meth:`to_json` described, with today's versions of decoding and chunking."""
        held = json.loads(text)
        versions = {"decode_version": DECODE_VERSION, "chunk_version": CHUNK_VERSION}
        texts = images = None
        if held["tokens"]:
            recipe = TokenRecipe.from_json(held["tokens"])
            texts = RecipeTexts(recipe, TextLimits(**held["limits"]))
        if held["pixels"]:
            images = RecipeImages(PixelRecipe.from_json(held["pixels"]))
        return cls(EmbeddingSpace.from_json({**held["space"], **versions}), texts, images)


def describe_parts(parts: EncoderParts) -> ModelDescription | None:
    """The description of a loaded model, None where the model's own code prepares its input."""
    texts, images = parts.texts, parts.images
    if not isinstance(texts, RecipeTexts | None) or not isinstance(images, RecipeImages | None):
        return None
    return ModelDescription(parts.space, texts, images)
