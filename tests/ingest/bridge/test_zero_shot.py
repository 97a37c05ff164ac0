"""A space without pairs, from labels to a folder that is a model."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from PIL import Image

import diptych
from ingest.bridge.zero_shot import make_zero_shot_bridge
from ingest.bridge.zero_shot_options import Method, Objective, ZeroShotOptions
from ingest.encoders.load import load_encoder
from schemas.errors import SettingsError
from schemas.space import Role
from tests.ingest.bridge.conftest import HUES, write_lines

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("transformers") is None,
    reason="the extra 'models' is not installed",
)


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.classifier_fixtures import save_vit

    return save_vit(tmp_path_factory.mktemp("classifiers") / "vit")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    lines = [
        {"label": hue, "description": f"{hue} paint", "attributes": {"warm": int(place < 2)}}
        for place, hue in enumerate(HUES)
    ]
    return write_lines(tmp_path / "labels.jsonl", lines)


@pytest.fixture
def images(tmp_path: Path, pictures: Path) -> Path:
    lines: list[dict[str, Any] | str] = [
        {"image": str(path), "label": path.name.split("-")[0]}
        for path in sorted(pictures.glob("*.png"))
    ]
    return write_lines(tmp_path / "images.jsonl", lines)


def make(labels: Path, output: Path, vit: Path, minilm: Path, **options: Any) -> Any:
    asked = ZeroShotOptions(image_encoder=str(vit), text_encoder=str(minilm), **options)
    return make_zero_shot_bridge(labels, output, asked)


@pytest.mark.parametrize("method", list(Method))
def test_without_any_image_it_is_a_model_like_any_other(
    tmp_path: Path, labels: Path, vit: Path, minilm: Path, method: Method
) -> None:
    report = make(labels, tmp_path / "a space", vit, minilm, method=method)
    assert report.counts == {
        "labels": 6,
        "described": 6,
        "with_attributes": 6,
        "classes": 4,
        "matched": 1,
    }
    assert report.outcomes == ()
    encoder = load_encoder(str(tmp_path / "a space"))
    assert encoder.space.revision == report.revision
    image = encoder.encode_images([Image.new("RGB", (40, 30), "blue")])
    texts = encoder.encode_texts(["blue", "a zebra"], Role.QUERY)
    assert image.shape[1] == texts.shape[1] == encoder.space.dimension
    card = (tmp_path / "a space" / "README.md").read_text()
    assert "Nothing was measured" in card
    assert "--model 'a space'\n" in card
    assert ("too few to say" in card) == (method is Method.DEVISE)


@pytest.mark.parametrize("objective", list(Objective))
def test_a_map_of_seen_classes_is_measured_on_unseen_ones(
    tmp_path: Path, labels: Path, images: Path, vit: Path, minilm: Path, objective: Objective
) -> None:
    report = make(
        labels,
        tmp_path / "space",
        vit,
        minilm,
        method=Method.DEVISE,
        images=images,
        objective=objective,
        unseen_share=0.34,
        data_licence="GPL-2.0-only",
    )
    assert report.exit_code == 0
    counts = report.counts
    assert (counts["seen"], counts["unseen"]) == (4, 2)
    assert counts["training"] + counts["measured"] == counts["images"] == 48
    assert report.made == "devise on conse with attributes"
    by_name = {one.name: one for one in report.outcomes}
    assert len(by_name) == 8
    alone = by_name["devise"]
    assert alone.seen_alone is not None
    assert alone.seen_alone > 0.6  # by chance it would be 0.25
    for one in report.outcomes:
        assert one.plain is not None
        assert one.stacked is not None
        assert 0 <= one.stacked.harmonic <= 1
    told = json.loads((tmp_path / "space" / "report.json").read_text())
    assert told["outcomes"][0].keys() >= {"gamma", "plain", "stacked", "area"}
    card = (tmp_path / "space" / "README.md").read_text()
    assert "**devise on conse with attributes**" in card
    assert yaml.safe_load(card.split("---")[1])["license"] == "gpl-2.0-only"


def test_an_encoder_without_classes_takes_a_map_of_its_features(
    tmp_path: Path, labels: Path, images: Path, clip: Path
) -> None:
    options = ZeroShotOptions(image_encoder=str(clip), images=images, method=Method.DEVISE)
    report = make_zero_shot_bridge(labels, tmp_path / "space", options)
    assert report.made == "devise with attributes"
    assert all(one.plain is None for one in report.outcomes)  # nothing is unseen
    assert "classes that were learned from" in (tmp_path / "space" / "README.md").read_text()
    whole = replace(options, held_out=0.0, force=True)
    assert make_zero_shot_bridge(labels, tmp_path / "space", whole).counts["measured"] == 0
    assert "every image was learned" in (tmp_path / "space" / "README.md").read_text()
    with pytest.raises(SettingsError, match="--images with --method devise"):
        make_zero_shot_bridge(labels, tmp_path / "other", ZeroShotOptions(image_encoder=str(clip)))
    with pytest.raises(SettingsError, match="choose an image classifier"):
        make_zero_shot_bridge(
            labels, tmp_path / "other", ZeroShotOptions(image_encoder=str(clip), images=images)
        )


def test_a_bad_line_or_image_costs_itself(
    tmp_path: Path, labels: Path, pictures: Path, vit: Path, minilm: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    good = [
        {"image": str(path), "label": path.name.split("-")[0]}
        for path in sorted(pictures.glob("*.png"))
    ]
    twice = {**good[0], "label": "red" if good[0]["label"] != "red" else "blue"}
    bad: list[dict[str, Any] | str] = [
        "{",
        {"image": "broken.png", "label": "red"},
        {"image": "gone.png", "label": "red"},
        {"image": good[0]["image"], "label": "unheard of"},
        {"image": 3, "label": "red"},
        twice,
    ]
    path = write_lines(tmp_path / "images.jsonl", [*good, *bad])
    report = make(labels, tmp_path / "space", vit, minilm, method=Method.DEVISE, images=path)
    assert report.exit_code == 3
    assert report.counts["images"] == 47
    assert len(report.failures) == len(bad) + 1  # both lines of the image with two labels


def test_the_same_again_is_the_same(
    tmp_path: Path, labels: Path, images: Path, vit: Path, minilm: Path
) -> None:
    revisions = {
        make(
            labels, tmp_path / name / "space", vit, minilm, method=Method.DEVISE, images=images
        ).revision
        for name in ("first", "second")
    }
    weights = [
        (tmp_path / name / "space" / "bridge.safetensors").read_bytes()
        for name in ("first", "second")
    ]
    assert weights[0] == weights[1]
    assert len(revisions) == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"temperature": 0.0}, "--temperature"),
        ({"temperature": float("nan")}, "--temperature"),
        ({"attribute_weight": 2.0}, "--attribute-weight"),
        ({"unseen_share": 1.0}, "--unseen-share"),
        ({"base_weight": float("nan")}, "--base-weight"),
        ({"temperature": float("inf")}, "--temperature"),
        ({"held_out": -0.1}, "--held-out"),
        ({"templates": ("a photo",)}, "exactly one"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        ZeroShotOptions(**options)


def test_the_command_says_what_it_measured(
    tmp_path: Path, labels: Path, images: Path, vit: Path, minilm: Path
) -> None:
    arguments = [
        "bridge",
        "zero-shot",
        *("--labels", str(labels), "--output", str(tmp_path / "space"), "--images", str(images)),
        *("--image-encoder", str(vit), "--text-encoder", str(minilm), "--method", "devise"),
        *("--unseen-share", "0.34", "--template", "{}", "--alone"),
    ]
    result = CliRunner().invoke(diptych.cli, arguments, standalone_mode=False)
    assert result.exception is None
    assert "| **devise with attributes** |" in result.output
    assert np.isfinite(load_encoder(str(tmp_path / "space")).encode_texts(["a"], Role.QUERY)).all()
    again = CliRunner().invoke(diptych.cli, [*arguments, "--json"], standalone_mode=False)
    assert isinstance(again.exception, SettingsError)
    forced = CliRunner().invoke(
        diptych.cli, [*arguments, "--force", "--json"], standalone_mode=False
    )
    assert json.loads(forced.stdout)["made"] == "devise with attributes"
