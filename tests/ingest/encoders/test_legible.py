"""The legible encoder is what it says: other tests rest on its arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from schemas.errors import InvalidVector, UnsupportedModality
from schemas.records import Modality
from schemas.space import Encoder, Role
from tests.legible import VOID_COLOUR, VOID_WORD, LegibleEncoder


def test_it_answers_the_protocol_and_counts() -> None:
    encoder = LegibleEncoder()
    assert isinstance(encoder, Encoder)
    encoder.encode_texts(["red", "blue"], Role.DOCUMENT)
    encoder.encode_images([Image.new("RGB", (4, 4), "red")])
    assert (encoder.encoded_texts, encoder.encoded_images) == (2, 1)


def test_a_red_image_and_a_red_text_coincide() -> None:
    encoder = LegibleEncoder()
    image = encoder.encode_images([Image.new("RGB", (4, 4), "red")])[0]
    red, mixed, other = encoder.encode_texts(["A red cat.", "Red, green", "a cat"], Role.QUERY)
    assert image.tolist() == red.tolist() == [1, 0, 0, 0, 0]
    assert image @ mixed == pytest.approx(0.5**0.5)
    assert other.tolist() == [0, 0, 0, 0, 1]


def test_words_past_the_window_are_cut() -> None:
    encoder = LegibleEncoder(window_tokens=2)
    cut, whole = encoder.encode_texts(["a red blue", "a red"], Role.DOCUMENT)
    np.testing.assert_array_equal(cut, whole)


def test_what_has_no_vector_is_refused() -> None:
    encoder = LegibleEncoder()
    with pytest.raises(InvalidVector):
        encoder.encode_texts([VOID_WORD], Role.DOCUMENT)
    with pytest.raises(InvalidVector):
        encoder.encode_images([Image.new("RGB", (4, 4), VOID_COLOUR)])


def test_a_missing_tower_is_a_typed_error() -> None:
    encoder = LegibleEncoder(modalities=(Modality.TEXT,))
    with pytest.raises(UnsupportedModality):
        encoder.encode_images([])
