"""Training by gradient: it learns, repeats itself, keeps the best, and survives small data."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.encoders.bridge.conse import Conse
from ingest.encoders.bridge.examples import Examples
from ingest.encoders.bridge.recall import recall
from ingest.encoders.bridge.recipe import MapKind, Objective, Recipe
from ingest.encoders.bridge.side import Base
from ingest.encoders.bridge.training import Epoch, Trained, train
from schemas.errors import InvalidVector, SettingsError
from tests.ingest.encoders.bridge.made_up import (
    CLASSES,
    DIMENSION,
    assert_same_side,
    make_examples,
    own_of,
    to_unit,
    weight_of,
)

torch = pytest.importorskip(
    "torch", reason="gradients need torch; it is not installed (extra `models`)"
)

NONE = make_examples(1).take([])
QUICK = Recipe(epochs=4, batch=32, hidden=16)
CONSE = Conse(to_unit(np.random.default_rng(0).normal(size=(CLASSES, DIMENSION))))
KINDS = [MapKind.LINEAR, MapKind.RESIDUAL, MapKind.MLP]
ITERATIVE = [Objective.INFONCE, Objective.TRIPLET]


def _conse(recipe: Recipe) -> Conse | None:
    return CONSE if recipe.base is Base.CONSE else None


@pytest.mark.parametrize("objective", ITERATIVE)
@pytest.mark.parametrize("kind", KINDS)
def test_every_map_learns(objective: Objective, kind: MapKind) -> None:
    examples, unseen = make_examples(400), make_examples(100, seed=1)
    recipe = replace(QUICK, objective=objective, image_map=kind, epochs=15, dropout=0.1)

    trained = train(examples, NONE, recipe)

    assert recall(trained.images, trained.texts, unseen).to_mean(10) > 0.8


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("base", Base)
def test_every_base_goes_with_every_map_of_the_texts(base: Base, kind: MapKind) -> None:
    recipe = replace(QUICK, base=base, text_map=kind, epochs=2)

    trained = train(
        make_examples(50, texts=2), make_examples(20, seed=1), recipe, conse=_conse(recipe)
    )

    assert trained.images.base is base
    assert trained.texts.base is Base.OWN
    found = recall(trained.images, trained.texts, make_examples(20, seed=2))
    assert np.isfinite(found.to_mean(10))


def test_two_networks_meet_in_a_space_of_the_asked_dimension() -> None:
    recipe = replace(QUICK, text_map=MapKind.LINEAR, dimension=5, epochs=30, dropout=0)

    trained = train(make_examples(300), NONE, recipe)

    examples = make_examples(60, seed=1)
    assert trained.texts.base is Base.NONE
    assert trained.texts.apply(examples.texts).shape == (60, 5)
    assert recall(trained.images, trained.texts, examples).to_mean(10) > 0.5


@pytest.mark.parametrize("text_map", [MapKind.NONE, *KINDS])
@pytest.mark.parametrize("epochs", [0, 1])
def test_an_own_base_starts_as_the_encoder_was(text_map: MapKind, epochs: int) -> None:
    examples = make_examples(30)
    recipe = replace(
        QUICK, base=Base.OWN, text_map=text_map, epochs=epochs, learning_rate=0, patience=0
    )

    trained = train(examples, NONE, recipe)

    np.testing.assert_allclose(
        trained.images.apply(examples.images), own_of(examples.images), atol=1e-6
    )
    np.testing.assert_allclose(
        trained.texts.apply(examples.texts), own_of(examples.texts), atol=1e-6
    )


def test_a_base_that_nothing_improves_is_kept() -> None:
    examples = make_examples(40)
    shuffled = Examples(examples.images, examples.texts, examples.owned[::-1].copy())
    easy = Examples(examples.texts, examples.texts, examples.owned)
    wrong = Examples(examples.texts, examples.texts, shuffled.owned)
    recipe = replace(QUICK, base=Base.OWN, dropout=0)

    trained = train(wrong, easy, recipe)

    assert trained.best == 0
    assert trained.images.map is None


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 100),
    kind=st.sampled_from(KINDS),
    base=st.sampled_from(list(Base)),
    hard=st.sampled_from([0, 2]),
)
def test_the_same_seed_gives_the_same_bytes(
    seed: int, kind: MapKind, base: Base, hard: int
) -> None:
    recipe = replace(QUICK, seed=seed, image_map=kind, base=base, hard_negatives=hard, epochs=2)
    examples = make_examples(40, texts=2)

    first = train(examples, NONE, recipe, conse=_conse(recipe))
    torch.manual_seed(seed + 1)
    second = train(examples, NONE, recipe, conse=_conse(recipe))
    other = train(examples, NONE, replace(recipe, seed=seed + 1), conse=_conse(recipe))

    assert_same_side(first.images, second.images)
    assert_same_side(first.texts, second.texts)
    assert first.epochs == second.epochs
    assert first.epochs != other.epochs


@given(rows=st.lists(st.integers(0, 49), min_size=1, max_size=10))
@settings(deadline=None)
def test_where_an_item_lies_depends_on_no_other(rows: list[int]) -> None:
    examples = make_examples(50)
    trained = _trained_once()

    together = trained.images.apply(examples.images)[rows]
    apart = trained.images.apply(examples.images.take(rows))

    np.testing.assert_allclose(together, apart, atol=1e-6)


_KEPT: list[Trained] = []


def _trained_once() -> Trained:
    if not _KEPT:
        _KEPT.append(train(make_examples(50), NONE, replace(QUICK, image_map=MapKind.RESIDUAL)))
    return _KEPT[0]


def test_patience_ends_it_and_the_best_epoch_is_kept() -> None:
    examples, validation = make_examples(60, noise=2), make_examples(60, noise=2, seed=1)
    recipe = replace(QUICK, epochs=60, patience=3, dropout=0)
    seen: list[Epoch] = []

    trained = train(examples, validation, recipe, on_epoch=seen.append)

    assert trained.stopped_early
    assert trained.epochs == tuple(seen)
    assert len(seen) == trained.best + 3
    assert [epoch.number for epoch in seen] == list(range(1, len(seen) + 1))
    found = recall(trained.images, trained.texts, validation)
    assert found.to_mean(10) == seen[trained.best - 1].recall
    assert found.to_mean(10) == max(epoch.recall for epoch in seen)
    assert set(asdict(seen[0])) == {"number", "epochs", "loss", "text_to_image", "image_to_text"}


def test_without_validation_every_epoch_runs_and_the_last_is_kept() -> None:
    trained = train(make_examples(60), NONE, replace(QUICK, patience=1))

    assert (len(trained.epochs), trained.best, trained.stopped_early) == (4, 4, False)


def test_members_are_averaged() -> None:
    examples, recipe = make_examples(60), replace(QUICK, seed=7)

    together = train(examples, NONE, replace(recipe, members=2)).images
    one, other = (train(examples, NONE, replace(recipe, seed=seed)).images for seed in (7, 8))

    expected = (weight_of(one) + weight_of(other)) / 2
    np.testing.assert_allclose(weight_of(together), expected, atol=1e-6)


@pytest.mark.parametrize("objective", ITERATIVE)
@pytest.mark.parametrize("hard", [0, 3])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_pairs_and_features_that_do_not_vary(
    objective: Objective, hard: int, count: int
) -> None:
    examples = make_examples(count, texts=2)
    examples.images.features[:, :3] = 1e6
    recipe = replace(QUICK, objective=objective, hard_negatives=hard)

    trained = train(examples, examples, recipe)

    rows = trained.images.apply(examples.images)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_images_of_one_text_are_no_negatives() -> None:
    examples = make_examples(20)
    alike = Examples(examples.images, examples.texts.take([0] * 20), examples.owned)

    trained = train(alike, NONE, QUICK)

    assert [epoch.loss for epoch in trained.epochs] == [0.0] * 4


@pytest.mark.parametrize("part", ["images", "texts"])
def test_a_feature_that_is_not_finite_is_named(part: str) -> None:
    examples = make_examples(9)
    getattr(examples, part).features[4, 2] = np.nan

    with pytest.raises(InvalidVector, match=rf"training {part[:-1]} 4 .*1 of 9"):
        train(examples, NONE, QUICK)
    with pytest.raises(InvalidVector, match=f"validation {part[:-1]} 4"):
        train(make_examples(9), examples, QUICK)


def test_what_the_encoders_cannot_do_is_refused() -> None:
    with pytest.raises(SettingsError, match="no pair"):
        train(NONE, NONE, QUICK)
    with pytest.raises(SettingsError, match="ConSE base needs the logits"):
        train(make_examples(3), NONE, replace(QUICK, base=Base.CONSE))
    examples = make_examples(3)
    apart = Examples(examples.images.take([0, 1, 2]), examples.texts, examples.owned)
    object.__setattr__(apart.images, "own", None)
    with pytest.raises(SettingsError, match="--base none"):
        train(apart, NONE, replace(QUICK, base=Base.OWN))


@pytest.mark.parametrize(
    "given", [{"base_weight": float("nan")}, {"base_weight": -1.0}, {"margin": float("inf")}]
)
def test_numbers_that_spoil_every_vector_are_refused(given: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="is a number from 0 up"):
        Recipe(**given)  # type: ignore[arg-type]
