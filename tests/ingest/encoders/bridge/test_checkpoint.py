"""A killed training goes on where it was; state of any other is not read."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ingest.encoders.bridge.checkpoint import Checkpoint
from ingest.encoders.bridge.recipe import MapKind, Objective, Recipe
from ingest.encoders.bridge.side import Base
from ingest.encoders.bridge.training import Epoch, train
from tests.ingest.encoders.bridge.made_up import assert_same_side, make_examples

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("torch", reason="gradients need torch; it is not installed (extra `models`)")

NONE = make_examples(1).take([])
QUICK = Recipe(epochs=4, batch=32, hidden=16)


class _KilledError(Exception):
    """In place of a signal."""


@pytest.mark.parametrize(
    "recipe",
    [
        replace(QUICK, members=2),
        replace(QUICK, image_map=MapKind.RESIDUAL, text_map=MapKind.LINEAR, hard_negatives=2),
        replace(QUICK, objective=Objective.TRIPLET, base=Base.OWN),
    ],
)
def test_a_killed_run_goes_on_and_ends_the_same(recipe: Recipe, tmp_path: Path) -> None:
    examples, validation = make_examples(60, texts=2), make_examples(20, seed=1)
    whole = train(examples, validation, recipe)

    def kill(epoch: Epoch) -> None:
        if epoch.number == 2:
            raise _KilledError

    with pytest.raises(_KilledError):
        train(examples, validation, recipe, checkpoints=tmp_path, on_epoch=kill)
    seen: list[Epoch] = []
    resumed = train(examples, validation, recipe, checkpoints=tmp_path, on_epoch=seen.append)

    assert_same_side(whole.images, resumed.images)
    assert_same_side(whole.texts, resumed.texts)
    assert whole.epochs == resumed.epochs == tuple(seen)
    assert whole.best == resumed.best
    assert [path.name for path in tmp_path.iterdir()] == ["training.safetensors"]


@pytest.mark.parametrize("damage", ["other", "cut", "empty"])
def test_state_that_is_not_of_this_run_is_written_over(damage: str, tmp_path: Path) -> None:
    examples = make_examples(40)
    expected = train(examples, NONE, QUICK)
    train(make_examples(40, seed=damage == "other"), NONE, QUICK, checkpoints=tmp_path)
    file = tmp_path / "training.safetensors"
    if damage != "other":
        file.write_bytes(file.read_bytes()[: 100 if damage == "cut" else 0])

    found = train(examples, NONE, QUICK, checkpoints=tmp_path)

    assert_same_side(expected.images, found.images)
    assert found.epochs == expected.epochs


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    examples = make_examples(40)
    first = train(examples, NONE, QUICK, checkpoints=tmp_path)
    written = (tmp_path / "training.safetensors").stat().st_mtime_ns

    second = train(examples, NONE, QUICK, checkpoints=tmp_path)

    assert_same_side(first.images, second.images)
    assert (tmp_path / "training.safetensors").stat().st_mtime_ns == written


def test_two_runs_into_one_folder_do_not_take_each_others_file(tmp_path: Path) -> None:
    """They write over each other's state, which costs a resumption and never a run."""
    script = (
        "import sys; from pathlib import Path; import numpy as np;"
        "from ingest.encoders.bridge.checkpoint import Checkpoint\n"
        "for number in range(300):\n"
        "    Checkpoint(Path(sys.argv[1]), sys.argv[2]).write({'a': np.zeros(9)}, {'n': number})"
    )
    runs = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path), name]) for name in "ab"]
    assert [run.wait() for run in runs] == [0, 0]
    states = [Checkpoint(tmp_path, name).read() for name in "ab"]
    assert [state[1] for state in states if state] == [{"n": 299}]
    assert len(list(tmp_path.iterdir())) == 1
