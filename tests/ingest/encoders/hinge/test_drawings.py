"""Drawings: read out of small packages, laid over white, learnt from without moving photographs."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from ingest.encoders.hinge.contrast import Examples, Recipe
from ingest.encoders.hinge.drawings import open_over_white, to_named_texts
from ingest.encoders.hinge.emoji import read_emoji_names, read_emoji_pictures, read_icons
from ingest.encoders.hinge.sources import DRAWN, EMOJI_SETS, FLUENT_3D, ICON_SETS, read_drawings

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ingest.encoders.hinge.bridge import Bridge


NO_TORCH = "torch trains; it is not installed (extra `models`)"
needs_rsvg = pytest.mark.skipif(
    shutil.which("rsvg-convert") is None, reason="rsvg-convert (librsvg) is not installed"
)

EMOJI = [
    {"hexcode": "1F408-200D-2B1B", "label": "black cat", "tags": ["animal", "cat", "Black cat"]},
    {"hexcode": "2600-FE0F", "label": "sun", "tags": ["bright"]},
    {"hexcode": "1F3C1", "label": "chequered flag", "tags": ["racing"]},
    {"hexcode": "1F9C0", "label": "cheese wedge"},
]
SQUARE = '<path fill="currentColor" d="M4 4h8v8H4z"/>'


def _write_names(folder: Path) -> None:
    (folder / "en").mkdir(parents=True)
    (folder / "en" / "data.json").write_text(json.dumps(EMOJI), encoding="utf-8")


def _write_icons(folder: Path, prefix: str) -> None:
    icons = {
        "black-cat": {"body": SQUARE},
        "chequered-flag": {"body": SQUARE},
        "tea-pot-2": {"body": SQUARE, "width": 32, "left": -8},
        "old-name": {"body": SQUARE, "hidden": True},
    }
    folder.mkdir(parents=True)
    content = {"prefix": prefix, "height": 16, "icons": icons}
    (folder / "icons.json").write_text(json.dumps(content), encoding="utf-8")


def test_a_name_stands_alone_and_with_what_more_is_said() -> None:
    assert to_named_texts("cat", ["animal", "Cat", "animal"]) == ("cat", "cat: animal")
    assert to_named_texts("cat", []) == ("cat",)
    assert to_named_texts("", ["animal", "pet"]) == ("animal, pet",)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    picture = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    picture.putpixel((1, 0), (200, 0, 0, 255))
    picture.save(path)
    assert list(open_over_white(path).get_flattened_data()) == [(255, 255, 255), (200, 0, 0)]
    picture.convert("L").save(path)
    assert open_over_white(path).mode == "RGB"


def test_emoji_are_found_by_their_code_points(tmp_path: Path) -> None:
    _write_names(tmp_path / "names")
    names = read_emoji_names(tmp_path / "names")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for stem in ("1f408-200d-2b1b", "2600", "1f3c1", "1f9c0", "ffff"):
        (pictures / f"{stem}.webp").touch()
    read = read_emoji_pictures(pictures, "fluent", names)
    assert [one.training_texts for one in read] == [
        ("black cat", "black cat: animal, cat"),
        ("cheese wedge",),
        ("sun", "sun: bright"),
    ]
    assert {one.source for one in read} == {"fluent"}


@needs_rsvg
def test_icons_are_drawn_once_and_named_by_their_slugs(tmp_path: Path) -> None:
    _write_names(tmp_path / "names")
    _write_icons(tmp_path / "set", "noto")
    names = read_emoji_names(tmp_path / "names")
    cat, pot = read_icons(tmp_path / "set", tmp_path / "drawn", names)
    assert (cat.source, cat.training_texts) == ("noto", ("black cat", "black cat: animal, cat"))
    assert pot.training_texts == ("tea pot",)
    drawn = Image.open(cat.path).convert("RGB")
    assert drawn.size == (288, 288)
    assert drawn.getpixel((144, 144)) == (0, 0, 0)
    assert drawn.getpixel((5, 5)) == (255, 255, 255)
    before = cat.path.stat().st_mtime_ns
    assert read_icons(tmp_path / "set", tmp_path / "drawn", names)[0] == cat
    assert cat.path.stat().st_mtime_ns == before


@needs_rsvg
def test_every_set_is_read_from_one_folder(tmp_path: Path) -> None:
    _write_names(tmp_path / "emojibase-data" / "package")
    (tmp_path / FLUENT_3D).mkdir(parents=True)
    (tmp_path / FLUENT_3D / "2600.webp").touch()
    for name in (*EMOJI_SETS, *ICON_SETS):
        _write_icons(tmp_path / name / "package", name)
    read = read_drawings(tmp_path)
    assert {one.source for one in read} == {"fluent-emoji-3d", *EMOJI_SETS, *ICON_SETS}
    assert sorted(path.name for path in (tmp_path / DRAWN).iterdir()) == sorted(
        [*EMOJI_SETS, *ICON_SETS]
    )


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def _examples(texts: NDArray[np.float32], shift: float, *, seed: int) -> Examples:
    """Features that are a linear image of the texts, and in one number what kind they are."""
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(16, 40)).astype(np.float32)
    kind = np.full((len(texts), 1), shift, dtype=np.float32)
    return Examples(
        features=np.concatenate([texts @ mixing, kind], axis=1),
        logits=generator.normal(size=(len(texts), 1000)).astype(np.float32),
        texts=texts,
        owned=np.arange(len(texts))[:, None],
        classes=np.random.default_rng(0).normal(size=(1000, 16)).astype(np.float32),
    )


def test_the_expert_learns_drawings_and_leaves_photographs_where_they_lay() -> None:
    pytest.importorskip("torch", reason=NO_TORCH)
    from ingest.encoders.hinge.contrast import train_bridge
    from ingest.encoders.hinge.learn_drawings import add_drawings

    recipe = Recipe(members=1, epochs=30, batch=64, dropout=0.2, learning_rate=1e-2, residual=0.3)
    texts = _unit(np.random.default_rng(5).normal(size=(160, 16)))
    figures, drawings = _examples(texts[:80], -1, seed=1), _examples(texts[80:], 1, seed=2)
    first = train_bridge(figures, recipe)
    # Nothing varied in the last feature while the figures alone were known.
    first = replace(first, scale=np.maximum(first.scale, 0.5))
    second = add_drawings(first, figures, drawings, recipe)

    assert replace(second, drawings=None).to_bytes({}) == first.to_bytes({})

    def recall(bridge: Bridge, examples: Examples) -> float:
        rows = bridge.to_vectors(examples.features, examples.logits)
        return float(np.mean((rows @ examples.texts.T).argmax(axis=1) == np.arange(80)))

    assert recall(first, drawings) < 0.3
    assert recall(second, drawings) > 0.7
    assert recall(second, figures) > recall(first, figures) - 0.05
    assert second.to_bytes({}) == add_drawings(first, figures, drawings, recipe).to_bytes({})


def test_pictures_of_different_kinds_are_not_contrasted() -> None:
    pytest.importorskip("torch", reason=NO_TORCH)
    from ingest.encoders.hinge.contrast import train_bridge

    texts = _unit(np.random.default_rng(5).normal(size=(40, 16)))
    examples = _examples(texts, 0, seed=1)
    recipe = Recipe(members=1, epochs=2, batch=64)
    alone = train_bridge(examples, recipe, kinds=np.arange(40)).weight
    # With nothing to tell it from, a picture teaches nothing: only the decay moves the weights.
    begun = np.abs(alone).max()
    assert begun < 0.06
    assert np.abs(train_bridge(examples, recipe).weight - alone).max() > 1e-4


def test_a_map_of_low_rank_keeps_what_the_rows_show() -> None:
    pytest.importorskip("torch", reason=NO_TORCH)
    from ingest.encoders.hinge.learn_drawings import to_low_rank

    generator = np.random.default_rng(3)
    weight = generator.normal(size=(12, 20)).astype(np.float32)
    # The rows differ much in five of twenty directions and hardly in the others.
    spread = np.repeat([1.0, 0.02], [5, 15])
    rows = (generator.normal(size=(400, 20)) * spread).astype(np.float32)
    whole = rows @ weight.T

    def to_loss(rank: int) -> float:
        inner, outer = to_low_rank(weight, rows, rank)
        assert (inner.shape, outer.shape) == ((rank, 20), (12, rank))
        return float(np.linalg.norm(rows @ inner.T @ outer.T - whole) / np.linalg.norm(whole))

    assert to_loss(12) < 1e-4
    assert to_loss(5) < 0.05
    plain, sizes, directions = np.linalg.svd(weight)
    cut = (plain[:, :5] * sizes[:5]) @ directions[:5]
    assert to_loss(5) < np.linalg.norm(rows @ cut.T - whole) / np.linalg.norm(whole) / 4
