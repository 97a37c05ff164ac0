"""Nothing that is measured was learned."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.bridge.items import Item
from ingest.bridge.split import split, to_clusters, without_shared
from schemas.errors import SettingsError

TEXTS = st.lists(st.sampled_from("abcdefghijklmnop"), min_size=1, max_size=3, unique=True)
GROUPS = st.lists(st.sampled_from("1234567"), max_size=1)
ITEMS = st.lists(st.tuples(TEXTS, GROUPS), min_size=2, max_size=20).map(
    lambda drawn: [
        Item(f"blake3:{number}", tuple(texts), tuple(groups))
        for number, (texts, groups) in enumerate(drawn)
    ]
)


# Drawing whole corpora is slow where other tests have the processor.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(items=ITEMS, share=st.floats(0.01, 0.99), seed=st.integers(0, 5), data=st.data())
def test_the_two_parts_share_nothing_and_are_everything(
    items: list[Item], share: float, seed: int, data: st.DataObject
) -> None:
    if len(to_clusters(items)) == 1:
        with pytest.raises(SettingsError, match="hang together"):
            split(items, share, seed=seed)
        return
    parted = split(items, share, seed=seed)
    assert parted.training
    assert parted.validation
    assert Counter([*parted.training, *parted.validation]) == Counter(items)
    learned = {bond for item in parted.training for bond in item.bonds}
    assert not learned & {bond for item in parted.validation for bond in item.bonds}
    shuffled = data.draw(st.permutations(items))
    assert set(split(shuffled, share, seed=seed).validation) == set(parted.validation)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(items=ITEMS, measured=ITEMS)
def test_what_shares_with_the_measured_is_left_out(items: list[Item], measured: list[Item]) -> None:
    """Here all share their hashes by place."""
    kept = without_shared(items, measured)
    bonds = {bond for item in measured for bond in item.bonds}
    assert list(kept) == [item for item in items if not item.bonds & bonds]


def test_items_without_bonds_are_split_by_their_share() -> None:
    items = [Item(f"blake3:{number}", (f"text {number}",)) for number in range(100)]
    assert len(split(items, 0.2, seed=0).validation) == 20
    assert split(items, 0.2, seed=0) != split(items, 0.2, seed=1)


def test_bonds_reach_over_others() -> None:
    chain = [
        Item("blake3:1", ("a",), ("g",)),
        Item("blake3:2", ("b",)),
        Item("blake3:3", ("b", "c")),
        Item("blake3:4", ("d",), ("g",)),
        Item("blake3:5", ("e", "a")),
    ]
    assert to_clusters(chain) == [[chain[0], chain[3], chain[4]], [chain[1], chain[2]]]
