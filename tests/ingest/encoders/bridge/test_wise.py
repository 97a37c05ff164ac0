"""Held back to its base: the weight of the maps that helps most and forgets little."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.encoders.bridge import wise
from ingest.encoders.bridge.examples import Examples
from ingest.encoders.bridge.recall import recall
from ingest.encoders.bridge.recipe import Objective, Recipe
from ingest.encoders.bridge.side import Base
from ingest.encoders.bridge.training import Trained, train
from ingest.encoders.bridge.wise import WisePoint, add_gates, choose_map_weight, interpolate
from schemas.errors import SettingsError
from tests.ingest.encoders.bridge.made_up import make_examples, own_of

NONE = make_examples(1).take([])
DOMAIN = make_examples(100, seed=1)


def _adapt() -> Trained:
    recipe = Recipe(objective=Objective.RIDGE, ridge=0.1, base=Base.OWN)
    return train(make_examples(200), NONE, recipe)


def _general() -> Examples:
    """What the encoder knows by itself, and the adapter has never seen."""
    texts = make_examples(100, seed=2).texts
    features = np.random.default_rng(3).normal(size=(100, 24)).astype(np.float32) * 20
    images = type(texts)(features, texts.own)
    return Examples(images, texts, np.arange(100)[:, None])


def test_weight_zero_is_the_encoder_and_one_what_was_trained() -> None:
    trained = _adapt()

    before, after = interpolate(trained, 0), interpolate(trained, 1)

    np.testing.assert_allclose(before.images.apply(DOMAIN.images), own_of(DOMAIN.images), atol=1e-6)
    np.testing.assert_array_equal(
        after.images.apply(DOMAIN.images), trained.images.apply(DOMAIN.images)
    )
    curve = choose_map_weight(trained, DOMAIN, None, tolerance=0).curve
    weights = [point.map_weight for point in curve]
    assert weights == sorted(set(weights))
    assert (weights[0], weights[-1]) == (0, 1)
    assert curve[-1].domain == recall(trained.images, trained.texts, DOMAIN).to_mean(10)
    assert curve[0].general is None


def test_the_best_for_the_domain_without_a_general_set() -> None:
    chosen = choose_map_weight(_adapt(), DOMAIN, None, tolerance=0)

    assert chosen.map_weight > 0
    best = max(point.domain for point in chosen.curve)
    (point,) = (point for point in chosen.curve if point.map_weight == chosen.map_weight)
    assert point.domain == best
    assert not chosen.gated


def test_what_the_general_set_loses_stays_within_the_tolerance() -> None:
    trained, general = _adapt(), _general()

    strict, loose = (
        choose_map_weight(trained, DOMAIN, general, tolerance=share) for share in (0.0, 1.0)
    )

    start = strict.curve[0]
    assert start.general == 1
    (point,) = (point for point in strict.curve if point.map_weight == strict.map_weight)
    assert point.general == 1
    assert strict.map_weight < loose.map_weight
    assert strict.curve == loose.curve


def test_what_helps_nothing_is_not_used() -> None:
    trained, general = _adapt(), _general()

    assert choose_map_weight(trained, general, None, tolerance=0).map_weight == 0


def test_of_few_pairs_the_rank_decides() -> None:
    """All ten are among the first ten, with any weight."""
    chosen = choose_map_weight(_adapt(), DOMAIN.take(range(10)), None, tolerance=0)

    assert {point.domain for point in chosen.curve} == {1.0}
    assert chosen.curve[0].domain_reciprocal < 1
    (best,) = (point for point in chosen.curve if point.map_weight == chosen.map_weight)
    assert best.domain_reciprocal == max(point.domain_reciprocal for point in chosen.curve)
    assert chosen.map_weight > 0


@pytest.mark.parametrize("found", [5, 14, 20, 90])
def test_what_loses_as_much_as_is_allowed_is_allowed(
    monkeypatch: pytest.MonkeyPatch, found: int
) -> None:
    """0.14 - 0.02 is more than 0.12, by what is rounded."""

    def measure(_: object, map_weight: float, *__: object) -> WisePoint:
        general = (found - 2 if map_weight == 1 else found) / 100
        return WisePoint(map_weight, map_weight, general if map_weight in {0, 1} else 0.0)

    monkeypatch.setattr(wise, "_measure", measure)
    assert choose_map_weight(_adapt(), DOMAIN, DOMAIN, tolerance=0.02).map_weight == 1


def test_what_has_no_base_is_refused() -> None:
    trained = train(make_examples(20), NONE, Recipe(objective=Objective.RIDGE))

    with pytest.raises(SettingsError, match="--base own"):
        choose_map_weight(trained, DOMAIN, None, tolerance=0.1)
    with pytest.raises(SettingsError, match="tolerance"):
        choose_map_weight(_adapt(), DOMAIN, None, tolerance=float("nan"))


def _shifted(seed: int) -> Examples:
    """As :func:`_general`, and to be told from the domain by one feature."""
    general = make_examples(100, seed=seed)
    features = np.random.default_rng(seed).normal(size=(100, 24)).astype(np.float32)
    features[:, 0] += 30
    return Examples(type(general.texts)(features, general.texts.own), general.texts, general.owned)


def test_a_gate_keeps_what_a_weight_alone_would_forget() -> None:
    trained = _adapt()
    gated = add_gates(trained, make_examples(200), _shifted(2))

    alone = choose_map_weight(trained, DOMAIN, _shifted(3), tolerance=0)
    chosen = choose_map_weight(trained, DOMAIN, _shifted(3), tolerance=0, gated=gated)

    assert (alone.gated, chosen.gated) == (False, True)
    assert chosen.map_weight > alone.map_weight
    found, before = (
        next(one for one in chosen.curve if (one.map_weight, one.gated) == at)
        for at in ((chosen.map_weight, True), (0.0, False))
    )
    assert found.general == before.general == 1
    assert found.domain > max(one.domain for one in alone.curve if one.general == 1)
    assert [one.gated for one in chosen.curve] == sorted(one.gated for one in chosen.curve)
    assert gated.texts.gate is None, "the texts have no map"


def test_a_gate_that_helps_nothing_is_not_chosen() -> None:
    trained = _adapt()
    gated = add_gates(trained, make_examples(200), _shifted(2))

    assert not choose_map_weight(trained, DOMAIN, None, tolerance=0, gated=gated).gated


def test_general_pairs_that_show_nothing_leave_the_gate_to_guard() -> None:
    """Among ten all are found, whatever is forgotten: that is no reason to forget the rest."""
    few = _shifted(3).take(range(10))
    trained = _adapt()
    gated = add_gates(trained, make_examples(200), _shifted(2))

    alone = choose_map_weight(trained, DOMAIN, few, tolerance=0)
    chosen = choose_map_weight(trained, DOMAIN, few, tolerance=0, gated=gated)

    assert (alone.shows_forgetting, chosen.shows_forgetting) == (False, False)
    assert (alone.gated, chosen.gated) == (False, True)
    assert choose_map_weight(trained, DOMAIN, _shifted(3), tolerance=0).shows_forgetting


def test_a_map_that_counts_for_nothing_needs_no_gate() -> None:
    few = _shifted(3).take(range(10))
    trained = _adapt()
    gated = add_gates(trained, make_examples(200), _shifted(2))

    chosen = choose_map_weight(trained, _general(), few, tolerance=0, gated=gated)

    assert (chosen.shows_forgetting, chosen.map_weight, chosen.gated) == (False, 0, False)
