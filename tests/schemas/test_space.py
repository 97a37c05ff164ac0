"""Embedding spaces and their fingerprints."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from schemas.records import Modality
from schemas.space import EmbeddingSpace, Encoder
from tests.legible import LegibleEncoder
from tests.schemas.test_collection import SPACE


def test_a_space_survives_json() -> None:
    assert EmbeddingSpace.from_json(json.loads(json.dumps(SPACE.to_json()))) == SPACE


def test_the_fingerprint_is_stable_between_releases() -> None:
    digest = "d3a8fc0d1bbba4ca8bc3acb43d99d7dcbf6e2d80e56fb8774d4e720737c99f49"
    assert SPACE.fingerprint == f"blake3:{digest}"


@pytest.mark.parametrize("field", [field.name for field in fields(EmbeddingSpace)])
def test_every_field_changes_the_fingerprint(field: str) -> None:
    value = getattr(SPACE, field)
    if isinstance(value, tuple):
        other: Any = (Modality.TEXT,)
    else:
        other = value + 1 if isinstance(value, int) else f"{value}x"
    changed = replace(SPACE, **{field: other})
    assert changed.fingerprint != SPACE.fingerprint


@pytest.mark.parametrize("wrong", [{"dimension": 0}, {"window_tokens": 0}, {"modalities": ()}])
def test_a_space_without_room_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not an embedding space"):
        replace(SPACE, **wrong)  # type: ignore[arg-type]


def test_an_unknown_or_missing_field_is_refused() -> None:
    with pytest.raises(TypeError):
        EmbeddingSpace.from_json({**SPACE.to_json(), "colour": "red"})
    with pytest.raises(KeyError):
        EmbeddingSpace.from_json({})


def test_the_protocol_can_be_checked_at_run_time() -> None:
    assert isinstance(LegibleEncoder(), Encoder)
    assert not isinstance(object(), Encoder)
