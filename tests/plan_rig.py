"""A folder that is not synchronised yet, and plans of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingest.sync.planning import make_plan
from ingest.sync.session import SyncOptions
from schemas.settings import RootSettings
from tests.sync_rig import Rig, paint, write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from schemas.sync_plan import SyncPlan

LONG = " ".join(f"word{number} red" for number in range(9))
"""A text of several chunks."""

PREFIX = "folder://photos/"
RED = f"{PREFIX}red.png"
TEXT = f"{PREFIX}long.txt"
GENERATION = "diptych__g001"


def make_rig(base: Path) -> Rig:
    """Two pictures and a text, not synchronised yet."""
    made = Rig(base)
    paint(made.folder / "red.png", (255, 0, 0))
    paint(made.folder / "blue.png", (0, 0, 255))
    write(made.folder / "long.txt", LONG)
    return made


def plan(
    rig: Rig, settings: Any = None, roots: Sequence[RootSettings] = (), **options: Any
) -> SyncPlan:
    """The plan, for which nothing was encoded or written."""
    rig.encoder.encoded = 0
    rig.engine.writes = 0
    engine: Any = rig.engine
    roots = roots or [RootSettings(source=str(rig.folder))]
    chosen = SyncOptions(show_progress=False, **options)
    made = make_plan(
        roots, settings or rig.settings(), options=chosen, engine=engine, encoder=rig.encoder
    )
    assert (rig.encoder.encoded, rig.engine.writes) == (0, 0)
    return made


def changing(made: SyncPlan) -> list[tuple[str, str, str]]:
    """Action, path and reason of everything that is not unchanged."""
    return [
        (str(one.action), one.source_uri.removeprefix(PREFIX), one.reason)
        for one in made.entries
        if one.action != "unchanged"
    ]
