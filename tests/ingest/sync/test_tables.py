"""A row that cannot be read may be any of those that are indexed: none of them is removed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.sync_rig import Rig

if TYPE_CHECKING:
    from pathlib import Path


def to_line(name: str) -> str:
    return json.dumps({"id": name, "text": f"a red {name}"})


@pytest.mark.parametrize("broken", ['{"id": "two", "te', '{"text": "whose is it"}'])
def test_a_broken_row_removes_nothing(tmp_path: Path, broken: str) -> None:
    rig = Rig(tmp_path)
    table = tmp_path / "rows.jsonl"
    table.write_text("\n".join(map(to_line, ["one", "two", "three"])), encoding="utf-8")
    assert rig.sync(table).counts.added == 3
    table.write_text("\n".join([to_line("one"), broken]), encoding="utf-8")
    report = rig.sync(table)
    assert (report.counts.failed, report.counts.deleted, report.exit_code) == (1, 0, 3)
    table.write_text("\n".join([to_line("one"), to_line("two")]), encoding="utf-8")
    report = rig.sync(table)
    assert (report.counts.unchanged, report.counts.deleted, report.exit_code) == (2, 1, 0)
    assert len(rig.found()) == 2
    rig.close()
