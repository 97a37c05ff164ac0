"""The suggested recipe: it always trains, and gives way to what is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.encoders.bridge.recipe import MapKind, Objective
from ingest.encoders.bridge.side import Base
from ingest.encoders.bridge.suggested import suggest_recipe
from schemas.errors import SettingsError


def test_few_pairs_are_solved_and_many_contrasted() -> None:
    assert suggest_recipe(30, Base.CONSE).objective is Objective.RIDGE
    assert suggest_recipe(30, Base.CONSE).ridge == 100
    assert suggest_recipe(300, Base.CONSE).objective is Objective.INFONCE
    assert suggest_recipe(3000, Base.CONSE).epochs < suggest_recipe(300, Base.CONSE).epochs
    assert suggest_recipe(30, Base.OWN).objective is Objective.INFONCE


@given(
    pairs=st.integers(0, 10_000),
    base=st.sampled_from(list(Base)),
    objective=st.sampled_from([None, *Objective]),
    image_map=st.sampled_from([MapKind.LINEAR, MapKind.RESIDUAL, MapKind.MLP]),
    text_map=st.sampled_from([None, *MapKind]),
)
def test_what_is_asked_for_is_kept_or_refused(
    pairs: int,
    base: Base,
    objective: Objective | None,
    image_map: MapKind,
    text_map: MapKind | None,
) -> None:
    options = {"objective": objective, "image_map": image_map, "text_map": text_map}
    asked = {name: value for name, value in options.items() if value is not None}

    try:
        recipe = suggest_recipe(pairs, base, asked)
    except SettingsError:
        assert objective in {Objective.RIDGE, Objective.CCA}
    else:
        assert {name: getattr(recipe, name) for name in asked} == asked


@pytest.mark.parametrize("objective", list(Objective))
@pytest.mark.parametrize("base", list(Base))
def test_an_objective_alone_is_enough(base: Base, objective: Objective) -> None:
    assert suggest_recipe(100, base, {"objective": objective}).objective is objective
