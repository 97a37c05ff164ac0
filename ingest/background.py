"""Measure a collection's background: which cosines are nothing special in it.

The sample is taken from the collection itself, so it is the same whichever run wrote the points.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np

from ingest.projection import fit_projection
from ingest.store.sampling import read_sample
from schemas.background import BACKGROUND_KEY, LEVELS, Background, read_background
from schemas.collection import modality_filter, read_vector
from schemas.projection import PROJECTION_KEY
from schemas.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from qdrant_client import models

    from ingest.store.engine import Engine
    from schemas.background import Direction

    Floats = NDArray[np.float64]

SAMPLE_POINTS: Final = 512
"""Points of a modality that are looked at: a mean of unit vectors is then off by at most
1/sqrt(512) = 0.04 in length."""

FEWEST_POINTS: Final = 8
"""A modality with fewer has no distribution worth the name."""

_LEAST_SPREAD: Final = 1e-6

STALE_SHARE: Final = 0.1
"""Measured anew once the number of points of a modality has changed by this share."""


def refresh_background(engine: Engine, generation: str) -> bool:
    """Measure the background and keep it in the metadata, unless what is there is still good.

    The projection for the map is fitted to the same sample.

    Args:
        engine: The store.
        generation: The collection's own name.

    Returns:
        Whether it was measured.

    Raises:
        StoreError: The store failed.
    """
    counts = {
        modality: engine.count(generation, modality_filter(modality)).count for modality in Modality
    }
    metadata = engine.read_metadata(generation)
    known = read_background(metadata)
    if known and not _is_stale(known.counts, counts) and PROJECTION_KEY in metadata:
        return False
    samples = _read_samples(engine, generation, counts)
    plane = fit_projection({modality: one.vectors for modality, one in samples.items()})
    engine.update_collection(
        generation,
        metadata={
            BACKGROUND_KEY: _measure(samples, counts).to_json(),
            PROJECTION_KEY: plane.to_json() if plane else None,
        },
    )
    return True


def measure_background(
    engine: Engine, generation: str, counts: Mapping[Modality, int]
) -> Background:
    """The background of a collection as it is now.

    A point is never compared with its own item: a photograph's caption is near to it by right.

    Args:
        engine: The store.
        generation: The collection's own name.
        counts: Points of each modality; those with fewer than ``FEWEST_POINTS`` are left out.

    Raises:
        StoreError: The store failed.
    """
    return _measure(_read_samples(engine, generation, counts), counts)


def _read_samples(
    engine: Engine, generation: str, counts: Mapping[Modality, int]
) -> dict[Modality, _Sample]:
    """Of the modalities that have enough points."""
    sampled = {
        modality: read_sample(
            engine, generation, modality, limit=SAMPLE_POINTS, fields=["source_uri", "content_hash"]
        )
        for modality, count in counts.items()
        if count >= FEWEST_POINTS
    }
    return {
        modality: _Sample(points)
        for modality, points in sampled.items()
        if len(points) >= FEWEST_POINTS
    }


def _measure(samples: Mapping[Modality, _Sample], counts: Mapping[Modality, int]) -> Background:
    spreads: dict[Direction, float] = {}
    quantiles: dict[Direction, tuple[float, ...]] = {}
    for query, target in product(samples, samples):
        values = _to_differences(samples[query], samples[target])
        spread = float(np.sqrt(np.mean(values**2))) if len(values) else 0.0
        if spread > _LEAST_SPREAD:
            spreads[query, target] = spread
            levels = np.quantile(values / spread, LEVELS).round(5)
            quantiles[query, target] = tuple(levels.tolist())
    means = {modality: tuple(one.mean.tolist()) for modality, one in samples.items()}
    return Background(means, spreads, quantiles, dict(counts))


class _Sample:
    """Points of one modality: their vectors and whose they are."""

    def __init__(self, found: Sequence[models.Record]) -> None:
        self.vectors: Floats = np.asarray([read_vector(point) for point in found], dtype=np.float64)
        payloads = [point.payload or {} for point in found]
        self.items = np.array([payload.get("source_uri", "") for payload in payloads])
        self.contents = np.array([payload.get("content_hash", "") for payload in payloads])
        self.mean: Floats = self.vectors.mean(axis=0)


def _to_differences(query: _Sample, target: _Sample) -> Floats:
    """Cosines of every query with every target that is not the same item, less the mean's."""
    cosines = query.vectors @ target.vectors.T
    scores = cosines - (query.vectors @ target.mean)[:, None]
    is_same = query.items[:, None] == target.items[None, :]
    is_same |= query.contents[:, None] == target.contents[None, :]
    return np.asarray(scores[~is_same])


def _is_stale(before: Mapping[Modality, int], now: Mapping[Modality, int]) -> bool:
    changed = (abs(now[one] - before.get(one, 0)) - STALE_SHARE * before.get(one, 0) for one in now)
    return any(change > 0 for change in changed)
