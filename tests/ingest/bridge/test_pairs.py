"""What is no pair costs itself alone, and is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from ingest.bridge import BridgeOptions, train_bridge
from ingest.bridge.pairs import read_pairs
from ingest.encoders.bridge.recipe import Objective
from ingest.encoders.bridge.side import Base
from schemas.errors import SettingsError
from tests.hostile_images import bomb_png
from tests.ingest.bridge.conftest import write_lines

if TYPE_CHECKING:
    from pathlib import Path

RIDGE = {"objective": Objective.RIDGE, "base": Base.NONE}


def test_texts_have_three_names_and_may_be_lists(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "pairs.jsonl",
        [
            {"image": "a.png", "text": "one"},
            {"image": "b.png", "captions": ["two", " ", "two", "three"]},
            "",
            {"image": "c.png", "caption": "cafe\u0301", "group": 7},
        ],
    )
    read = read_pairs(path)
    assert read.failures == ()
    assert [(one.path, one.texts, one.group) for one in read.pairs] == [
        (tmp_path / "a.png", ("one",), None),
        (tmp_path / "b.png", ("two", "three"), None),
        (tmp_path / "c.png", ("caf\u00e9",), "7"),
    ]
    assert read.pairs[2].origin == f"{path}, line 4"


def test_a_path_is_looked_for_beside_the_file_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "files").mkdir()
    for name in ("files/both.png", "both.png", "here.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    lines = [{"image": "both.png", "text": "x"}, {"image": "here.png", "text": "y"}]
    read = read_pairs(write_lines(tmp_path / "files" / "pairs.jsonl", lines))
    assert [one.path.resolve() for one in read.pairs] == [
        tmp_path / "files" / "both.png",
        tmp_path / "here.png",
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "is no JSON"),
        ('"words"', "is no JSON object"),
        ('{"text": "no image"}', "image is a path"),
        ('{"image": "a.png"}', "has no text"),
        ('{"image": "a.png", "text": "  "}', "has no text"),
        ('{"image": "a.png", "text": 7}', "text is a text or a list of texts"),
        ('{"image": "a.png", "text": "x", "group": [1]}', "group is a word or a number"),
        ('{"image": "a\\u0000.png", "text": "x"}', "image is a path"),
        ('{"image": "a.png", "text": "\\ud800"}', "is no JSON"),
    ],
)
def test_a_line_that_is_no_pair_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = write_lines(tmp_path / "pairs.jsonl", [{"image": "a.png", "text": "x"}, line])
    read = read_pairs(path)
    assert len(read.pairs) == 1
    (failure,) = read.failures
    assert failure.source_uri == f"{path}, line 2"
    assert failure.message.startswith(reason)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.jsonl cannot be read"):
        read_pairs(tmp_path / "nowhere.jsonl")
    (tmp_path / "binary").write_bytes(bytes(range(128, 256)))
    with pytest.raises(SettingsError, match="cannot be read after line 0"):
        read_pairs(tmp_path / "binary")


def test_bad_images_cost_themselves_and_are_listed(
    pictures: Path, clip: Path, tmp_path: Path
) -> None:
    """A missing one, a truncated one, a bomb, a folder, text; and the rest is learned from."""
    sound = (pictures / "red-dark-0.png").read_bytes()
    for name, content in (
        ("cut.png", sound[: len(sound) // 2]),
        ("bomb.png", bomb_png(60_000, 60_000)),
        ("words.png", b"no image at all"),
    ):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.png").mkdir()
    bad = ["missing.png", "cut.png", "bomb.png", "words.png", "folder.png"]
    lines = [json.loads(one) for one in (pictures / "first.jsonl").read_text().splitlines()]
    for one in lines:
        one["image"] = str(pictures / one["image"])
    path = write_lines(
        tmp_path / "pairs.jsonl",
        [*({"image": name, "text": f"bad {name}"} for name in bad), *lines, "no JSON"],
    )
    report = train_bridge(
        path,
        tmp_path / "colours",
        image_encoder=str(clip),
        recipe=RIDGE,
        options=BridgeOptions(validation_pairs=pictures / "second.jsonl"),
    )
    assert report.exit_code == 3
    assert (report.counts["lines"], report.counts["training"]) == (30, 24)
    assert [(one.source_uri, one.kind) for one in report.failures] == [
        (f"{path}, line 30", "SettingsError"),
        (f"{path}, line 1", "UnreadableSource"),
        (f"{path}, line 2", "DecodeError"),
        (f"{path}, line 3", "SourceTooLarge"),
        (f"{path}, line 4", "UnsupportedFormat"),
        (f"{path}, line 5", "UnreadableSource"),
    ]
    listed = (tmp_path / "colours" / "dead-letters.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(one)["kind"] for one in listed] == [one.kind for one in report.failures]


@pytest.mark.parametrize("images", [[], ["red-dark-0.png"], ["red-dark-0.png"] * 3])
def test_fewer_than_two_images_are_refused(
    pictures: Path, clip: Path, tmp_path: Path, images: list[str]
) -> None:
    """However many lines there are; it says what is wrong with the first of the others."""
    lines = [{"image": str(pictures / one), "text": f"text {n}"} for n, one in enumerate(images)]
    path = write_lines(tmp_path / "pairs.jsonl", [*lines, {"image": "gone.png", "text": "x"}])
    with pytest.raises(SettingsError) as raised:
        train_bridge(path, tmp_path / "colours", image_encoder=str(clip), recipe=RIDGE)
    assert f"{len(set(images))} images with texts can be used, at least 2" in str(raised.value)
    assert "gone.png" in str(raised.value)
    assert not (tmp_path / "colours").exists()


def test_pairs_that_hang_together_need_a_file_for_validation(
    pictures: Path, clip: Path, tmp_path: Path
) -> None:
    lines = [
        {"image": str(pictures / name), "text": "the same words"}
        for name in ("red-dark-0.png", "blue-dark-0.png", "teal-dark-0.png")
    ]
    path = write_lines(tmp_path / "pairs.jsonl", lines)
    with pytest.raises(SettingsError, match="--validation-pairs"):
        train_bridge(path, tmp_path / "colours", image_encoder=str(clip), recipe=RIDGE)
