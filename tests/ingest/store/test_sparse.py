"""Sparse vectors on every engine: stored beside the dense one, scored with Qdrant's own IDF."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from qdrant_client import models

from ingest.store.connect import connect
from ingest.store.words import ensure_words
from schemas.errors import InvalidVector, StoreRejected
from schemas.vectors import sparse_vector_params, to_sparse_vector, to_vectors
from schemas.words import WORDS, WORDS_VERSION, to_query_weights
from tests.ingest.store.samples import AXIS, at_angle, create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingest.store.engine import Engine

TEXTS = {
    1: "the harbour of Oslo",
    2: "the harbour, the quay and the harbour master",
    3: "Oslo Oslo",
    4: "the snow",
    5: "",
}
PARAMS = models.VectorParams(size=4, distance=models.Distance.COSINE)


def to_point(number: int) -> models.PointStruct:
    text = TEXTS[number]
    modality = "text" if text else "image"
    return models.PointStruct(
        id=number,
        vector=to_vectors(at_angle(10 * number), [text]),
        payload={"text": text, "modality": modality} if text else {"modality": modality},
    )


@pytest.fixture(scope="module")
def worded(engine: Engine) -> Iterator[str]:
    """Four texts and an image without words."""
    name = f"test_{uuid4().hex}"
    engine.create_collection(name, PARAMS, sparse_vectors_config=sparse_vector_params())
    engine.create_payload_index(name, "modality", models.PayloadSchemaType.KEYWORD)
    engine.upsert(name, [to_point(number) for number in TEXTS])
    yield name
    engine.delete_collection(name)


def ask(engine: Engine, name: str, text: str, **more: Any) -> dict[object, float]:
    query = to_sparse_vector(to_query_weights(text))
    request = models.QueryRequest(query=query, using=WORDS, limit=10, **more)
    (response,) = engine.query_batch_points(name, [request])
    return {point.id: point.score for point in response.points}


def bm25(query: str, number: int) -> float:
    """By the book, over the four texts."""
    texts = {key: text.lower().replace(",", "").split() for key, text in TEXTS.items() if text}
    score = 0.0
    for term in set(query.split()):
        holding = sum(term in words for words in texts.values())
        rarity = math.log(1 + (len(texts) - holding + 0.5) / (holding + 0.5))
        count = texts[number].count(term)
        length = len(texts[number]) / 256
        score += rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length))
    return score


@pytest.mark.parametrize("query", ["oslo", "harbour", "the harbour of oslo", "the snow quay"])
def test_scores_are_bm25(engine: Engine, worded: str, query: str) -> None:
    expected = {number: bm25(query, number) for number in (1, 2, 3, 4)}
    found = ask(engine, worded, query)
    assert found == {
        number: pytest.approx(score, rel=1e-5) for number, score in expected.items() if score
    }
    assert list(found) == sorted(found, key=lambda number: -found[int(str(number))])


def test_words_that_nobody_has_find_nothing(engine: Engine, worded: str) -> None:
    assert ask(engine, worded, "xylophone") == {}


def test_words_are_searched_within_a_filter(engine: Engine, worded: str) -> None:
    these = models.Filter(must=[models.HasIdCondition(has_id=[2, 5])])
    found = ask(engine, worded, "the harbour", filter=these)
    # How rare a word is, is counted in the whole collection.
    assert found == {2: pytest.approx(bm25("the harbour", 2), rel=1e-5)}


def test_vectors_that_are_read_are_dense(engine: Engine, worded: str) -> None:
    expected = {number: pytest.approx(at_angle(10 * number), abs=1e-6) for number in TEXTS}
    records = engine.retrieve(worded, list(TEXTS), with_vectors=True)
    assert {record.id: record.vector for record in records} == expected
    page, _ = engine.scroll(worded, with_vectors=True)
    assert {record.id: record.vector for record in page} == expected
    found = engine.query_points(worded, AXIS, with_vectors=True).points
    assert {point.id: point.vector for point in found} == expected
    (response,) = engine.query_batch_points(
        worded, [models.QueryRequest(query=AXIS, limit=9, with_vector=True)]
    )
    assert {point.id: point.vector for point in response.points} == expected


def test_both_rankings_in_one_request(engine: Engine, worded: str) -> None:
    words = to_sparse_vector(to_query_weights("snow"))
    near, matching = engine.query_batch_points(
        worded,
        [
            models.QueryRequest(query=AXIS, limit=2),
            models.QueryRequest(query=words, using=WORDS, limit=2),
        ],
    )
    assert [point.id for point in near.points] == [1, 2]
    assert near.points[0].score == pytest.approx(math.cos(math.radians(10)))
    assert [point.id for point in matching.points] == [4]
    assert matching.points[0].score > 1


def test_words_are_replaced_with_their_point(engine: Engine, name: str) -> None:
    engine.create_collection(name, PARAMS, sparse_vectors_config=sparse_vector_params())
    engine.upsert(name, [to_point(1), to_point(2)])
    engine.upsert(name, [models.PointStruct(id=1, vector=AXIS, payload={})])
    assert ask(engine, name, "oslo") == {}
    words = to_sparse_vector(to_query_weights("tromsø"))
    engine.update_vectors(name, [models.PointVectors(id=1, vector={WORDS: words})])
    assert list(ask(engine, name, "tromsø")) == [1]
    (record,) = engine.retrieve(name, [1], with_vectors=True)
    assert record.vector == pytest.approx(AXIS)
    engine.delete(name, [1])
    assert ask(engine, name, "tromsø") == {}


@pytest.mark.parametrize(
    ("indices", "values"),
    [([1], [math.nan]), ([1], [math.inf]), ([1, 1], [1.0, 1.0]), ([1, 2], [1.0]), ([], [])],
)
def test_words_that_cannot_be_found_are_refused(
    engine: Engine, worded: str, indices: list[int], values: list[float]
) -> None:
    words = models.SparseVector.model_construct(indices=indices, values=values)
    point = models.PointStruct.model_construct(id=7, vector={"": AXIS, WORDS: words}, payload={})
    with pytest.raises(InvalidVector, match="point 7"):
        engine.upsert(worded, [point])
    update = models.PointVectors.model_construct(id=1, vector={WORDS: words})
    with pytest.raises(InvalidVector, match="point 1"):
        engine.update_vectors(worded, [update])
    assert engine.count(worded).count == 5


def test_a_dense_vector_is_not_updated_alone(engine: Engine, worded: str) -> None:
    for vector in (AXIS, {"": AXIS}):
        update = models.PointVectors(id=1, vector=vector)
        with pytest.raises(StoreRejected, match="point 1"):
            engine.update_vectors(worded, [update])


def test_a_point_with_words_still_needs_a_dense_vector(engine: Engine, worded: str) -> None:
    words = to_sparse_vector(to_query_weights("oslo"))
    with pytest.raises(StoreRejected, match="point 7"):
        engine.upsert(worded, [models.PointStruct(id=7, vector={WORDS: words}, payload={})])


def test_words_come_to_an_index_that_had_none(tmp_path: Path) -> None:
    with connect(str(tmp_path / "old")) as engine:
        create(engine, "old")
        for number in TEXTS:
            point = to_point(number)
            dense = at_angle(10 * number)
            engine.upsert("old", [point.model_copy(update={"vector": dense})])
        with pytest.raises(StoreRejected, match=WORDS):
            ask(engine, "old", "oslo")
        assert ensure_words(engine, "old")
        assert not ensure_words(engine, "old")
        assert engine.read_metadata("old")[WORDS] == WORDS_VERSION
    with connect(str(tmp_path / "old")) as engine:
        assert ask(engine, "old", "oslo") == {
            number: pytest.approx(bm25("oslo", number), rel=1e-5) for number in (1, 3)
        }
        engine.upsert("old", [to_point(1)])
        assert engine.count("old").count == 5
        (record,) = engine.retrieve("old", [3], with_vectors=True)
        assert record.vector == pytest.approx(at_angle(30), abs=1e-6)


def test_words_half_brought_are_brought_again(tmp_path: Path) -> None:
    with connect(str(tmp_path / "old")) as engine:
        create(engine, "old")
        engine.upsert("old", [models.PointStruct(id=1, vector=AXIS, payload={"title": "Oslo"})])
        sparse = models.SparseVectorConfig(modifier=models.Modifier.IDF)
        config = models.SparseVectorNameConfig(sparse=sparse)
        for _ in range(2):
            engine.create_vector_name("old", WORDS, config)
        assert ensure_words(engine, "old")
        assert list(ask(engine, "old", "oslo")) == [1]
