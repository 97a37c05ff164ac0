"""How an encoder is best called: from how many threads, with how many rows."""

from __future__ import annotations

import os
from typing import Any

from schemas.records import Modality

DEFAULT_ROWS = 32
"""Rows of one forward pass on a CPU: 16 to 32 are quickest."""

IMAGE_ROWS = 16
"""Images of one call where an encoder says nothing: passes of 16 are as quick as of 32 (CLIP
ViT-B/32, ``benchmarks/ingestion``), and workers wait less for the last of them."""


def count_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def encoder_workers(encoder: Any) -> int:  # noqa: ANN401 - any encoder, with the hint or without
    """How many threads should call an encoder at once.

    On a CPU one a core, each with one thread inside its forward pass (``load_encoder(...,
    threads=1)``): two such workers are 1.3 to 1.5 times as fast as one pass on two threads. On a
    GPU one, which queues its work there.

    Args:
        encoder: Any :class:`~schemas.space.Encoder`; one that has ``workers`` is believed.
    """
    return int(getattr(encoder, "workers", 0)) or count_cores()


def encoder_rows(encoder: Any, modality: Modality) -> int:  # noqa: ANN401 - likewise
    """How many rows to give an encoder in one call, at most.

    Args:
        encoder: Any :class:`~schemas.space.Encoder`; one that has ``rows`` is believed. On a GPU
            the number grows while memory lasts, so ask again now and then.
        modality: Of the rows.
    """
    usual = IMAGE_ROWS if modality is Modality.IMAGE else DEFAULT_ROWS
    return int(getattr(encoder, "rows", 0)) or usual
