from __future__ import annotations

import numpy as np
import pytest

from ingest.projection import fit_projection
from schemas.projection import PROJECTION_KEY, Projection, read_projection
from schemas.records import Modality

IMAGE, TEXT = Modality.IMAGE, Modality.TEXT


def test_the_axes_are_those_of_most_variance_after_the_means_are_out() -> None:
    # Far apart along x (the modality gap), spread along y, a little along z.
    spread = np.array([[0, 3.0, 0], [0, -3.0, 0], [0, 0, 1.0], [0, 0, -1.0]])
    gap = np.array([9.0, 0, 0])
    plane = fit_projection({IMAGE: spread + gap, TEXT: spread - gap})
    assert plane is not None
    np.testing.assert_allclose(plane.axes, [[0, 1, 0], [0, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(plane.means[IMAGE], [9, 0, 0])
    np.testing.assert_allclose(plane.means[TEXT], [-9, 0, 0])


def test_the_axes_are_principal_components() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 6)) * [5, 1, 1, 3, 1, 1]
    plane = fit_projection({IMAGE: rows})
    assert plane is not None
    values, vectors = np.linalg.eigh(np.cov(rows.T))
    for axis, expected in zip(plane.axes, vectors.T[np.argsort(-values)][:2], strict=True):
        assert abs(axis @ expected) == pytest.approx(1)
        assert max(axis, key=abs) > 0


def test_a_modality_of_few_points_weighs_as_much_as_one_of_many() -> None:
    along_x = np.array([[1.0, 0, 0.1], [-1, 0, -0.1]])
    along_y = np.tile([[0, 0.9, 0], [0, -0.9, 0]], (50, 1))
    plane = fit_projection({IMAGE: along_x, TEXT: along_y})
    assert plane is not None
    assert np.abs(plane.axes[0])[0] > 0.9  # by points it would be y


@pytest.mark.parametrize(
    "vectors",
    [
        {},
        {IMAGE: np.array([[1.0, 0, 0]])},
        {IMAGE: np.array([[1.0, 0, 0], [-1.0, 0, 0]])},
        {IMAGE: np.ones((9, 4))},
    ],
    ids=["nothing", "a point", "a line", "the same point"],
)
def test_what_spans_no_plane_has_none(vectors: dict[Modality, np.ndarray]) -> None:
    assert fit_projection(vectors) is None


def test_it_survives_the_metadata() -> None:
    plane = Projection(((0.5, 0.25), (-0.25, 0.5)), {IMAGE: (1.0, 0.0)})
    assert read_projection({PROJECTION_KEY: plane.to_json()}) == plane


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        "axes",
        {"method": "umap"},
        {"method": "pca", "axes": ["AAAA"], "means": {}},
        {"method": "pca", "axes": ["AAAAAA==", "AAAA"], "means": {}},
        {"method": "pca", "axes": ["AAAAAA==", "AADAfw=="], "means": {"image": "AAAAAA=="}},
        {"method": "pca", "axes": ["AAAAAA==", "AAAAAA=="], "means": {"sound": "AAAAAA=="}},
    ],
)
def test_what_cannot_be_read_is_none(damaged: object) -> None:
    assert read_projection({PROJECTION_KEY: damaged}) is None
    assert read_projection({}) is None
