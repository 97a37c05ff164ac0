"""The address of the page: what it says, what it does not understand, and back."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("fastapi", reason="needs the extra server")

from schemas.errors import EmptyQuery
from schemas.query import Target
from schemas.where import field
from search.server.page.address import AWAY, FIELDS, ORDERS, Address, read_address

NAMES = st.text(min_size=1, max_size=20).map(str.strip).filter(bool)

ADDRESSES = st.builds(
    Address,
    text=st.text(max_size=40).map(str.strip),
    target=st.sampled_from(Target),
    liked=st.lists(NAMES, max_size=3, unique=True).map(tuple),
    disliked=st.lists(NAMES, max_size=3, unique=True).map(tuple),
    upload=st.none() | NAMES,
    chosen=st.lists(st.tuples(st.sampled_from(list(FIELDS)), NAMES), max_size=4, unique=True).map(
        tuple
    ),
    is_strict=st.booleans(),
    order=st.none() | st.sampled_from(list(ORDERS)),
    shown=st.integers(24, 192),
)


@given(ADDRESSES)
def test_every_state_has_an_address_that_leads_back_to_it(address: Address) -> None:
    url = address.to_url(shown=address.shown)
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=url != "/")
    assert read_address(pairs) == address


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=30)), max_size=20))
def test_nothing_in_an_address_is_an_error(pairs: list[tuple[str, str]]) -> None:
    assert 24 <= read_address(pairs).shown <= 192


def test_what_has_no_meaning_is_passed_over() -> None:
    pairs = [
        ("q", " a cat "),
        ("target", "sound"),
        ("shown", "9999"),
        ("good", "yes"),
        ("sort", "size"),
    ]
    assert read_address(pairs) == Address(text="a cat", shown=192)
    assert read_address([("shown", "٣٠")]) == Address()


def test_an_item_is_liked_or_disliked_not_both() -> None:
    address = Address(text="cat", liked=("a",), shown=48)
    assert address.disliking("a") == "/?q=cat&not=a"
    assert address.liking("b") == "/?q=cat&like=a&like=b"
    assert address.forgetting("a") == "/?q=cat"


def test_values_of_one_name_are_alternatives() -> None:
    address = Address(chosen=(("year", "2023"), ("tag", "sea"), ("year", "2024")))
    assert address.to_where() == [
        field("taken_at").one_of("2023", "2024"),
        field("tags").one_of("sea"),
    ]
    assert address.to_where(besides="year") == [field("tags").one_of("sea")]
    assert address.toggling("year", "2023") == "/?tag=sea&year=2024"


def test_the_query_is_the_sum_of_its_parts() -> None:
    composed = Address(text="cat", liked=("a",), disliked=("b",)).to_composition(b"image")
    assert [(one.query.text, one.query.item, one.weight) for one in composed.terms] == [
        ("cat", None, 1.0),
        (None, None, 1.0),
        (None, "a", 1.0),
        (None, "b", AWAY),
    ]
    with pytest.raises(EmptyQuery):
        Address().to_composition()
