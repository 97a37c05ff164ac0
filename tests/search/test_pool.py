"""Duplicates, diversity and dates: what is done with the nearest before pages are cut."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.encoders.canary import canary_vectors
from ingest.store.collections import ensure_collection
from ingest.store.connect import connect
from schemas.background import Background
from schemas.collection import to_point
from schemas.errors import QueryError
from schemas.records import Modality
from search.calibration import Scale
from search.cli import search as search_command
from search.diversity import choose
from search.options import Options
from search.pool import to_stages
from search.searcher import Searcher
from tests.legible import LegibleEncoder
from tests.search.corpus import to_image_chunk, to_record, to_text_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qdrant_client import models

    from schemas.query import Hit
    from schemas.records import Chunk

NAME = "pool"
FINGERPRINT = LegibleEncoder().space.fingerprint


def to_direction(*numbers: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A unit vector along (red, green, blue, black, other)."""
    row = np.zeros(5)
    row[: len(numbers)] = numbers
    return np.asarray(row / np.linalg.norm(row), dtype=np.float32)


def to_image(name: str, *numbers: float, content: str = "", **fields: Any) -> models.PointStruct:
    return place(to_image_chunk(f"{name}.png", **fields), numbers, content or name)


def place(chunk: Chunk, numbers: Sequence[float], content: str) -> models.PointStruct:
    point = to_point(chunk, to_direction(*numbers), FINGERPRINT)
    assert point.payload is not None
    point.payload["content_hash"] = f"blake3:{content}"
    return point


def to_document(
    name: str, *rows: Sequence[float], content: str = "", **fields: Any
) -> list[models.PointStruct]:
    chunks = to_text_chunks(f"{name}.txt", *("words" for _ in rows), **fields)
    return [place(chunk, row, content or name) for chunk, row in zip(chunks, rows, strict=True)]


class Collection:
    """Opens searchers of points."""

    def __init__(self) -> None:
        self.encoder = LegibleEncoder()
        self.engine = connect(":memory:")
        canary = canary_vectors(self.encoder, self.encoder.space.modalities)
        self.name = ensure_collection(self.engine, NAME, self.encoder.space, canary).name

    def of(self, *points: models.PointStruct) -> Searcher:
        self.engine.upsert(self.name, points)
        return Searcher.follow(self.engine, NAME, lambda _: self.encoder)


@pytest.fixture
def collection() -> Iterator[Collection]:
    collection = Collection()
    yield collection
    collection.engine.close()


def names(hits: Sequence[Hit]) -> list[str]:
    return [hit.location.rpartition("/")[2].partition(".")[0] for hit in hits]


def others(hit: Hit) -> tuple[list[str], int | None]:
    return [uri.rpartition("/")[2].partition(".")[0] for uri in hit.duplicates], hit.duplicate_count


def test_exact_duplicates_have_one_hit_that_names_the_others(collection: Collection) -> None:
    searcher = collection.of(
        to_image("a", 1, 0.1, content="x"),
        to_image("b", 1, 0.2),
        to_image("c", 1, 0.3, content="x"),
        to_image("d", 1, 0.4, content="x"),
    )
    plain = searcher.search("red", target="image")
    assert (names(plain.hits), plain.hits[0].duplicate_count) == (["a", "b", "c", "d"], None)
    hits = searcher.search("red", target="image", collapse="exact").hits
    assert (names(hits), [hit.rank for hit in hits]) == (["a", "b"], [1, 2])
    assert [others(hit) for hit in hits] == [(["c", "d"], 2), ([], 0)]
    assert hits[0].to_json()["duplicates"] == ("folder://root/c.png", "folder://root/d.png")
    assert hits[1].to_json()["duplicate_count"] == 0


def test_near_duplicates_are_those_whose_vectors_are_near_to_the_one_that_stays(
    collection: Collection,
) -> None:
    # Angles of 0, 12, 24 and 60 degrees: cosines between neighbours .978, over two steps .914.
    angles = np.radians([0, 12, 24, 60])
    points = [to_image(f"i{n}", np.cos(one), np.sin(one)) for n, one in enumerate(angles)]
    searcher = collection.of(*points)
    hits = searcher.search("red", target="image", collapse=True).hits
    # i1 goes with i0; i2 is near to i1, which is gone, and not to i0.
    assert names(hits) == ["i0", "i2", "i3"]
    assert [others(hit) for hit in hits] == [(["i1"], 1), ([], 0), ([], 0)]
    wider = searcher.search("red", target="image", collapse=0.9).hits
    assert [(names([hit]), others(hit)) for hit in wider] == [
        (["i0"], (["i1", "i2"], 2)),
        (["i3"], ([], 0)),
    ]
    assert names(searcher.search("red", target="image", collapse=1.0).hits) == [
        "i0",
        "i1",
        "i2",
        "i3",
    ]


def test_an_image_is_no_duplicate_of_a_text(collection: Collection) -> None:
    searcher = collection.of(
        to_image("photo", 1, content="same"), *to_document("text", [1], content="same")
    )
    for collapse in ("exact", True, 0.0):
        assert len(searcher.search("red", collapse=collapse).hits) == 2


def test_copies_of_a_document_are_one_whichever_passage_matched(collection: Collection) -> None:
    searcher = collection.of(
        *to_document("a", [1, 0.1], [0, 1], content="x"),
        *to_document("b", [1, 0.1], [0, 1], content="x"),
        *to_document("c", [1, 0.3]),
    )
    hits = searcher.search("red", target="text", collapse="exact").hits
    assert (names(hits), others(hits[0])) == (["a", "c"], (["b"], 1))
    # Every passage has its own hit: only the same passage of a copy is a duplicate.
    chunks = searcher.search("red", target="text", collapse="exact", all_chunks=True).hits
    assert [(hit.content_hash, hit.chunk_ordinal) for hit in chunks] == [
        ("blake3:x", 0),
        ("blake3:c", 0),
        ("blake3:x", 1),
    ]
    assert sorted([*names(chunks[2:]), *others(chunks[2])[0]]) == ["a", "b"]


def test_diversity_prefers_what_is_unlike_the_hits_before(collection: Collection) -> None:
    searcher = collection.of(
        to_image("a", 1, 0.30),
        to_image("b", 1, 0.32),
        to_image("c", 1, 0, 0.40),
        to_image("d", 1, 0, 0, 0.90),
    )

    def order(diversity: float | None) -> str:
        return "".join(names(searcher.search("red", target="image", diversity=diversity).hits))

    assert order(None) == order(0) == order(0.1) == "abcd"
    # b: .3 * .975 - .7 * .9998 = -.407; c: .3 * .863 - .7 * .889 = -.363; d: -.7 * .712 = -.498.
    assert order(0.7) == "acbd"
    # Similarity alone: a, then the farthest from a, then the farthest from both.
    assert order(1) == "adcb"


def test_marginal_relevance_is_that_of_the_paper() -> None:
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32)
    relevances = np.array([1.0, 0.5, 0.25])
    # After 0: .5 * .5 - .5 * .6 = -.05 and .5 * .25 - .5 * 0 = .125.
    assert choose(relevances, vectors, 0.5, 3) == [0, 2, 1]
    # .8 * .5 - .2 * .6 = .28 and .8 * .25 = .2.
    assert choose(relevances, vectors, 0.2, 3) == [0, 1, 2]
    assert choose(relevances, vectors, 0.2, 9) == [0, 1, 2]


@given(st.integers(1, 12), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_each_step_takes_the_most_marginal_relevance(n: int, weight: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(n, 3))
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    relevances = np.sort(generator.random(n))[::-1]
    chosen = choose(relevances, vectors, weight, n)
    assert sorted(chosen) == list(range(n))
    for step in range(1, n):
        before, rest = chosen[:step], [one for one in range(n) if one not in chosen[:step]]
        marginal = {
            one: (1 - weight) * relevances[one]
            - weight * max(float(vectors[one] @ vectors[other]) for other in before)
            for one in rest
        }
        assert marginal[chosen[step]] >= max(marginal.values()) - 1e-5
        assert choose(relevances, vectors, weight, step) == before


def test_the_gap_between_modalities_is_no_difference(collection: Collection) -> None:
    # Images lie around black, texts around other: raw cosines between them are low. Without the
    # means t shows what i shows, and j something else.
    points = [to_image("i", 0.5, 0, 0, 1), to_image("j", 0.3, 0.4, 0, 1)]
    points += to_document("t", [0.5, 0, 0, 0, 1])
    collection.engine.upsert(collection.name, points)
    means = {Modality.IMAGE: to_direction(0, 0, 0, 0.9), Modality.TEXT: to_direction(0, 0, 0, 0, 1)}
    background = Background({m: tuple(v.tolist()) for m, v in means.items()}, {}, {}, {})
    with Searcher.follow(collection.engine, NAME, lambda _: collection.encoder) as searcher:
        apart = searcher.search("red", diversity=0.9).hits
        live = searcher._follower
        assert live is not None
        live.live.scale = Scale(background)
        together = searcher.search("red", diversity=0.9).hits
        assert names(searcher.search("red").hits)[0] in "it"
    assert set(names(apart)[:2]) == {"i", "t"}
    assert set(names(together)[:2]) in ({"i", "j"}, {"t", "j"})


@pytest.mark.parametrize("field", ["taken_at", "created_at"])
def test_the_pool_by_date_has_items_without_one_last(collection: Collection, field: str) -> None:
    dates = {
        "day": "2024-05-31",
        "year": "2024",
        "month": "2023-12",
        "zoned": "2024-05-31T01:00:00+02:00",
        "local": "2024-05-31T00:00:00",
        "none": None,
        "odd": "some day",
    }
    points = [
        to_image(name, 1, number / 10, content=name, **{field: date})
        for number, (name, date) in enumerate(dates.items())
    ]
    searcher = collection.of(*points)
    rising = ["month", "year", "zoned", "day", "local", "none", "odd"]
    assert names(searcher.search("red", target="image", sort=field).hits) == rising
    # Of one moment the nearer comes first, whichever way it is sorted.
    falling = ["day", "local", "zoned", "year", "month", "none", "odd"]
    assert names(searcher.search("red", target="image", sort=f"-{field}").hits) == falling
    # Only the pool is sorted: the three nearest.
    nearest = searcher.search("red", target="image", sort=field, pool=3, top_k=3)
    assert (names(nearest.hits), nearest.next_cursor) == (["month", "year", "day"], None)


def test_items_are_sorted_by_their_last_modification(collection: Collection) -> None:
    points = []
    for name, number, day in (("old", 0.1, 1), ("new", 0.2, 3), ("middle", 0.3, 2)):
        chunk = to_image_chunk(f"{name}.png")
        record = to_record(f"{name}.png", Modality.IMAGE, modified_ns=day * 86_400 * 10**9)
        object.__setattr__(chunk, "record", record)
        points.append(place(chunk, (1, number), name))
    hits = collection.of(*points).search("red", target="image", sort="-modified_at").hits
    assert names(hits) == ["new", "middle", "old"]
    assert hits[0].modified_at == "1970-01-04T00:00:00+00:00"


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(
        [
            {"collapse": "exact"},
            {"collapse": 0.9},
            {"diversity": 0.5},
            {"sort": "-taken_at"},
            {"collapse": 0.95, "diversity": 0.3},
            {"collapse": True, "sort": "taken_at"},
        ]
    ),
    st.sampled_from(["image", "text", "any"]),
    st.sampled_from(["best", "all"]),
    st.integers(1, 12),
    st.integers(12, 60),
)
def test_pages_are_slices_of_the_pool(
    options: dict[str, Any], target: str, chunks: str, top_k: int, pool: int
) -> None:
    collection = Collection()
    all_chunks = chunks == "all"
    generator = np.random.default_rng(0)
    points = [
        to_image(str(n), *generator.random(5), content=str(n % 13), taken_at=f"20{n % 7:02}")
        for n in range(25)
    ]
    for n in range(12):
        points += to_document(str(n), *generator.random((3, 5)), content=str(n % 7))
    with collection.of(*points) as searcher:
        asked: Any = {**options, "target": target, "all_chunks": all_chunks}
        whole = searcher.search("red", **asked, pool=pool, top_k=pool)
        assert whole.next_cursor is None
        seen: list[Hit] = []
        cursor = None
        while cursor is not None or not seen:
            page = searcher.search("red", **asked, pool=pool, top_k=top_k, cursor=cursor)
            seen, cursor = [*seen, *page.hits], page.next_cursor
        assert [hit.point_id for hit in seen] == [hit.point_id for hit in whole.hits]
        assert [hit.rank for hit in seen] == list(range(1, len(seen) + 1))
        # What stays and what it stands for is the pool.
        nearest = searcher.search("red", target=target, all_chunks=all_chunks, top_k=pool)
        counted = sum(1 + (hit.duplicate_count or 0) for hit in seen)
        assert counted == len(nearest.hits)


def test_the_pool_is_the_nearest_of_all_targets_together(collection: Collection) -> None:
    searcher = collection.of(
        *(to_image(f"i{n}", 1, n / 10) for n in range(6)),
        *(one for n in range(6) for one in to_document(f"t{n}", [1, n / 10 + 0.05])),
    )
    both = searcher.search("red", top_k=5)
    pooled = searcher.search("red", top_k=5, pool=5, collapse="exact")
    assert [hit.point_id for hit in pooled.hits] == [hit.point_id for hit in both.hits]


def test_vectors_are_fetched_only_for_what_reads_them(collection: Collection) -> None:
    def needs(**options: Any) -> list[bool]:
        return [stage.needs_vectors for stage in to_stages(Options(**options))]

    assert needs(collapse="exact", sort="taken_at", pool=500) == [False, False]
    assert needs(collapse=0.9, sort="taken_at") == [True, False]
    assert needs(collapse="exact", diversity=0.1) == [False, True]
    assert needs(collapse=False, diversity=0, pool=500) == []
    # With nothing in the pool no stage has anything to say.
    searcher = collection.of(*to_document("only", [1]))
    for options in ({"collapse": 0.9}, {"collapse": "exact"}, {"diversity": 0.5}):
        assert searcher.search("red", target="image", **options).hits == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pool": 0}, "pool is a whole number from 1 to 10,000"),
        ({"pool": 10_001}, "pool"),
        ({"collapse": "nearly"}, "collapse is 'exact', True or a cosine"),
        ({"collapse": 1.1}, "collapse"),
        ({"collapse": float("nan")}, "collapse"),
        ({"diversity": -0.1}, "diversity is a share from 0 to 1"),
        ({"diversity": True}, "diversity"),
        ({"sort": "title"}, "sort is one of taken_at, created_at, modified_at"),
        ({"sort": "--taken_at"}, "sort"),
        ({"sort": "taken_at", "diversity": 0.5}, "sort decides the whole order"),
        ({"sort": "taken_at", "top_k": 201}, "pool: 200 candidates cannot fill a page of 201"),
        ({"collapse": True, "top_k": 20, "pool": 10}, "raise it"),
    ],
)
def test_what_cannot_be_done_with_a_pool_is_refused(
    collection: Collection, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        collection.of(to_image("a", 1)).search("red", **options)


def test_without_stages_the_pool_means_nothing(collection: Collection) -> None:
    searcher = collection.of(*(to_image(f"i{n}", 1, n / 10) for n in range(6)))
    assert len(searcher.search("red", target="image", pool=2, collapse=False, top_k=6).hits) == 6


def test_the_command_line_refuses_other_ways_to_collapse() -> None:
    answer = CliRunner().invoke(search_command, ["red", "--collapse", "sort of"])
    assert answer.exit_code == 2
    assert "'sort of' is not exact, near or a cosine" in answer.output


def test_an_answer_with_duplicates_is_json(collection: Collection) -> None:
    hits = collection.of(to_image("a", 1)).search("red", target="image", collapse="exact").hits
    assert json.loads(json.dumps(hits[0].to_json()))["duplicate_count"] == 0
