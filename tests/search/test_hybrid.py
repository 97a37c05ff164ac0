"""Meaning and words in one answer, the same on every engine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingest.store.collections import ensure_collection, resolve_collection
from ingest.store.connect import connect
from schemas.collection import modality_filter, to_point
from schemas.errors import InvalidVector, QueryError
from schemas.records import Modality
from search.hybrid import CANDIDATES, check_words, hybrid_search
from search.lexical import to_sparse_query
from tests.legible import LegibleEncoder
from tests.loopback.server import serving
from tests.search.corpus import to_image_chunk, to_text_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from ingest.store.engine import Engine
    from schemas.records import Chunk
    from search.hybrid import HybridPoint

QUERY = [1.0, 0.0, 0.0, 0.0, 0.0]
SPACE = LegibleEncoder().space
PHOTOGRAPHS = modality_filter(Modality.IMAGE)
TEXTS = modality_filter(Modality.TEXT)


def at(degrees: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    turned = math.radians(degrees)
    return np.array([math.cos(turned), math.sin(turned), 0, 0, 0], np.float32)


def to_corpus() -> list[tuple[Chunk, float]]:
    """Chunks with their angle to the query."""
    plain = [(to_image_chunk(f"plain{n}.jpg"), 10 + n) for n in range(0, 20, 4)]
    captioned = [
        (to_image_chunk(f"boat{n}.jpg", caption=f"the boat Nina {n} at the quay"), 11 + n)
        for n in range(0, 20, 4)
    ]
    said = [
        (to_image_chunk("ship.jpg", ocr_text="MS HURTIGRUTEN", keywords=("sea",)), 80),
        (to_image_chunk("dock.jpg", alt_text="the dock"), 40),
    ]
    passages = to_text_chunks("log.txt", "the log of the Nina", "the sea", "Hurtigruten 1893")
    return [*plain, *captioned, *said, *zip(passages, (20.0, 30.0, 70.0), strict=True)]


def fill(engine: Engine, chunks: list[tuple[Chunk, float]], name: str = "boats") -> str:
    collection = ensure_collection(engine, name, SPACE, {})
    points = [to_point(chunk, at(degrees), SPACE.fingerprint) for chunk, degrees in chunks]
    if points:
        engine.upsert(collection.name, points)
    return collection.name


@pytest.fixture(scope="module", params=["memory", "embedded", "rest"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    if request.param == "rest":
        with serving() as server, connect(server.url, prefer_grpc=False) as engine:
            yield engine
        return
    address = (
        ":memory:"
        if request.param == "memory"
        else str(tmp_path_factory.mktemp("hybrid") / "index")
    )
    with connect(address) as engine:
        yield engine


@pytest.fixture(scope="module")
def boats(engine: Engine) -> str:
    return fill(engine, to_corpus())


def ask(engine: Engine, name: str, text: str, **options: Any) -> list[HybridPoint]:
    return hybrid_search(engine, name, QUERY, text, **{"query_filter": PHOTOGRAPHS, **options})


def to_names(found: list[HybridPoint]) -> list[str]:
    return [str((one.point.payload or {})["location"]).rsplit("/", 1)[-1] for one in found]


def test_a_name_is_found_wherever_its_vector_lies(engine: Engine, boats: str) -> None:
    found = ask(engine, boats, "Hurtigruten", limit=3)
    assert to_names(found)[1] == "ship.jpg"
    first = found[1]
    assert first.point.score == pytest.approx(math.cos(math.radians(80)), abs=1e-6)
    assert first.words is not None
    assert first.words > 1
    assert first.point.payload is not None
    assert first.point.payload["ocr_text"] == "MS HURTIGRUTEN"
    assert to_names(found)[0] == "plain0.jpg"
    assert found[0].words is None


def test_photographs_without_words_are_not_buried(engine: Engine, boats: str) -> None:
    # Half of the photographs say "the boat"; the nearest says nothing.
    found = ask(engine, boats, "the boat", limit=12)
    names = to_names(found)
    above = sum(one.words is not None and one.words > 0 for one in found)
    assert names.index("plain0.jpg") <= above
    plain = [name for name in names if name.startswith("plain")]
    assert plain == ["plain0.jpg", "plain4.jpg", "plain8.jpg", "plain12.jpg", "plain16.jpg"]


def test_words_that_nothing_has_leave_the_order_of_cosines(engine: Engine, boats: str) -> None:
    for text in ("xylophone", "?!"):
        found = ask(engine, boats, text, limit=20)
        dense = engine.query_points(boats, QUERY, query_filter=PHOTOGRAPHS, limit=20).points
        assert [one.point.id for one in found] == [point.id for point in dense]
        assert [one.point.score for one in found] == pytest.approx([one.score for one in dense])


def test_every_score_is_the_cosine(engine: Engine, boats: str) -> None:
    angles = {chunk.record.location: degrees for chunk, degrees in to_corpus()[:12]}
    for one in ask(engine, boats, "the Nina at sea", limit=20):
        expected = math.cos(math.radians(angles[(one.point.payload or {})["location"]]))
        assert one.point.score == pytest.approx(expected, abs=1e-6)


def test_a_threshold_is_of_the_cosine(engine: Engine, boats: str) -> None:
    found = ask(engine, boats, "Hurtigruten", limit=20, score_threshold=0.7)
    assert "ship.jpg" not in to_names(found)
    assert len(found) == 11


def test_documents_are_given_once_by_their_best_passage(engine: Engine, boats: str) -> None:
    found = ask(engine, boats, "hurtigruten", query_filter=TEXTS, group_by="source_uri", limit=5)
    assert [(one.point.payload or {})["text"] for one in found] == ["Hurtigruten 1893"]


def test_a_longer_answer_begins_with_the_shorter_one(engine: Engine, boats: str) -> None:
    whole = [one.point.id for one in ask(engine, boats, "the Nina", limit=20)]
    assert len(whole) == 12
    for limit in (1, 3, 7):
        assert [one.point.id for one in ask(engine, boats, "the Nina", limit=limit)] == whole[
            :limit
        ]


def test_one_long_document_does_not_hide_the_others(engine: Engine) -> None:
    long = to_text_chunks("long.txt", *(f"page {n}" for n in range(2 * CANDIDATES)))
    short = to_text_chunks("short.txt", "a page of another")
    name = fill(
        engine, [*((chunk, n / 100) for n, chunk in enumerate(long)), (short[0], 89)], "long"
    )
    found = ask(engine, name, "page", query_filter=TEXTS, group_by="source_uri", limit=2)
    assert sorted(to_names(found)) == ["long.txt", "short.txt"]


def test_an_empty_collection_has_no_answer(engine: Engine) -> None:
    assert ask(engine, fill(engine, [], "nothing"), "boat") == []


def test_a_query_without_direction_is_refused(engine: Engine, boats: str) -> None:
    with pytest.raises(InvalidVector):
        hybrid_search(engine, boats, [0.0] * 5, "boat")


def test_engines_agree(tmp_path: Path) -> None:
    corpus = to_corpus()
    answers = []
    for address in (":memory:", str(tmp_path / "index")):
        with connect(address) as engine:
            name = fill(engine, corpus)
            found = [
                one
                for text in ("the boat Nina", "Hurtigruten", "the sea", "dock 12", "quay 4 boat")
                for one in ask(engine, name, text, limit=20)
            ]
            answers.append(found)
    memory, embedded = answers
    assert [one.point.id for one in memory] == [one.point.id for one in embedded]
    assert [one.standing for one in memory] == pytest.approx(
        [one.standing for one in embedded], abs=1e-5
    )


def test_an_old_collection_says_what_to_do(engine: Engine, boats: str) -> None:
    check_words(engine, resolve_collection(engine, boats))
    old = fill(engine, [], "old")
    engine.update_collection(old, metadata={"words": None})
    with pytest.raises(QueryError, match="diptych sync"):
        check_words(engine, resolve_collection(engine, old))
    opened = resolve_collection(engine, old)
    engine.update_collection(old, metadata={"words": 1})
    check_words(engine, opened)  # what was opened before words came


def test_a_query_of_signs_has_no_words() -> None:
    assert to_sparse_query(" — ?!") is None
    query = to_sparse_query("Nina, Nina!")
    assert query is not None
    assert query.values == [1.0]
