"""Training and validation parts that share nothing: no image, no text, no group."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ingest.bridge.items import Item


@dataclass(frozen=True, slots=True)
class Split:
    """Two parts of the items.

    Attributes:
        training: What is learned from.
        validation: What chooses the best epoch.
    """

    training: tuple[Item, ...]
    validation: tuple[Item, ...]


def split(items: Sequence[Item], share: float, *, seed: int) -> Split:
    """Part items by lot; those that hang together, over however many others, stay together.

    The lot of an item hangs on its content alone, so that the order of the lines is of no account
    and a file that grows keeps most of its split.

    Args:
        items: At least two.
        share: Of the items, for validation: above 0, below 1. At least one item is taken, and one
            left.
        seed: Another one parts them otherwise.

    Raises:
        SettingsError: All items hang together.
    """
    clusters = sorted(to_clusters(items), key=lambda one: _to_lot(one, seed))
    if len(clusters) == 1:
        raise SettingsError(
            "all pairs hang together by an image, a text or a group that they share, so none can "
            "be kept apart for validation: give --validation-pairs, or pairs with texts of their "
            "own"
        )
    wanted = min(max(1, round(share * len(items))), len(items) - 1)
    taken: list[Item] = []
    for cluster in clusters:
        if len(taken) + len(cluster) <= wanted:
            taken += cluster
    if not taken:  # every cluster is larger than what is wanted
        smallest = min(clusters, key=len)
        taken += smallest
    chosen = {item.content_hash for item in taken}
    return Split(
        tuple(item for item in items if item.content_hash not in chosen),
        tuple(item for item in items if item.content_hash in chosen),
    )


def to_clusters(items: Sequence[Item]) -> list[list[Item]]:
    """The items that hang together, each in one cluster, in order of their first."""
    first_with: dict[tuple[str, str], int] = {}
    parents = list(range(len(items)))
    for place, item in enumerate(items):
        for bond in item.bonds:
            other = first_with.setdefault(bond, place)
            parents[_find_root(parents, place)] = _find_root(parents, other)
    clusters: defaultdict[int, list[Item]] = defaultdict(list)
    for place, item in enumerate(items):
        clusters[_find_root(parents, place)].append(item)
    return list(clusters.values())


def without_shared(items: Sequence[Item], measured: Iterable[Item]) -> tuple[Item, ...]:
    """The items that share no image, text or group with any that is only measured."""
    bonds = {bond for item in measured for bond in item.bonds}
    return tuple(item for item in items if not item.bonds & bonds)


def _find_root(parents: list[int], place: int) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return place


def _to_lot(cluster: Sequence[Item], seed: int) -> str:
    from blake3 import blake3

    least = min(item.content_hash for item in cluster)
    return blake3(f"{seed}/{least}".encode()).hexdigest()
