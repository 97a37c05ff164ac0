"""Ridge and CCA against their formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.encoders.bridge.conse import Conse
from ingest.encoders.bridge.examples import Examples
from ingest.encoders.bridge.recall import recall
from ingest.encoders.bridge.recipe import MapKind, Objective, Recipe
from ingest.encoders.bridge.side import Base
from ingest.encoders.bridge.training import Trained, train
from schemas.errors import SettingsError
from tests.ingest.encoders.bridge.made_up import (
    CLASSES,
    DIMENSION,
    Floats,
    make_examples,
    map_of,
    own_of,
    to_unit,
    weight_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

RIDGE = Recipe(objective=Objective.RIDGE, ridge=0.5)
CCA = Recipe(objective=Objective.CCA, text_map=MapKind.LINEAR, ridge=0.1)
NONE = make_examples(1).take([])


def _standardise(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    rows = rows.astype(np.float64)
    return np.asarray((rows - rows.mean(axis=0)) / rows.std(axis=0))


@pytest.mark.parametrize("count", [10, 100])
def test_ridge_solves_the_normal_equations_in_either_form(count: int) -> None:
    examples = make_examples(count)
    inputs, targets = _standardise(examples.images.features), own_of(examples.texts)
    centred = targets - targets.mean(axis=0)
    gram = inputs.T @ inputs / count + 0.5 * np.eye(inputs.shape[1])
    expected = np.linalg.solve(gram, inputs.T @ centred / count).T

    trained = train(examples, NONE, RIDGE)

    np.testing.assert_allclose(weight_of(trained.images), expected, atol=1e-5)
    np.testing.assert_allclose(map_of(trained.images).bias, targets.mean(axis=0), atol=1e-6)
    assert trained.texts.map is None
    assert (trained.epochs, trained.best, trained.stopped_early) == ((), 0, False)


def test_ridge_aims_at_the_mean_of_an_images_texts() -> None:
    examples = make_examples(40, texts=3)
    averaged = own_of(examples.texts).reshape(40, 3, DIMENSION).mean(axis=1)

    trained = train(examples, NONE, RIDGE)

    np.testing.assert_allclose(map_of(trained.images).bias, averaged.mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("base", [Base.OWN, Base.CONSE])
def test_a_ridge_without_end_leaves_the_base_and_what_it_lacks_on_average(base: Base) -> None:
    examples = make_examples(50)
    recipe = Recipe(objective=Objective.RIDGE, ridge=1e12, base=base)
    conse = Conse(to_unit(np.random.default_rng(0).normal(size=(CLASSES, DIMENSION))))

    trained = train(examples, NONE, recipe, conse=conse if base is Base.CONSE else None)

    np.testing.assert_allclose(weight_of(trained.images), 0, atol=1e-9)
    assert trained.images.conse is (conse if base is Base.CONSE else None)


def test_validation_chooses_the_regularisation() -> None:
    examples, validation = make_examples(60, noise=1), make_examples(60, noise=1, seed=1)
    recipe = Recipe(objective=Objective.RIDGE)

    chosen = train(examples, validation, recipe)

    ridges = [float(10**exponent) for exponent in np.arange(-2, 3.5, 0.5)]
    alone = [train(examples, NONE, Recipe(objective=Objective.RIDGE, ridge=r)) for r in ridges]
    scores = [recall(one.images, one.texts, validation).to_score(10) for one in alone]
    best = alone[scores.index(max(scores))]
    np.testing.assert_array_equal(weight_of(chosen.images), weight_of(best.images))


def _project(trained: Trained, examples: Examples) -> tuple[Floats, Floats]:
    return (
        map_of(trained.images).apply(examples.images.features),
        map_of(trained.texts).apply(examples.texts.features),
    )


def test_directions_of_cca_are_uncorrelated_but_with_their_partner() -> None:
    examples = make_examples(200)
    recipe = Recipe(objective=Objective.CCA, text_map=MapKind.LINEAR, ridge=0.0, dimension=4)

    one, other = _project(train(examples, NONE, recipe), examples)

    correlation = np.corrcoef(one, other, rowvar=False)
    within, crossed = correlation[:4, :4], correlation[:4, 4:]
    np.testing.assert_allclose(within, np.eye(4), atol=1e-4)
    np.testing.assert_allclose(crossed, np.diag(np.diag(crossed)), atol=1e-4)
    expected = _correlations(examples)[:4]
    np.testing.assert_allclose(np.diag(crossed), expected, atol=1e-4)


def _correlations(examples: Examples) -> NDArray[np.float64]:
    """Canonical correlations are the singular values of the product of orthonormal bases."""
    bases = [
        np.linalg.qr(part - part.mean(axis=0))[0]
        for part in (examples.images.features, examples.texts.features)
    ]
    return np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)


def test_cca_counts_an_image_once_however_many_texts_it_has() -> None:
    examples = make_examples(30)
    doubled = np.concatenate([examples.owned, examples.owned + 30], axis=1)
    twice = Examples(
        examples.images, type(examples.texts).concatenate([examples.texts] * 2), doubled
    )

    one, two = (_project(train(part, NONE, CCA), examples) for part in (examples, twice))

    for first, second in zip(one, two, strict=True):
        np.testing.assert_allclose(np.abs(first), np.abs(second), atol=1e-3)


@given(count=st.integers(1, 6), recipe=st.sampled_from([RIDGE, CCA]))
def test_few_pairs_give_finite_weights(count: int, recipe: Recipe) -> None:
    examples = make_examples(count)
    examples.images.features[:, 0] = 3.3

    trained = train(examples, NONE, recipe)

    for side in (trained.images, trained.texts):
        for name, array in side.to_tensors().items():
            assert np.isfinite(array).all(), name
            assert name != "scale" or (array > 0).all()


def test_cca_finds_more_of_unseen_pairs_than_chance() -> None:
    trained = train(
        make_examples(300),
        make_examples(50, seed=1),
        Recipe(objective=Objective.CCA, text_map=MapKind.LINEAR),
    )

    found = recall(trained.images, trained.texts, make_examples(200, seed=2))
    assert found.to_mean(10) > 0.9


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"text_map": MapKind.LINEAR, "base": Base.CONSE}, "--base none"),
        ({"text_map": MapKind.NONE}, "--text-map linear"),
    ],
)
def test_cca_refuses_what_it_cannot_do(options: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Recipe(objective=Objective.CCA, **options)  # type: ignore[arg-type]


def test_ridge_refuses_a_text_map() -> None:
    with pytest.raises(SettingsError, match="--text-map none"):
        Recipe(objective=Objective.RIDGE, text_map=MapKind.LINEAR)
