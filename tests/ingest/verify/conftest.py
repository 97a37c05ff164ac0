"""A synchronised folder for every test of audits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.audit_rig import make_rig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sync_rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Two pictures and a text, synchronised."""
    made = make_rig(tmp_path)
    yield made
    made.close()
