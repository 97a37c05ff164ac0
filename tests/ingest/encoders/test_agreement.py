"""The gate before int8: what agrees passes, what does not is refused with its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from ingest.encoders.agreement import measure_agreement, require_agreement
from ingest.encoders.load import load_encoder
from schemas.errors import EncoderError
from schemas.records import Modality
from tests.model_fixtures import CORPUS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from schemas.space import Encoder, Role, Vectors

IMAGES = [Image.new("RGB", (40, 40), colour) for colour in ("red", "green", "navy")]


class Turned:
    """An encoder whose image vectors are turned away from another's by a known angle."""

    def __init__(self, encoder: Encoder, cosine: float, rows: int) -> None:
        self._encoder = encoder
        self._cosine = cosine
        self._rows = rows
        self.space = encoder.space

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        vectors = self._encoder.encode_images(images)
        across = np.roll(vectors, 1, axis=1)
        across -= (across * vectors).sum(axis=1, keepdims=True) * vectors
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        turned = self._cosine * vectors + np.sqrt(1 - self._cosine**2) * across
        return np.concatenate([turned[: self._rows], vectors[self._rows :]])

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        return self._encoder.encode_texts(texts, role)

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        return list(self._encoder.token_spans(text))


def test_an_encoder_agrees_with_itself(encoders: dict[str, Encoder]) -> None:
    found = require_agreement(encoders["clip"], encoders["clip"], IMAGES, CORPUS)
    assert {modality: one.count for modality, one in found.cosines.items()} == {
        Modality.IMAGE: 3,
        Modality.TEXT: 4,
    }
    assert all(one.worst == pytest.approx(1, abs=1e-6) for one in found.cosines.values())
    assert found.is_close


@pytest.mark.usefixtures("exported")
def test_int8_of_a_sound_model_passes(
    model_folders: dict[str, Path], encoders: dict[str, Encoder]
) -> None:
    candidate = load_encoder(str(model_folders["clip"]), dtype="int8", check=False)
    found = require_agreement(candidate, encoders["clip"], IMAGES, CORPUS)
    assert str(found).startswith("clip in int8 against clip in float32: 3 images: mean cosine ")
    assert 0.99 < found.cosines[Modality.TEXT].worst < 0.99999


@pytest.mark.parametrize(
    ("cosine", "rows", "figures"),
    [(0.98, 3, "mean cosine 0.9800, worst 0.9800"), (0.9695, 1, "mean cosine 0.9898, worst 0.969")],
)
def test_a_modality_that_is_off_is_refused_with_its_figures(
    encoders: dict[str, Encoder], cosine: float, rows: int, figures: str
) -> None:
    candidate = Turned(encoders["clip"], cosine, rows)
    with pytest.raises(EncoderError, match=rf"3 images: {figures}.*choose dtype float32"):
        require_agreement(candidate, encoders["clip"], IMAGES, CORPUS)
    assert require_agreement(candidate, encoders["clip"], texts=CORPUS).is_close


def test_one_bad_item_is_enough(encoders: dict[str, Encoder]) -> None:
    candidate = Turned(encoders["clip"], 0.96, 1)
    measured = measure_agreement(candidate, encoders["clip"], IMAGES * 8)
    assert measured.cosines[Modality.IMAGE].mean > 0.99
    assert not measured.is_close


def test_an_empty_sample_proves_nothing(encoders: dict[str, Encoder]) -> None:
    with pytest.raises(EncoderError, match="the sample is empty"):
        require_agreement(encoders["clip"], encoders["clip"])
