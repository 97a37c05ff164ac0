"""``diptych mcp`` in a process of its own, over an index of colours that the tests have filled."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import diptych
from search.server import opening
from tests.legible import LegibleEncoder

if TYPE_CHECKING:
    from schemas.space import Encoder


def load_legible(*_args: Any, **_settings: Any) -> Encoder:
    print("a model that talks")  # noqa: T201 - it must not get among the messages
    return LegibleEncoder()


opening.load_collection_encoder = load_legible  # type: ignore[attr-defined]
sys.argv = ["diptych", "mcp", *sys.argv[1:]]
diptych.main()
