"""The bridges' weights: round trip, the committed files, ConSE and the mixture by hand."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors import safe_open

from ingest.encoders.bridge.conse import Conse
from ingest.encoders.bridge.gate import Gate
from ingest.encoders.catalogue import HINGE_MODEL_ID, HINGE_MODELS
from ingest.encoders.hinge import bridge as bridge_module
from ingest.encoders.hinge.bridge import (
    BRIDGE_FILES,
    Bridge,
    BridgeFile,
    load_bridge,
)
from ingest.encoders.hinge.experts import Dishes, Drawings
from ingest.encoders.hinge.wheels import IMAGE_WEIGHTS, TEXT_WEIGHTS
from schemas.errors import ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from numpy.typing import NDArray


def _committed(model: str) -> Traversable:
    return files("ingest.encoders.hinge") / BRIDGE_FILES[model].name


def _provenance(model: str) -> dict[str, str]:
    with safe_open(str(_committed(model)), "np") as file:
        said: dict[str, str] = json.loads(file.metadata()["provenance"])
        return said


def _iter_numbers(part: object) -> Iterator[Any]:
    """Every number of a bridge, whatever it is nested in."""
    if is_dataclass(part):
        for field in fields(part):
            yield from _iter_numbers(getattr(part, field.name))
    elif part is not None:
        yield part


def test_every_hinge_has_weights() -> None:
    assert tuple(BRIDGE_FILES) == HINGE_MODELS
    assert HINGE_MODELS[0] == HINGE_MODEL_ID


@pytest.mark.parametrize("model", HINGE_MODELS)
def test_the_committed_weights_load_and_are_small(model: str) -> None:
    bridge = load_bridge(model)
    assert bridge.weight.shape == (384, 2048)
    assert bridge.classes.shape == (1000, 384)
    assert (bridge.scale > 0).all()
    assert all(np.isfinite(part).all() for part in _iter_numbers(bridge))
    assert len(_committed(model).read_bytes()) <= 8 * 10**6


def test_the_second_hinge_treats_photographs_as_the_first_does() -> None:
    first, second = load_bridge("hinge-en-1"), load_bridge("hinge-en-2")
    assert (first.drawings, first.dishes) == (None, None)
    assert second.drawings is not None
    assert second.dishes is not None
    for name in ("mean", "scale", "weight", "bias", "classes", "temperature", "residual"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("model", HINGE_MODELS)
def test_the_committed_weights_name_their_base_models_and_sources(model: str) -> None:
    said = _provenance(model)
    assert said["model"] == model
    assert IMAGE_WEIGHTS.blake3_hex in said["image_tower"]
    assert TEXT_WEIGHTS.blake3_hex in said["text_tower"]
    assert "CC BY 4.0" in said["training_data"]
    assert ("Twemoji" in said["training_data"]) == (model == "hinge-en-2")


@pytest.mark.parametrize("model", HINGE_MODELS)
def test_writing_and_reading_gives_the_same_bytes(model: str) -> None:
    content = _committed(model).read_bytes()
    assert Bridge.from_bytes(content).to_bytes(_provenance(model)) == content


@pytest.mark.parametrize(
    ("name", "digest", "said"),
    [
        (BRIDGE_FILES[HINGE_MODEL_ID].name, "0" * 64, "install it again"),
        ("absent.safetensors", "0" * 64, "cannot be read"),
    ],
)
def test_other_weights_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, digest: str, said: str
) -> None:
    load_bridge.cache_clear()
    monkeypatch.setattr(bridge_module, "BRIDGE_FILES", {HINGE_MODEL_ID: BridgeFile(name, digest)})
    with pytest.raises(ModelUnavailable, match=said):
        load_bridge()


def test_conse_is_the_likely_classes_mean_vector() -> None:
    classes = np.array([[1, 0], [0, 1], [-1, 0]], dtype=np.float32)
    logits = np.log(np.array([[3, 1, 1], [1, 8, 1]], dtype=np.float32))
    rows = Conse(classes, 1.0).apply(logits)
    # 3/5 (1,0) + 1/5 (0,1) + 1/5 (-1,0) = (2,1)/5; the second is (0,8)/10.
    np.testing.assert_allclose(rows, np.array([[2, 1], [0, 5**0.5]]) / 5**0.5, atol=1e-6)
    softer = Conse(classes, 2.0).apply(logits * 2)
    np.testing.assert_allclose(softer, rows, atol=1e-6)


def _floats(*rows: Any) -> NDArray[np.float32]:
    return np.array(rows, dtype=np.float32)


def test_a_drawing_is_mapped_by_the_experts_share() -> None:
    """One feature above 0 is a drawing; ConSE always says (0, 1)."""
    bridge = Bridge(
        mean=_floats(1, 0),
        scale=_floats(2, 1),
        weight=_floats([0, 0], [0, 0]),
        bias=_floats(2, 0),
        classes=_floats([0, 1]),
        temperature=1.0,
        residual=1.0,
        drawings=Drawings(
            inner=_floats([1, 0]),
            outer=_floats([0], [0]),
            bias=_floats(0, -3),
            gate=Gate(_floats(1000, 0), 0.0),
            residual=0.5,
        ),
    )
    features, logits = _floats([-1, 5], [3, 5], [1, 5]), _floats([0], [0], [0])
    rows = bridge.to_vectors(features, logits)
    # A photograph: (1,0) + (0,1). A drawing: (0,-1) + .5 (0,1). Half of each: (.5,-.5) + .75 (0,1).
    expected = _floats([1, 1], [0, -0.5], [0.5, 0.25])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(rows, expected, atol=1e-6)
    alike = replace(bridge, drawings=None).to_vectors(features, logits)
    np.testing.assert_allclose(alike, np.tile(expected[:1], (3, 1)), atol=1e-6)


def test_a_dish_is_how_it_differs_from_dishes() -> None:
    """One feature above 0 is a dish; the map always says (1, 0), ConSE (0, 1)."""
    bridge = Bridge(
        mean=_floats(0),
        scale=_floats(1),
        weight=_floats([0], [0]),
        bias=_floats(5, 0),
        classes=_floats([0, 1]),
        temperature=1.0,
        residual=0.0,
        dishes=Dishes(
            centre=_floats(0.6, 0),
            spread=_floats([1, 0], [0, 2]),
            common=_floats(1, -1),
            gate=Gate(_floats(1000), 0.0),
            residual=0.75,
        ),
    )
    rows = bridge.to_vectors(_floats([-1], [1], [0]), _floats([0], [0], [0]))
    # A dish: (1,0) + .75 (0,1) is (.8,.6); less the centre (.2,.6), spread (.2,1.2).
    dish = _floats(0.2, 1.2) / np.float32(np.hypot(0.2, 1.2)) + _floats(1, -1)
    dish /= np.linalg.norm(dish)
    half = (dish + _floats(1, 0)) / np.linalg.norm(dish + _floats(1, 0))
    np.testing.assert_allclose(rows, np.stack([_floats(1, 0), dish, half]), atol=1e-6)
