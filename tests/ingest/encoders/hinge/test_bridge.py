"""The bridge's weights: round trip, the committed file, ConSE by hand."""

from __future__ import annotations

import json
from dataclasses import fields
from importlib.resources import files

import numpy as np
import pytest
from safetensors import safe_open

from ingest.encoders.hinge import bridge as bridge_module
from ingest.encoders.hinge.bridge import WEIGHTS_FILE, Bridge, load_bridge, to_conse
from ingest.encoders.hinge.wheels import IMAGE_WEIGHTS, TEXT_WEIGHTS
from schemas.errors import ModelUnavailable

COMMITTED = files("ingest.encoders.hinge") / WEIGHTS_FILE


def test_the_committed_weights_load_and_are_small() -> None:
    bridge = load_bridge()
    assert bridge.weight.shape == (384, 2048)
    assert bridge.classes.shape == (1000, 384)
    assert (bridge.scale > 0).all()
    assert all(np.isfinite(getattr(bridge, field.name)).all() for field in fields(bridge))
    assert len(COMMITTED.read_bytes()) <= 4 * 10**6


def test_the_committed_weights_name_their_base_models_and_sources() -> None:
    with safe_open(str(COMMITTED), "np") as file:
        said = json.loads(file.metadata()["provenance"])
    assert IMAGE_WEIGHTS.blake3_hex in said["image_tower"]
    assert TEXT_WEIGHTS.blake3_hex in said["text_tower"]
    assert "CC BY 4.0" in said["training_data"]


def test_writing_and_reading_gives_the_same_bytes() -> None:
    content = COMMITTED.read_bytes()
    with safe_open(str(COMMITTED), "np") as file:
        said = json.loads(file.metadata()["provenance"])
    assert Bridge.from_bytes(content).to_bytes(said) == content


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    load_bridge.cache_clear()
    monkeypatch.setattr(bridge_module, "WEIGHTS_BLAKE3", "0" * 64)
    with pytest.raises(ModelUnavailable, match="install it again"):
        load_bridge()
    monkeypatch.setattr(bridge_module, "WEIGHTS_FILE", "absent.safetensors")
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        load_bridge()


def test_conse_is_the_likely_classes_mean_vector() -> None:
    classes = np.array([[1, 0], [0, 1], [-1, 0]], dtype=np.float32)
    logits = np.log(np.array([[3, 1, 1], [1, 8, 1]], dtype=np.float32))
    rows = to_conse(logits, classes, temperature=1.0)
    # 3/5 (1,0) + 1/5 (0,1) + 1/5 (-1,0) = (2,1)/5; the second is (0,8)/10.
    np.testing.assert_allclose(rows, np.array([[2, 1], [0, 5**0.5]]) / 5**0.5, atol=1e-6)
    softer = to_conse(logits * 2, classes, temperature=2.0)
    np.testing.assert_allclose(softer, rows, atol=1e-6)
