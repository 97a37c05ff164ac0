"""A bridge's folder is the old one or the new one, and a training that was killed goes on."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

import diptych
from ingest.bridge import BridgeOptions, train_bridge
from ingest.bridge.folder import Target
from ingest.encoders.bridge.folder import FrozenEncoder
from ingest.encoders.bridge.recipe import MapKind, Objective
from ingest.encoders.bridge.side import Base
from ingest.encoders.load import load_encoder
from schemas.errors import SettingsError, StoreError

if TYPE_CHECKING:
    from pathlib import Path

RIDGE = {"objective": Objective.RIDGE, "base": Base.NONE}
LONG = {"objective": Objective.INFONCE, "base": Base.NONE, "epochs": 80, "patience": 0}


def test_a_bridge_is_replaced_only_when_told(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("bridge.json", "bridge.safetensors", "README.md"):
        (tmp_path / "b" / name).write_text("old", encoding="utf-8")
    with pytest.raises(SettingsError, match="holds a bridge already"):
        Target.claim(tmp_path / "b", force=False)
    target = Target.claim(tmp_path / "b", force=True)
    with pytest.raises(ZeroDivisionError), target.replacing() as folder:
        (folder / "bridge.json").write_text(f"half{1 / 0}", encoding="utf-8")
    assert (tmp_path / "b" / "bridge.json").read_text("utf-8") == "old"
    with target.replacing() as folder:
        (folder / "bridge.json").write_text("new", encoding="utf-8")
    assert [one.name for one in (tmp_path / "b").iterdir()] == ["bridge.json"]
    assert [one.name for one in tmp_path.iterdir()] == ["b"]


@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_bridge_is_never_replaced(tmp_path: Path, force: bool) -> None:  # noqa: FBT001 - a parameter
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "bridge.json").write_text("{}", encoding="utf-8")
    (tmp_path / "b" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"thesis\.txt|holds a bridge already"):
        Target.claim(tmp_path / "b", force=force)
    with pytest.raises(SettingsError, match="is a file"):
        Target.claim(tmp_path / "b" / "thesis.txt", force=force)


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_with_a_page_of_somebodys_own_is_never_replaced(
    tmp_path: Path,
    force: bool,  # noqa: FBT001 - a parameter
) -> None:
    (tmp_path / "README.md").write_text("years of work", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"holds 'README\.md' and no bridge"):
        Target.claim(tmp_path, force=force)


@pytest.mark.parametrize(
    ("name", "force", "said"),
    [("thesis.txt", True, r"thesis\.txt"), ("bridge.json", False, "holds a bridge already")],
)
def test_what_came_there_during_the_training_is_not_replaced(
    tmp_path: Path,
    name: str,
    force: bool,  # noqa: FBT001 - a parameter
    said: str,
) -> None:
    target = Target.claim(tmp_path / "b", force=force)

    def come() -> None:
        with target.replacing():
            target.path.mkdir()
            (target.path / name).write_text("old", encoding="utf-8")

    with pytest.raises(SettingsError, match=said):
        come()
    assert [one.read_text("utf-8") for one in target.path.iterdir()] == ["old"]
    assert [one.name for one in tmp_path.iterdir()] == ["b"]


def test_no_room_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    target = Target(tmp_path / "file" / "b")
    with pytest.raises(StoreError, match="cannot be written to"), target.replacing():
        pytest.fail("there is no folder to write to")


@pytest.mark.slow
def test_a_killed_training_goes_on_and_ends_the_same(
    pictures: Path, clip: Path, tmp_path: Path
) -> None:
    def train(output: Path, *, fresh: bool = False) -> str:
        return train_bridge(
            pictures / "first.jsonl",
            output,
            image_encoder=str(clip),
            recipe=LONG,
            options=BridgeOptions(validation_pairs=pictures / "second.jsonl", fresh=fresh),
        ).revision

    whole = train(tmp_path / "whole" / "colours")
    killed = tmp_path / "killed" / "colours"
    arguments = [
        "bridge", "train", "--pairs", str(pictures / "first.jsonl"), "--output", str(killed),
        "--image-encoder", str(clip), "--base", "none", "--objective", "infonce",
        "--patience", "0", "--epochs", "80", "--validation-pairs", str(pictures / "second.jsonl"),
    ]  # fmt: skip
    child = subprocess.Popen([sys.executable, diptych.__file__, *arguments])
    checkpoints = Target(killed).checkpoints
    deadline = time.monotonic() + 60
    while not list(checkpoints.glob("*.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.005)
    child.kill()
    assert child.wait() == -9
    assert not killed.exists()
    assert list(checkpoints.iterdir())
    assert train(killed) == whole
    assert not checkpoints.exists()


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({"base": Base.CONSE}, "has no classes"),
        ({"image_map": MapKind.NONE}, "nothing would be trained"),
        ({"objective": Objective.CCA, "text_map": MapKind.NONE}, "cca maps both sides"),
    ],
)
def test_a_recipe_that_does_not_go_together_is_refused(
    pictures: Path, clip: Path, tmp_path: Path, recipe: dict[str, object], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        train_bridge(
            pictures / "first.jsonl", tmp_path / "b", image_encoder=str(clip), recipe=recipe
        )
    assert not (tmp_path / "b").exists()


def test_an_encoder_of_texts_alone_is_refused_for_images(
    pictures: Path, minilm: Path, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="encodes no images: choose another --image-encoder"):
        train_bridge(pictures / "first.jsonl", tmp_path / "b", image_encoder=str(minilm))


@pytest.mark.usefixtures("hinge_cache")
def test_an_own_base_needs_vectors_that_can_be_compared(
    pictures: Path, clip: Path, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="needs one encoder"):
        train_bridge(
            pictures / "first.jsonl",
            tmp_path / "b",
            text_encoder=str(clip),
            recipe={"base": Base.OWN, "epochs": 1},
        )


def test_a_folder_beside_takes_the_place_of_a_moved_folder_and_of_no_hub_id(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    space = load_encoder("hinge-en-1", check=False).space
    moved = FrozenEncoder(str(tmp_path / "away" / "clip"), space)
    assert moved.to_model(tmp_path) == str(tmp_path / "clip")
    assert FrozenEncoder("somebody/clip", space).to_model(tmp_path) == "somebody/clip"


@pytest.mark.parametrize("given", [{"validation": 0.0}, {"validation": 1.0}, {"forgetting": 2.0}])
def test_shares_that_are_none_are_refused(given: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=f"--{next(iter(given))}"):
        BridgeOptions(**given)  # type: ignore[arg-type]
