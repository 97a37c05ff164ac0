"""The canary finds an encoder that drifted, the self-test one that never kept its promises."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingest.encoders.canary import canary_vectors, check_canary, to_canary_images
from ingest.encoders.self_test import check_encoder
from ingest.encoders.vectors import to_unit_rows
from schemas.errors import EncoderError, InvalidVector, SpaceMismatch, UnsupportedModality
from schemas.records import Modality
from schemas.space import Role
from tests.legible import LegibleEncoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.space import Encoder, Vectors

BOTH = tuple(Modality)


class Drifted(LegibleEncoder):
    """Gives other vectors than it used to: by default a little, in every component."""

    drift = 0.1

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        rows = super().encode_texts(texts, role) + self.drift
        return to_unit_rows(rows, self.space.dimension)


class Leaking(LegibleEncoder):
    """Mixes the batch's mean into each row."""

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        rows = super().encode_texts(["red", *texts], role)
        mixed = rows[1:] + 0.2 * rows[: len(texts)].mean(axis=0)
        return to_unit_rows(mixed, self.space.dimension)


class Dropping(LegibleEncoder):
    """Another vector at every call."""

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        rows = super().encode_texts(texts, role) + 0.1 * next(self.calls)
        return to_unit_rows(rows, self.space.dimension)

    calls = itertools.count()


class Long(LegibleEncoder):
    """Forgets to normalise."""

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        return super().encode_texts(texts, role) * np.float32(2)


class Broken(LegibleEncoder):
    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        Role(role)
        return to_unit_rows(np.full((len(texts), 5), np.nan), 5)


def test_a_canary_survives_json_and_meets_its_encoder_again() -> None:
    encoder = LegibleEncoder()
    stored = json.loads(json.dumps(canary_vectors(encoder, BOTH)))
    assert {name: np.shape(rows) for name, rows in stored.items()} == {
        "image": (2, 5),
        "text": (2, 5),
    }
    check_canary(encoder, stored, BOTH)


@pytest.mark.parametrize("name", ["clip", "siglip"])
def test_the_canary_holds_on_real_towers(encoders: dict[str, Encoder], name: str) -> None:
    stored = canary_vectors(encoders[name], BOTH)
    check_canary(encoders[name], stored, BOTH)
    negated = {modality: (-np.array(rows)).tolist() for modality, rows in stored.items()}
    with pytest.raises(SpaceMismatch, match="no longer gives the image vectors"):
        check_canary(encoders[name], negated, (Modality.IMAGE,))


def test_only_asked_modalities_are_encoded() -> None:
    encoder = LegibleEncoder()
    stored = canary_vectors(encoder, (Modality.TEXT,))
    check_canary(encoder, stored, (Modality.TEXT,))
    assert list(stored) == ["text"]
    assert encoder.encoded_images == 0


def test_drift_in_an_asked_modality_is_a_space_mismatch() -> None:
    stored = canary_vectors(LegibleEncoder(), BOTH)
    check_canary(Drifted(), stored, (Modality.IMAGE,))
    with pytest.raises(SpaceMismatch, match="no longer gives the text vectors"):
        check_canary(Drifted(), stored, BOTH)


def test_drift_below_the_threshold_is_let_through() -> None:
    encoder = Drifted()
    encoder.drift = 0.001
    check_canary(encoder, canary_vectors(LegibleEncoder(), BOTH), BOTH)


def test_a_canary_of_another_shape_is_a_space_mismatch() -> None:
    with pytest.raises(SpaceMismatch, match="image canary has the shape"):
        check_canary(LegibleEncoder(), {}, (Modality.IMAGE,))
    with pytest.raises(SpaceMismatch, match="text canary has the shape"):
        check_canary(LegibleEncoder(), {"text": [[1.0, 0.0]]}, (Modality.TEXT,))


def test_a_modality_without_a_tower_is_said_so() -> None:
    with pytest.raises(UnsupportedModality):
        canary_vectors(LegibleEncoder(modalities=(Modality.TEXT,)), BOTH)


def test_the_canary_images_are_two_pictures_with_content() -> None:
    pictures = to_canary_images()
    assert [(image.mode, image.size) for image in pictures] == [
        ("RGB", (320, 240)),
        ("RGB", (224, 336)),
    ]
    assert all(np.asarray(image).std() > 30 for image in pictures)
    assert to_canary_images()[0].tobytes() == pictures[0].tobytes()


def test_a_sound_encoder_passes_the_self_test(encoders: dict[str, Encoder]) -> None:
    check_encoder(LegibleEncoder())
    check_encoder(LegibleEncoder(modalities=(Modality.TEXT,)))
    for encoder in encoders.values():
        check_encoder(encoder)


@pytest.mark.parametrize(
    ("encoder", "promise"),
    [
        (Leaking(), "independent of its batch"),
        (Dropping(), "deterministic"),
        (Long(), "unit rows of 5"),
    ],
)
def test_a_broken_promise_is_named(encoder: Encoder, promise: str) -> None:
    with pytest.raises(EncoderError, match=f"legible-1.*{promise}"):
        check_encoder(encoder)


def test_rows_that_are_not_finite_fail_the_self_test() -> None:
    with pytest.raises(InvalidVector):
        check_encoder(Broken())
