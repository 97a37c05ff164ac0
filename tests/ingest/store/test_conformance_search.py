"""What every engine promises about searching: one suite on memory, embedded and a server."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from qdrant_client import models

from tests.ingest.store.samples import ANGLES, AXIS, IMAGES, at_angle, matching, to_points

if TYPE_CHECKING:
    from ingest.store.engine import Engine


def test_scores_are_cosines_nearest_first(engine: Engine, filled: str) -> None:
    points = engine.query_points(filled, AXIS, limit=4).points
    assert [point.id for point in points] == [1, 2, 3, 4]
    expected = [math.cos(math.radians(ANGLES[number])) for number in (1, 2, 3, 4)]
    assert [point.score for point in points] == pytest.approx(expected, abs=1e-6)
    assert points[0].payload == to_points()[0].payload
    assert points[0].vector is None


@pytest.mark.parametrize("scale", [1e-2, 1.0, 1e6])
def test_the_length_of_the_query_does_not_matter(engine: Engine, filled: str, scale: float) -> None:
    query = [value * scale for value in at_angle(50)]
    best = engine.query_points(filled, query, limit=1, with_vectors=True).points[0]
    assert best.id == 5
    assert 0.999999 < best.score <= 1.0
    assert best.vector == pytest.approx(at_angle(50), abs=1e-6)
    opposite = [-value for value in query]
    worst = engine.query_points(filled, opposite, limit=9).points[-1]
    assert worst.id == 5
    assert worst.score == pytest.approx(-1.0, abs=1e-6)
    assert worst.score >= -1.0


def test_a_filter_is_exact(engine: Engine, filled: str) -> None:
    points = engine.query_points(filled, AXIS, query_filter=IMAGES, limit=9).points
    assert [point.id for point in points] == [1, 3, 5, 7, 9]


def test_threshold_offset_and_fields(engine: Engine, filled: str) -> None:
    threshold = math.cos(math.radians(45))
    points = engine.query_points(
        filled, AXIS, score_threshold=threshold, offset=1, with_payload=["page"]
    ).points
    assert [(point.id, point.payload) for point in points] == [
        (2, {"page": 2}),
        (3, {"page": 3}),
        (4, {"page": 4}),
    ]


def test_a_batch_is_answered_in_order(engine: Engine, filled: str) -> None:
    requests = [
        models.QueryRequest(query=at_angle(angle), filter=IMAGES, limit=1, with_payload=True)
        for angle in (88, 12, 52)
    ]
    answers = engine.query_batch_points(filled, requests)
    assert [answer.points[0].id for answer in answers] == [9, 1, 5]
    assert answers[0].points[0].payload == to_points()[8].payload


def test_groups_rank_by_their_best_point(engine: Engine, filled: str) -> None:
    groups = engine.query_points_groups(
        filled, "source_uri", at_angle(44), limit=2, group_size=2
    ).groups
    assert [(group.id, [hit.id for hit in group.hits]) for group in groups] == [
        ("folder://r/1", [4, 5]),
        ("folder://r/0", [3, 2]),
    ]
    assert groups[0].hits[0].payload is not None


def test_a_big_document_hides_no_other(engine: Engine, collection: str) -> None:
    """300 chunks of one document lie nearer than the only chunk of another."""
    near = [
        models.PointStruct(id=i, vector=at_angle(i / 10), payload={"source_uri": "big"})
        for i in range(300)
    ]
    far = models.PointStruct(id=1000, vector=at_angle(90), payload={"source_uri": "far"})
    engine.upsert(collection, [*near, far])
    groups = engine.query_points_groups(
        collection, "source_uri", AXIS, limit=2, group_size=3, with_payload=False
    ).groups
    assert [(group.id, len(group.hits)) for group in groups] == [("big", 3), ("far", 1)]
    assert [hit.id for hit in groups[0].hits] == [0, 1, 2]
    assert not groups[0].hits[0].payload


def test_points_without_the_field_are_in_no_group(engine: Engine, collection: str) -> None:
    payloads: list[dict[str, object]] = [
        {},
        {"group": None},
        {"group": 1.5},
        {"group": True},
        {"group": 7},
        {"group": ["a", "b"]},
    ]
    engine.upsert(
        collection,
        [
            models.PointStruct(id=i, vector=at_angle(i), payload=payload)
            for i, payload in enumerate(payloads)
        ],
    )
    groups = engine.query_points_groups(collection, "group", AXIS, limit=9).groups
    assert [(group.id, [hit.id for hit in group.hits]) for group in groups] == [
        (7, [4]),
        ("a", [5]),
        ("b", [5]),
    ]


def test_a_groups_members_are_found_behind_other_groups(engine: Engine, collection: str) -> None:
    """Each of 100 documents has a chunk near the query and one far behind all near ones."""
    engine.upsert(
        collection,
        [
            models.PointStruct(
                id=2 * document + is_far,
                vector=at_angle(document / 10 + 60 * is_far),
                payload={"source_uri": f"document {document}", "modality": "text"},
            )
            for document in range(100)
            for is_far in (0, 1)
        ],
    )
    groups = engine.query_points_groups(
        collection,
        "source_uri",
        AXIS,
        query_filter=matching("modality", "text"),
        limit=3,
        group_size=3,
    ).groups
    assert [(group.id, [hit.id for hit in group.hits]) for group in groups] == [
        ("document 0", [0, 1]),
        ("document 1", [2, 3]),
        ("document 2", [4, 5]),
    ]
    near = engine.query_points_groups(
        collection, "source_uri", AXIS, limit=3, group_size=3, score_threshold=0.9
    ).groups
    assert [[hit.id for hit in group.hits] for group in near] == [[0], [2], [4]]


def test_effort_can_be_asked_for(engine: Engine, filled: str) -> None:
    quantization = models.QuantizationSearchParams(rescore=True, oversampling=2.0)
    for params in (
        models.SearchParams(exact=True),
        models.SearchParams(hnsw_ef=64, quantization=quantization),
    ):
        points = engine.query_points(filled, AXIS, limit=2, search_params=params).points
        assert [point.id for point in points] == [1, 2]
        request = models.QueryRequest(query=AXIS, limit=2, params=params)
        (answer,) = engine.query_batch_points(filled, [request])
        assert [point.id for point in answer.points] == [1, 2]
        groups = engine.query_points_groups(
            filled, "source_uri", AXIS, limit=1, group_size=1, search_params=params
        ).groups
        assert groups[0].hits[0].id == 1


def test_vectors_can_be_compressed_to_int8(engine: Engine, name: str) -> None:
    params = models.VectorParams(size=4, distance=models.Distance.COSINE)
    scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99)
    engine.create_collection(
        name, params, quantization_config=models.ScalarQuantization(scalar=scalar)
    )
    engine.upsert(name, to_points())
    assert engine.query_points(name, AXIS, limit=1).points[0].id == 1
