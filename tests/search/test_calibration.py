"""The gap between modalities, and what makes scores comparable across it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.background import SAMPLE_POINTS, measure_background, refresh_background
from ingest.encoders.canary import canary_vectors
from ingest.store.collections import ensure_collection
from ingest.store.connect import connect
from schemas.background import LEVELS, Background, read_background
from schemas.collection import modality_filter, to_point, to_point_id
from schemas.errors import QueryError
from schemas.query import Query
from schemas.records import Modality
from search.calibration import Scale
from search.searcher import Searcher
from tests.legible import LegibleEncoder
from tests.search.corpus import to_image_chunk, to_text_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from qdrant_client import models

    from ingest.store.engine import Engine

IMAGE, TEXT = Modality
TOPICS = 60
GAP = 3.0


def to_rows(rows: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.float32]:
    moved = rows + shift
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)


class GapEncoder(LegibleEncoder):
    """A text "topic 7" and its images lie in two cones, far apart, as in CLIP's space."""

    def __init__(self) -> None:
        super().__init__(model_id="gap-1")
        space = {**self.space.to_json(), "dimension": 32}
        self.space = type(self.space).from_json(space)
        generator = np.random.default_rng(0)
        topics = generator.normal(size=(TOPICS, 32))
        axis = np.zeros(32)
        axis[0] = GAP * np.sqrt(32) / 2
        noise = generator.normal(size=(TOPICS, 32))
        self.texts = to_rows(topics + 0.3 * noise, axis)
        self.images = to_rows(topics + 0.6 * generator.normal(size=(TOPICS, 32)), -axis)
        self.queries = to_rows(topics, axis)

    def encode_texts(self, texts: Any, role: Any) -> Any:  # noqa: ARG002 - the protocol's
        return np.stack([self.queries[int(text.split()[1])] for text in texts])

    def encode_images(self, images: Any) -> Any:
        raise NotImplementedError


def give_own_contents(points: list[models.PointStruct]) -> None:
    """The corpus gives all its chunks one content hash."""
    for point in points:
        assert point.payload is not None
        point.payload["content_hash"] = f"blake3:{point.id}"


@pytest.fixture
def encoder() -> GapEncoder:
    return GapEncoder()


@pytest.fixture
def engine(encoder: GapEncoder) -> Iterator[Engine]:
    with connect(":memory:") as engine:
        name = ensure_collection(engine, "gap", encoder.space, {}).name
        points = []
        for topic in range(TOPICS):
            image = to_image_chunk(f"{topic}.png")
            (text,) = to_text_chunks(f"{topic}.txt", f"topic {topic}")
            points.append(to_point(image, encoder.images[topic], encoder.space.fingerprint))
            points.append(to_point(text, encoder.texts[topic], encoder.space.fingerprint))
        give_own_contents(points)
        engine.upsert(name, points)
        yield engine


@pytest.fixture
def searcher(engine: Engine, encoder: GapEncoder) -> Iterator[Searcher]:
    refresh_background(engine, "gap__g001")
    with Searcher.follow(engine, "gap", lambda _: encoder) as searcher:
        searcher._fixed._proven = frozenset(Modality)
        searcher._follower.live._proven = frozenset(Modality)  # type: ignore[union-attr]
        yield searcher


def test_a_mixed_answer_has_the_right_items_of_both_modalities(searcher: Searcher) -> None:
    found = {"image": 0, "text": 0, "raw image": 0}
    for topic in range(TOPICS):
        page = searcher.search(f"topic {topic}", top_k=10)
        uris = {hit.source_uri for hit in page.hits}
        found["image"] += f"folder://root/{topic}.png" in uris
        found["text"] += f"folder://root/{topic}.txt" in uris
        images = searcher.search(f"topic {topic}", target="image", top_k=TOPICS).hits
        texts = searcher.search(f"topic {topic}", target="text", top_k=TOPICS).hits
        raw = sorted([*images, *texts], key=lambda hit: -hit.score)[:10]
        found["raw image"] += any(hit.modality is IMAGE for hit in raw)
    assert found["raw image"] == 0, "by raw cosine no image is ever seen"
    assert found["image"] >= 0.9 * TOPICS
    assert found["text"] == TOPICS


def test_within_a_modality_the_order_is_that_of_the_cosines(searcher: Searcher) -> None:
    for hits in (
        searcher.search("topic 3", top_k=200).hits,
        searcher.search("topic 3", target="image", top_k=200).hits,
    ):
        for modality in Modality:
            of_one = [hit for hit in hits if hit.modality is modality]
            assert of_one == sorted(of_one, key=lambda hit: (-hit.score, hit.point_id))
            percentiles = [hit.percentile for hit in of_one]
            assert all(p is not None for p in percentiles)
            assert percentiles == sorted(percentiles, reverse=True)  # type: ignore[type-var]


def test_a_percentile_is_the_share_of_unrelated_pairs_below(searcher: Searcher) -> None:
    counts = {IMAGE: 0, TEXT: 0}
    for topic in range(TOPICS):
        for modality in Modality:
            hits = searcher.search(f"topic {topic}", target=str(modality), top_k=TOPICS).hits
            unrelated = [hit for hit in hits if f"/{topic}." not in hit.source_uri]
            counts[modality] += sum((hit.percentile or 0) >= 90 for hit in unrelated)
    for count in counts.values():
        assert 0.05 < count / (TOPICS * (TOPICS - 1)) < 0.16  # a tenth, sampled


def test_min_percentile_leaves_out_what_is_nothing_special(searcher: Searcher) -> None:
    for target in ("image", "text", "any"):
        every = searcher.search("topic 5", target=target, top_k=200).hits
        special = searcher.search("topic 5", target=target, top_k=200, min_percentile=98).hits
        assert [hit.point_id for hit in special] == [
            hit.point_id for hit in every if (hit.percentile or 0) >= 98
        ]
        assert 0 < len(special) < len(every)


def test_an_explanation_has_the_numbers_of_the_score(searcher: Searcher) -> None:
    for hit in searcher.search("topic 5", explain=True).hits:
        assert hit.explanation is not None
        said: dict[str, Any] = dict(hit.explanation)
        assert said["direction"] == f"text->{hit.modality}"
        assert said["calibrated"] == pytest.approx(
            (hit.score - said["expected_cosine"]) / said["spread"]
        )
        assert said["parts"][0]["cosine"] == pytest.approx(hit.score, abs=1e-5)


def test_without_a_background_a_percentile_is_refused(engine: Engine, encoder: GapEncoder) -> None:
    with Searcher.follow(engine, "gap", lambda _: encoder) as searcher:
        searcher._follower.live._proven = frozenset(Modality)  # type: ignore[union-attr]
        hits = searcher.search("topic 5", top_k=4).hits
        assert [hit.modality for hit in hits] == [IMAGE, TEXT] * 2
        assert {hit.percentile for hit in hits} == {None}
        with pytest.raises(QueryError, match="too few"):
            searcher.search("topic 5", min_percentile=50)


def test_a_searcher_learns_of_a_background_that_was_measured_later(
    engine: Engine, encoder: GapEncoder
) -> None:
    with Searcher.follow(engine, "gap", lambda _: encoder, refresh_seconds=0) as searcher:
        searcher._follower.live._proven = frozenset(Modality)  # type: ignore[union-attr]
        assert searcher.search("topic 5").hits[0].percentile is None
        refresh_background(engine, "gap__g001")
        assert searcher.search("topic 5").hits[0].percentile is not None


def test_a_background_is_measured_when_the_collection_has_changed_by_a_tenth(
    engine: Engine, encoder: GapEncoder
) -> None:
    assert refresh_background(engine, "gap__g001")
    assert not refresh_background(engine, "gap__g001")
    chunks = [to_image_chunk(f"more{n}.png") for n in range(7)]

    def add(several: list[Any]) -> None:
        points = [to_point(one, encoder.images[0], encoder.space.fingerprint) for one in several]
        engine.upsert("gap__g001", points)

    add(chunks[:6])
    assert not refresh_background(engine, "gap__g001")
    add(chunks[6:])
    assert refresh_background(engine, "gap__g001")
    measured = read_background(engine.read_metadata("gap__g001"))
    assert measured is not None
    assert measured.counts == {IMAGE: TOPICS + 7, TEXT: TOPICS}


def test_an_items_own_pairs_are_no_background(engine: Engine, encoder: GapEncoder) -> None:
    """Captions beside their photographs are near by right, and must not make near look usual."""
    name = ensure_collection(engine, "pairs", encoder.space, {}).name
    points = []
    for topic in range(TOPICS):
        image = to_image_chunk(f"{topic}.png")
        points.append(to_point(image, encoder.images[topic], "f"))
        (text,) = to_text_chunks(f"{topic}.png", "caption")
        caption = to_point(text, encoder.images[topic], "f")
        caption.id = to_point_id(text.record.source_uri, 1)
        points.append(caption)
    give_own_contents(points)
    engine.upsert(name, points)
    counts = {IMAGE: TOPICS, TEXT: TOPICS}
    background = measure_background(engine, name, counts)
    (top,) = background.quantiles[IMAGE, TEXT][-1:]
    nearness = 1 - encoder.images @ encoder.images.mean(axis=0)
    perfect = nearness / background.spreads[IMAGE, TEXT]
    assert top < perfect.min()


def test_a_background_survives_json() -> None:
    background = Background(
        means={IMAGE: (0.5, -0.25), TEXT: (0.0, 1.0)},
        spreads={(IMAGE, TEXT): 0.125},
        quantiles={(IMAGE, TEXT): tuple(float(n) for n in range(len(LEVELS)))},
        counts={IMAGE: 10, TEXT: 20},
    )
    assert Background.from_json(background.to_json()) == background
    assert read_background({"background": {**background.to_json(), "version": 99}}) is None
    assert read_background({"background": {"version": 1, "means": []}}) is None
    assert read_background({}) is None


@pytest.mark.parametrize(
    "damage",
    [
        {"spreads": {"image->text": 0.0}},
        {"spreads": {"image->text": float("nan")}},
        {"spreads": {}},
        {"means": {}},
        {"quantiles": {"image->text": [1.0, 2.0]}},
        {"quantiles": {"image->text": [float(-n) for n in range(len(LEVELS))]}},
    ],
)
def test_a_damaged_background_is_none(damage: dict[str, Any]) -> None:
    sound = Background(
        means={IMAGE: (0.5, -0.25), TEXT: (0.0, 1.0)},
        spreads={(IMAGE, TEXT): 0.125},
        quantiles={(IMAGE, TEXT): tuple(float(n) for n in range(len(LEVELS)))},
        counts={IMAGE: 10, TEXT: 20},
    )
    assert read_background({"background": sound.to_json()}) == sound
    assert read_background({"background": {**sound.to_json(), **damage}}) is None


@given(st.floats(-20, 20), st.floats(-20, 20))
def test_percentiles_rise_with_scores_and_come_back(one: float, other: float) -> None:
    values = tuple(float(n) for n in range(-5, -5 + len(LEVELS)))
    direction = (TEXT, IMAGE)
    background = Background({IMAGE: (0.6, 0.0)}, {direction: 0.2}, {direction: values}, {IMAGE: 9})
    calibration = Scale(background).read(np.array([1, 0], dtype=np.float32), TEXT)
    low, high = sorted((one, other))
    first, second = (calibration.to_percentile(score, IMAGE) for score in (low, high))
    assert first is not None
    assert second is not None
    assert 0.1 <= first <= second <= 99.99 + 1e-9
    if values[0] <= low <= values[-1]:
        assert calibration.least_score(first, IMAGE) == pytest.approx(low, abs=1e-6)
    cosine = calibration.to_cosine(low, IMAGE)
    assert cosine is not None
    assert calibration.to_score(cosine, IMAGE) == pytest.approx(low)
    assert calibration.to_score(0.1, TEXT) is None


def test_a_sample_is_of_the_whole_collection(encoder: GapEncoder) -> None:
    with connect(":memory:") as engine:
        name = ensure_collection(engine, "many", encoder.space, {}).name
        generator = np.random.default_rng(1)
        vectors = to_rows(generator.normal(size=(2000, 32)), np.full(32, 0.5))
        points = [
            to_point(to_image_chunk(f"{number}.png"), vector, "f")
            for number, vector in enumerate(vectors)
        ]
        give_own_contents(points)
        engine.upsert(name, points)
        count = engine.count(name, modality_filter(IMAGE)).count
        background = measure_background(engine, name, {IMAGE: count, TEXT: 0})
        assert set(background.means) == {IMAGE}
        off = np.linalg.norm(np.asarray(background.means[IMAGE]) - vectors.mean(axis=0))
        assert off < 2 / np.sqrt(SAMPLE_POINTS)


def test_an_image_query_reads_the_image_background(searcher: Searcher) -> None:
    hit = searcher.search(Query(item="folder://root/4.png"), target="text", explain=True).hits[0]
    assert hit.explanation is not None
    assert hit.explanation["direction"] == "image->text"
    assert hit.percentile is not None


def test_canaries_are_not_touched() -> None:
    """The legible encoder's own canary still fits a collection with a background."""
    encoder = LegibleEncoder()
    with connect(":memory:") as engine:
        canary = canary_vectors(encoder, encoder.space.modalities)
        name = ensure_collection(engine, "own", encoder.space, canary).name
        refresh_background(engine, name)
        assert Searcher.follow(engine, "own", lambda _: encoder).search("red").hits == ()
