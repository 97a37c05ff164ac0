"""A searcher whose alias moves while it searches."""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ingest.encoders.canary import canary_vectors
from ingest.store.connect import connect
from ingest.store.generations import ensure_building, prune, publish, roll_back
from schemas.errors import (
    CollectionMissing,
    ModelUnavailable,
    SettingsError,
    StoreUnavailable,
)
from schemas.settings import load_settings
from search.searcher import Searcher
from tests.legible import LegibleEncoder
from tests.search.corpus import to_text_chunks, to_text_points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from schemas.query import Page

NAME = "notes"


class Turned(LegibleEncoder):
    """The legible axes in another order: a vector of one model finds the wrong note of another."""

    def __init__(self, number: int) -> None:
        self.turn = number
        super().__init__(f"turned-{number}")

    def encode_texts(self, texts: Any, role: Any) -> Any:
        return np.roll(super().encode_texts(texts, role), self.turn, axis=1)

    def encode_images(self, images: Any) -> Any:
        return np.roll(super().encode_images(images), self.turn, axis=1)


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Loader:
    """Gives each collection's encoder, unless its model is not installed."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.missing: set[str] = set()

    def __call__(self, collection: ConcreteCollection) -> LegibleEncoder:
        model_id = collection.space.model_id
        self.loaded.append(model_id)
        if model_id in self.missing:
            raise ModelUnavailable(f"{model_id} is not installed")
        return Turned(int(model_id.removeprefix("turned-")))


@pytest.fixture
def engine() -> Iterator[Engine]:
    with connect(":memory:") as engine:
        build(engine, 1)
        yield engine


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def searcher(engine: Engine, loader: Loader, clock: Clock) -> Searcher:
    return Searcher.follow(engine, NAME, loader, refresh_seconds=10, clock=clock)


def build(engine: Engine, number: int, model: int | None = None) -> str:
    """A generation whose notes say which it is, published."""
    encoder = Turned(model or number)
    canary = canary_vectors(encoder, encoder.space.modalities)
    made = ensure_building(engine, NAME, encoder.space, canary, target=str(number))
    chunks = [
        chunk
        for colour in ("red", "green", "blue")
        for chunk in to_text_chunks(f"{colour}.txt", f"a {colour} note", title=made.name)
    ]
    engine.upsert(made.name, to_text_points(encoder, chunks))
    publish(engine, NAME, made.name)
    return made.name


def to_generation(page: Page) -> str:
    """Where a page is from, all of it having been found by the right model."""
    assert [hit.source_uri.rpartition("/")[2] for hit in page.hits[:1]] == ["red.txt"]
    assert page.hits[0].score == pytest.approx(1, abs=1e-6)
    assert {hit.title for hit in page.hits} == {page.collection}
    return page.collection


def ask(searcher: Searcher) -> str:
    return to_generation(searcher.search("red", target="text"))


class Reader(Thread):
    """Asks the same thing again and again."""

    def __init__(self, searcher: Searcher, is_done: Event) -> None:
        super().__init__()
        self.searcher = searcher
        self.is_done = is_done
        self.answered = Event()
        self.pages: list[Page] = []
        self.errors: list[Exception] = []

    def run(self) -> None:
        while not self.is_done.is_set():
            try:
                self.pages.append(self.searcher.search("red", target="text"))
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not be
                self.errors.append(error)
            self.answered.set()

    def await_a_whole_query(self) -> None:
        for _ in range(2):  # the first may have begun before
            self.answered.clear()
            assert self.answered.wait(20)


def test_readers_see_no_error_and_no_mixture_through_many_swaps(engine: Engine) -> None:
    searcher = Searcher.follow(engine, NAME, Loader(), refresh_seconds=0)
    is_done = Event()
    readers = [Reader(searcher, is_done) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for number in range(2, 6):
            for reader in readers:
                reader.await_a_whole_query()
            build(engine, number)
            prune(engine, NAME, keep=0)
        for reader in readers:
            reader.await_a_whole_query()
    finally:
        is_done.set()
        for reader in readers:
            reader.join()
    for reader in readers:
        assert reader.errors == []
        seen = [to_generation(page) for page in reader.pages]
        assert seen == sorted(seen), "nobody goes back"
        assert set(seen) == {f"{NAME}__g00{number}" for number in range(1, 6)}
        assert all(page.collection[-1] == page.model_id[-1] for page in reader.pages)


def test_a_query_keeps_the_generation_it_began_with(
    engine: Engine, searcher: Searcher, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = engine.query_batch_points
    meanwhile: list[str] = []

    def swap_first(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.undo()
        build(engine, 2)
        clock.seconds += 10
        meanwhile.append(ask(searcher))
        return query(*args, **kwargs)

    monkeypatch.setattr(engine, "query_batch_points", swap_first)
    page = searcher.search("red", target="text")
    assert meanwhile == [f"{NAME}__g002"]
    assert to_generation(page) == f"{NAME}__g001"
    assert page.model_id == "turned-1"


def test_one_that_is_removed_between_two_questions_is_asked_nothing_more(
    engine: Engine, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With several passages each modality is asked by itself: both must be of one generation."""
    query = engine.query_points_groups
    asked: list[str] = []

    def query_and_remove(name: str, *args: Any, **kwargs: Any) -> Any:
        answer = query(name, *args, **kwargs)
        asked.append(name[-4:])
        if len(asked) == 1:
            build(engine, 2)
            prune(engine, NAME, keep=0)
        return answer

    monkeypatch.setattr(engine, "query_points_groups", query_and_remove)
    assert to_generation(searcher.search("red", passages=2)) == f"{NAME}__g002"
    assert asked == ["g001", "g002", "g002"]


def test_a_swap_is_noticed_when_the_time_is_up_and_not_before(
    engine: Engine, searcher: Searcher, clock: Clock, loader: Loader
) -> None:
    build(engine, 2)
    clock.seconds += 9.9
    assert ask(searcher) == f"{NAME}__g001"
    clock.seconds += 0.1
    assert ask(searcher) == f"{NAME}__g002"
    assert searcher.collection.name == f"{NAME}__g002"
    assert searcher.encoder.space.model_id == "turned-2"
    roll_back(engine, NAME)
    clock.seconds += 10
    assert ask(searcher) == f"{NAME}__g001"
    assert loader.loaded == ["turned-1", "turned-2", "turned-1"]


def test_a_generation_of_the_same_space_keeps_the_encoder(
    engine: Engine, searcher: Searcher, clock: Clock, loader: Loader
) -> None:
    before = searcher.encoder
    build(engine, 2, model=1)
    clock.seconds += 10
    assert ask(searcher) == f"{NAME}__g002"
    assert searcher.encoder is before
    assert loader.loaded == ["turned-1"]


def test_one_that_is_removed_is_left_at_once(
    engine: Engine, searcher: Searcher, clock: Clock
) -> None:
    assert ask(searcher) == f"{NAME}__g001"
    build(engine, 2)
    prune(engine, NAME, keep=0)
    assert ask(searcher) == f"{NAME}__g002"
    assert clock.seconds == 100


def test_when_the_name_means_nothing_any_more_the_error_says_so(
    engine: Engine, searcher: Searcher
) -> None:
    engine.delete_collection(f"{NAME}__g001")
    with pytest.raises(CollectionMissing, match=NAME):
        ask(searcher)


def test_a_collection_made_anew_under_the_same_name_is_another(
    engine: Engine, searcher: Searcher, clock: Clock
) -> None:
    engine.delete_collection(f"{NAME}__g001")
    assert build(engine, 2) == f"{NAME}__g001"
    clock.seconds += 10
    assert ask(searcher) == f"{NAME}__g001"
    assert searcher.encoder.space.model_id == "turned-2"


def test_without_the_new_model_the_old_generation_goes_on_answering(
    engine: Engine,
    searcher: Searcher,
    clock: Clock,
    loader: Loader,
    caplog: pytest.LogCaptureFixture,
) -> None:
    loader.missing.add("turned-2")
    build(engine, 2)
    with caplog.at_level(logging.WARNING, "search"):
        for _ in range(5):
            clock.seconds += 10
            assert ask(searcher) == f"{NAME}__g001"
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert "turned-2 is not installed" in said[0]
    assert loader.loaded.count("turned-2") == 1
    loader.missing.clear()
    clock.seconds += 600
    assert ask(searcher) == f"{NAME}__g002"


def test_without_the_new_model_and_the_old_generation_the_model_is_named(
    engine: Engine, searcher: Searcher, loader: Loader
) -> None:
    loader.missing.add("turned-2")
    build(engine, 2)
    prune(engine, NAME, keep=0)
    with pytest.raises(ModelUnavailable, match="turned-2"):
        ask(searcher)


def test_a_model_that_does_not_give_the_canary_is_not_taken(
    engine: Engine, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    def load(collection: ConcreteCollection) -> LegibleEncoder:
        encoder = Turned(int(collection.space.model_id[-1]))
        encoder.turn = 1
        return encoder

    searcher = Searcher.follow(engine, NAME, load, refresh_seconds=10, clock=clock)
    build(engine, 2)
    clock.seconds += 10
    with caplog.at_level(logging.WARNING, "search"):
        assert ask(searcher) == f"{NAME}__g001"
    assert "no longer gives the text vectors" in caplog.text


def test_an_outage_while_looking_is_no_error_of_the_query(
    engine: Engine, searcher: Searcher, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise StoreUnavailable("no route")

    build(engine, 2)
    clock.seconds += 10
    with monkeypatch.context() as patch:
        patch.setattr(engine, "get_aliases", fail)
        assert ask(searcher) == f"{NAME}__g001"
    assert ask(searcher) == f"{NAME}__g001"
    clock.seconds += 10
    assert ask(searcher) == f"{NAME}__g002"


def test_while_one_query_loads_the_new_model_others_go_on(
    engine: Engine, clock: Clock, loader: Loader
) -> None:
    is_loading, may_load = Event(), Event()

    def load(collection: ConcreteCollection) -> LegibleEncoder:
        if collection.space.model_id == "turned-2":
            is_loading.set()
            assert may_load.wait(20)
        return loader(collection)

    searcher = Searcher.follow(engine, NAME, load, refresh_seconds=10, clock=clock)
    build(engine, 2)
    clock.seconds += 10
    first: list[str] = []
    looking = Thread(target=lambda: first.append(ask(searcher)))
    looking.start()
    assert is_loading.wait(20)
    assert ask(searcher) == f"{NAME}__g001"
    may_load.set()
    looking.join()
    assert first == [f"{NAME}__g002"]
    assert loader.loaded == ["turned-1", "turned-2"]


def test_a_generation_by_its_own_name_is_not_left(
    engine: Engine, loader: Loader, clock: Clock
) -> None:
    searcher = Searcher.follow(engine, f"{NAME}__g001", loader, clock=clock)
    build(engine, 2)
    clock.seconds += 1000
    assert ask(searcher) == f"{NAME}__g001"
    prune(engine, NAME, keep=0)
    with pytest.raises(CollectionMissing):
        ask(searcher)


def test_a_searcher_made_from_a_pair_stays_with_it(engine: Engine) -> None:
    followed = Searcher.follow(engine, NAME, Loader(), refresh_seconds=0)
    pair = Searcher(engine, followed.collection, followed.encoder)
    build(engine, 2)
    assert ask(followed) == f"{NAME}__g002"
    assert ask(pair) == f"{NAME}__g001"


def test_the_settings_say_how_often() -> None:
    assert load_settings().refresh_seconds == 10
    assert load_settings(refresh_seconds=0).refresh_seconds == 0
    with pytest.raises(SettingsError, match="refresh_seconds"):
        load_settings(refresh_seconds=-1)
