"""What pairs find before and after: recall with intervals, both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ingest.bridge.intervals import estimate_means
from ingest.bridge.report import Change, Measured
from ingest.bridge.split import to_clusters
from ingest.encoders.bridge.recall import recall
from schemas.evaluation import Direction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ingest.bridge.items import Item
    from ingest.encoders.bridge.examples import Examples
    from ingest.encoders.bridge.side import Side

CUTS: Final = (1, 5, 10)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A set of pairs to be measured.

    Attributes:
        name: ``validation``, ``test`` or ``general``.
        items: Its images.
        examples: What the encoders said of them, in the same order.
    """

    name: str
    items: Sequence[Item]
    examples: Examples


def measure(
    part: Part, before: tuple[Side, Side] | None, after: tuple[Side, Side], *, seed: int
) -> Measured:
    """Ask for every image with its texts, and for every text with its image.

    Args:
        part: What is asked for, among nothing else.
        before: Image side and text side as the encoders are; None where they have no common space.
        after: Those of the bridge.
        seed: Of the draws.
    """
    ranks = {True: _to_ranks(after, part.examples)}
    if before is not None:
        ranks[False] = _to_ranks(before, part.examples)
    clusters = _to_question_clusters(part)
    changes = [
        change
        for direction in (Direction.TEXT_TO_IMAGE, Direction.IMAGE_TO_TEXT)
        for change in _to_changes(direction, ranks, clusters[direction], seed)
    ]
    return Measured(part.name, len(part.examples), len(part.examples.texts), tuple(changes))


def _to_ranks(sides: tuple[Side, Side], examples: Examples) -> dict[Direction, NDArray[np.int64]]:
    found = recall(*sides, examples, CUTS)  # whose ranks count from 0
    return {
        Direction.TEXT_TO_IMAGE: found.text_ranks,
        Direction.IMAGE_TO_TEXT: found.image_ranks,
    }


def _to_changes(
    direction: Direction,
    ranks: Mapping[bool, Mapping[Direction, NDArray[np.int64]]],
    clusters: NDArray[np.int64],
    seed: int,
) -> list[Change]:
    after = np.stack([ranks[True][direction] < cut for cut in CUTS]).astype(np.float64)
    if False not in ranks:
        estimates = estimate_means(after, clusters, seed=seed)
        return [
            Change(direction, cut, None, one, None)
            for cut, one in zip(CUTS, estimates, strict=True)
        ]
    before = np.stack([ranks[False][direction] < cut for cut in CUTS]).astype(np.float64)
    rows = np.concatenate([before, after, after - before])
    estimates = estimate_means(rows, clusters, seed=seed)
    count = len(CUTS)
    return [
        Change(direction, cut, estimates[at], estimates[count + at], estimates[2 * count + at])
        for at, cut in enumerate(CUTS)
    ]


def _to_question_clusters(part: Part) -> dict[Direction, NDArray[np.int64]]:
    """For each question, which images it hangs together with."""
    numbers = {
        item.content_hash: number
        for number, cluster in enumerate(to_clusters(part.items))
        for item in cluster
    }
    of_images = np.array([numbers[item.content_hash] for item in part.items], dtype=np.int64)
    of_texts = np.zeros(len(part.examples.texts), dtype=np.int64)
    for row, owned in enumerate(part.examples.owned):
        of_texts[owned[owned >= 0]] = of_images[row]
    return {Direction.TEXT_TO_IMAGE: of_texts, Direction.IMAGE_TO_TEXT: of_images}
