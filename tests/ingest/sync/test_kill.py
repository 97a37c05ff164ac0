"""A process that is killed at random moments while its folder changes loses nothing."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from ingest.store.connect import connect
from schemas.settings import load_settings
from tests.killing import RUN_SECONDS, change, fill, finish, finish_all, kill, start
from tests.loopback.faults import Fault, FaultPlan
from tests.loopback.server import Loopback, serving
from tests.sync_rig import paint, read_points, read_truth

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("seed", "kills"),
    [(0, 4), *[pytest.param(seed, 10, marks=pytest.mark.slow) for seed in range(1, 31)]],
)
def test_killed_again_and_again(
    tmp_path: Path, record_property: Callable[[str, object], None], seed: int, kills: int
) -> None:
    chosen = random.Random(seed)  # noqa: S311 - a history that can be repeated
    folder = tmp_path / "photos"
    fill(folder)
    killed = 0
    for _ in range(kills):
        killed += kill(start(tmp_path), chosen.uniform(0, RUN_SECONDS))
        change(folder, chosen)
    finish_all(tmp_path)
    settings = load_settings(url=":memory:", isolate=False, chunk_overlap_tokens=2)
    with connect(str(tmp_path / "index")) as engine:
        assert read_points(engine) == read_truth(folder, settings)
    assert finish(start(tmp_path))["encoded"] == 0
    record_property("killed", killed)
    assert killed


RATES = {Fault.LOST: 0.02, Fault.RESET: 0.02}
"""Few of them: a run that is killed while it waits to try again is no new history."""


@pytest.mark.parametrize(
    ("seed", "kills"),
    [(0, 2), *[pytest.param(seed, 10, marks=pytest.mark.slow) for seed in range(1, 31)]],
)
def test_killed_while_it_talks_to_a_server(
    tmp_path: Path, record_property: Callable[[str, object], None], seed: int, kills: int
) -> None:
    """The server lives on: what it was sent before the kill is applied, or half of it is."""
    chosen = random.Random(seed)  # noqa: S311 - likewise
    folder = tmp_path / "photos"
    fill(folder)
    settings = load_settings(url=":memory:", isolate=False, chunk_overlap_tokens=2)
    with serving(FaultPlan(RATES if seed % 2 else {}, seed=seed)) as server:
        killed = 0
        for _ in range(kills):
            child = start(tmp_path, DIPTYCH_URL=server.url, PAUSE_SECONDS="0.03")
            killed += kill(child, chosen.uniform(0, RUN_SECONDS))
            change(folder, chosen)
        server.plan = FaultPlan()
        truth, before = read_truth(folder, settings), found(server)
        assert finish_all(tmp_path, DIPTYCH_URL=server.url) <= count_missing(truth, before)
        assert found(server) == truth
        writes = server.store.applied_to["diptych__g001"].total()
        assert finish(start(tmp_path, DIPTYCH_URL=server.url))["encoded"] == 0
        assert server.store.applied_to["diptych__g001"].total() == writes
    record_property("killed", killed)
    assert killed


def count_missing(truth: dict[str, Any], before: dict[str, Any]) -> int:
    """Points of items that are not there whole: half of one is encoded anew with the rest of it."""
    torn = {
        payload["source_uri"]
        for key, (_, vector, payload) in truth.items()
        if before.get(key, (None, None))[1] != vector
    }
    return sum(payload["source_uri"] in torn for _, _, payload in truth.values())


def found(server: Loopback) -> dict[str, Any]:
    """What the server holds; nothing where no run came so far."""
    with connect(server.url, prefer_grpc=False) as engine:
        return read_points(engine) if engine.collection_exists("diptych") else {}


def test_two_at_once(tmp_path: Path) -> None:
    """One runs, the other one yields at once."""
    for number in range(40):
        paint(tmp_path / "photos" / f"{number}.png", (255, number, 0))
    children = [start(tmp_path), start(tmp_path)]
    answers = sorted((finish(child) for child in children), key=lambda answer: answer["exit"])
    assert [answer["exit"] for answer in answers] in ([0, 75], [0, 0])
    assert finish(start(tmp_path))["encoded"] == 0
