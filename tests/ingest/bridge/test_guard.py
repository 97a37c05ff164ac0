"""What a bridge may not forget: the map's weight, the gate before it, and what is said of both."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

from ingest.bridge import BridgeOptions, train_bridge
from ingest.bridge.items import Item
from ingest.bridge.material import Parts
from ingest.bridge.notes import iter_notes
from ingest.bridge.report_table import to_bridge_table
from ingest.encoders.bridge.folder import Bridge
from ingest.encoders.bridge.gate import Gate
from ingest.encoders.bridge.recipe import Objective
from ingest.encoders.bridge.side import Base, Side
from ingest.encoders.bridge.training import Epoch, Trained
from ingest.encoders.bridge.wise import Interpolation, WisePoint
from ingest.encoders.load import load_encoder
from tests.ingest.bridge.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.bridge.report import BridgeReport

_SOLVED: Final[dict[str, Any]] = {"objective": Objective.RIDGE, "base": Base.OWN, "ridge": 0.1}
"""A closed form always has a map; of epochs the best may be none."""


def test_the_general_pairs_are_not_forgotten(pictures: Path, clip: Path, tmp_path: Path) -> None:
    """With no tolerance the mean of both directions may not fall there at all."""
    report = _train_strictly(pictures, clip, tmp_path, others=12)
    general = next(one for one in report.measured if one.part == "general")
    at_ten = [one for one in general.changes if one.cut == 10 and one.difference]
    assert sum(one.difference.value for one in at_ten if one.difference) >= -1e-9
    assert report.interpolation is not None
    weights = [point["map_weight"] for point in report.interpolation["curve"]]
    assert (weights[0], weights[-1]) == (0, 1)
    assert report.interpolation["map_weight"] in weights
    assert "Weight of the map (WiSE-FT)" in (tmp_path / "colours" / "README.md").read_text("utf-8")


def _train_strictly(
    pictures: Path, clip: Path, folder: Path, *, others: int, gate: bool = True
) -> BridgeReport:
    """A bridge to colours, in ``colours``, that may forget nothing of so many other pictures."""
    return train_bridge(
        pictures / "first.jsonl",
        folder / "colours",
        image_encoder=str(clip),
        recipe=_SOLVED,
        options=BridgeOptions(
            validation_pairs=pictures / "second.jsonl",
            general=_write_others(folder, others),
            forgetting=0.0,
            gate=gate,
        ),
    )


def _write_others(folder: Path, count: int) -> Path:
    """Pictures that are plain in another way, each with a text of its own."""
    from tests.hostile_images import picture
    from tests.ingest.bridge.conftest import write_lines

    lines = []
    for number in range(count):
        name = folder / f"{number}.png"
        picture(32 + 4 * number, 60).rotate(13 * number).save(name)
        lines.append({"image": str(name), "text": f"the {number}th flag turned"})
    return write_lines(folder / "general.jsonl", lines)


@pytest.mark.parametrize("gate", [True, False])
def test_half_of_the_general_pairs_may_teach_a_gate(
    pictures: Path, clip: Path, tmp_path: Path, *, gate: bool
) -> None:
    report = _train_strictly(pictures, clip, tmp_path, others=30, gate=gate)
    assert (report.counts["general"], report.counts["outside"]) == ((15, 15) if gate else (30, 0))
    general = next(one for one in report.measured if one.part == "general")
    assert general.images == report.counts["general"]
    assert report.interpolation is not None
    assert any(point["gated"] for point in report.interpolation["curve"]) == gate

    assert ("behind a gate" in (tmp_path / "colours" / "README.md").read_text("utf-8")) == (
        report.interpolation["gated"]
    )
    assert any("alf of the general pairs taught" in note for note in report.notes) == gate
    assert (", and a gate from 15 others;" in to_bridge_table(report)) == gate


def test_what_taught_a_gate_is_part_of_where_a_bridge_comes_from(
    pictures: Path, clip: Path, tmp_path: Path
) -> None:
    """Of twenty pairs ten are measured, and all found: the gate is taken."""
    told = {}
    for gate in (True, False):
        train_bridge(
            pictures / "first.jsonl",
            tmp_path / f"colours-{gate}",
            image_encoder=str(clip),
            recipe=_SOLVED,
            options=BridgeOptions(
                validation_pairs=pictures / "second.jsonl",
                general=_write_others(tmp_path, 20),
                gate=gate,
            ),
        )
        told[gate] = Bridge.read(tmp_path / f"colours-{gate}").provenance
    assert told[True]["outside_images"] == 10
    assert "outside_images" not in told[False]
    assert told[True]["training_data"] != told[False]["training_data"]


def test_it_is_said_when_there_are_too_few_for_a_gate_or_to_show_anything(
    pictures: Path, clip: Path, tmp_path: Path
) -> None:
    """Among ten pictures the right one is always one of the first ten."""
    report = train_bridge(
        pictures / "first.jsonl",
        tmp_path / "colours",
        image_encoder=str(clip),
        recipe=_SOLVED,
        options=BridgeOptions(
            validation_pairs=pictures / "second.jsonl", general=_write_others(tmp_path, 10)
        ),
    )
    assert report.interpolation is not None
    assert report.interpolation["map_weight"] > 0
    said = " ".join(report.notes)
    assert "No gate was taught: that takes 20 " in said
    assert "show nothing of what was forgotten" in said


def _notes_of_solved(*curve: WisePoint) -> list[str]:
    """What is said of a map that was solved, which has no epochs, and counts for nothing."""
    solved = Trained(Side(Base.OWN), Side(Base.OWN))
    parts = Parts((), (), (), (), (), 0)
    return list(iter_notes(solved, Interpolation(0.0, curve), parts, Base.OWN, gate=False))


def test_it_is_said_when_what_was_solved_counts_for_nothing() -> None:
    notes = _notes_of_solved(WisePoint(0.0, 0.5, 1.0), WisePoint(1.0, 0.6, 0.5))
    assert ["the map counts for nothing" in note for note in notes] == [True]


def test_another_tolerance_is_advised_only_where_it_would_help() -> None:
    found = WisePoint(0.0, 1.0, 1.0, domain_reciprocal=0.5)

    (said,) = _notes_of_solved(found, replace(found, general=0.5, domain_reciprocal=0.6))
    assert "another tolerance" in said
    (said,) = _notes_of_solved(found, replace(found, map_weight=1.0, general=0.5))
    assert "than the encoder as it was" in said
    assert "tolerance" not in said


def test_it_is_said_when_only_what_has_no_gate_finds_more() -> None:
    found = WisePoint(0.0, 0.5, 1.0)
    more = replace(found, map_weight=1.0, domain=0.6)
    said = " ".join(_notes_of_solved(found, more, replace(found, gated=True)))

    assert "show nothing of what was forgotten" in said
    assert "Only without the gate" in said
    assert "--forgetting" not in said


def _notes_of_idle(*outside: Item) -> list[str]:
    """What is said where no epoch found more, after a gate was taught by these."""
    idle = Trained(Side(Base.OWN), Side(Base.OWN), epochs=(Epoch(1, 1, 0.5, 0.5, 0.5),))
    curve = (WisePoint(0.0, 0.5, 1.0), WisePoint(1.0, 0.5, 1.0))
    parts = Parts((), (), (), (), outside, 0)
    return list(iter_notes(idle, Interpolation(0.0, curve), parts, Base.OWN, gate=True))


def test_where_nothing_was_learned_it_is_still_said_that_half_of_the_pairs_taught_a_gate() -> None:
    notes = _notes_of_idle(Item("b3", ("a flag",)))
    assert ["which was not taken" in note for note in notes] == [False, True]


def test_where_nothing_was_learned_no_more_is_said_of_a_weight() -> None:
    (note,) = _notes_of_idle()
    assert "No epoch found more" in note


def test_behind_a_closed_gate_the_encoder_is_as_it_was(
    pictures: Path, clip: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "colours"
    options = BridgeOptions(validation_pairs=pictures / "second.jsonl")
    train_bridge(
        pictures / "first.jsonl",
        folder,
        image_encoder=str(clip),
        recipe={"objective": Objective.RIDGE, "base": Base.OWN},
        options=options,
    )
    open_bridge = Bridge.read(folder)
    assert json.loads((folder / "bridge.json").read_text("utf-8"))["format"] == 1
    still = np.zeros(len(open_bridge.images.map.mean), dtype=np.float32)  # type: ignore[union-attr]
    gated = replace(open_bridge.images, gate=Gate(still, -60.0))
    replace(open_bridge, images=gated).write(tmp_path / "gated")
    assert json.loads((tmp_path / "gated" / "bridge.json").read_text("utf-8"))["format"] == 2

    images = [picture(hue, 1, 0) for hue in range(3)]
    before, after, closed = (
        load_encoder(str(one), check=False).encode_images(images)
        for one in (clip, folder, tmp_path / "gated")
    )
    np.testing.assert_allclose(closed, before, atol=1e-6)
    assert np.abs(after - before).max() > 1e-3
