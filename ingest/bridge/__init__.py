"""Training a bridge from files of pairs: what ``diptych bridge`` does, without the command line.

``train_bridge`` is the entrance; :mod:`ingest.encoders.bridge` has the bridge itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.bridge.job import train_bridge
    from ingest.bridge.options import BridgeOptions
    from ingest.bridge.report import BridgeReport

__all__ = ["BridgeOptions", "BridgeReport", "train_bridge"]

_HOMES = {"BridgeOptions": "options", "BridgeReport": "report", "train_bridge": "job"}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that ``--help`` needs no numpy."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found
