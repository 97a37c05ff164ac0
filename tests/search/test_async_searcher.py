from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from ingest.store.collections import resolve_collection
from schemas.errors import CollectionMissing, EmptyQuery, StoreRejected, StoreUnavailable
from schemas.query import Page
from schemas.space import Role
from search.async_searcher import AsyncSearcher
from search.searcher import Searcher

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.store.engine import Engine
    from tests.legible import LegibleEncoder


class SlowEncoder:
    """Waits for all of a number of searches to be inside it, and notes how many were at most."""

    def __init__(self, encoder: LegibleEncoder, parties: int) -> None:
        self._encoder = encoder
        self._barrier = threading.Barrier(parties)
        self._lock = threading.Lock()
        self.inside = self.most = 0
        self.waits = False
        self.entered = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode_texts(self, texts: Any, role: Any) -> Any:
        if not self.waits:
            return self._encoder.encode_texts(texts, role)
        self.entered.set()
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self._barrier.wait(timeout=30)
        with self._lock:
            self.inside -= 1
        return self._encoder.encode_texts(texts, role)


def test_many_searches_in_flight_answer_as_one_by_one(
    engine: Engine, encoder: LegibleEncoder
) -> None:
    queries = [("red", "green", "blue", "black")[number % 4] for number in range(64)]
    searcher = Searcher(engine, resolve_collection(engine, "colours"), encoder)
    expected = [searcher.search(query, target="image").hits for query in queries]

    async def ask() -> list[Any]:
        async with AsyncSearcher(searcher) as found:
            pages = await asyncio.gather(*(found.search(q, target="image") for q in queries))
            batch = await found.search_batch(queries, target="image")
            assert [page.hits for page in batch] == [page.hits for page in pages]
        return [page.hits for page in pages]

    assert asyncio.run(ask()) == expected


def test_no_more_run_at_a_time_than_the_limit(engine: Engine, encoder: LegibleEncoder) -> None:
    slow = SlowEncoder(encoder, parties=3)
    searcher = Searcher(engine, resolve_collection(engine, "colours"), slow)
    searcher.search("red")  # its canary is compared
    slow.waits = True

    async def ask() -> None:
        async with AsyncSearcher(searcher, concurrency=3) as found:
            # Options that differ keep the searches from being asked together.
            await asyncio.gather(*(found.search("red", top_k=k) for k in range(1, 13)))

    asyncio.run(ask())
    assert slow.most == 3


def test_the_loop_runs_on_and_a_cancelled_search_harms_no_other(
    engine: Engine, encoder: LegibleEncoder
) -> None:
    slow = SlowEncoder(encoder, parties=2)
    searcher = Searcher(engine, resolve_collection(engine, "colours"), slow)
    searcher.search("red")
    slow.waits = True

    async def ask() -> int:
        async with AsyncSearcher(searcher, concurrency=2) as found:
            first = asyncio.create_task(found.search("red"))
            await asyncio.to_thread(slow.entered.wait, 30)  # only a free loop gets here
            first.cancel()
            page = await found.search("red", target="image")
            with pytest.raises(asyncio.CancelledError):
                await first
        return len(page.hits)

    assert asyncio.run(ask()) == 4


def test_errors_are_those_of_the_searcher(
    engine: Engine, encoder: LegibleEncoder, tmp_path: Path
) -> None:
    async def ask() -> None:
        searcher = Searcher(engine, resolve_collection(engine, "colours"), encoder)
        async with AsyncSearcher(searcher) as found:
            with pytest.raises(EmptyQuery):
                await found.search(" ")
        await found.close()
        for asked in (found.search("red"), found.search_batch(["red"]), found.facets("modality")):
            with pytest.raises(StoreRejected, match="this searcher is closed"):
                await asked
        with pytest.raises(CollectionMissing):
            await AsyncSearcher.open(str(tmp_path / "none"))

    asyncio.run(ask())


class CountingSearcher:
    """A searcher that notes which queries it is asked together, each call held up."""

    def __init__(self, searcher: Searcher, error: Exception | None = None) -> None:
        self._searcher = searcher
        self._error = error
        self.asked: list[list[str]] = []
        self.turns = threading.Semaphore(0)

    def search_batch(self, queries: Any, **options: Any) -> Any:
        self.asked.append(queries)
        self.turns.acquire(timeout=30)
        if self._error and len(self.asked) > 1:
            raise self._error
        return self._searcher.search_batch(queries, **options)

    def close(self) -> None:
        self._searcher.close()


def ask_behind_the_first(
    counting: CountingSearcher, queries: list[str], cancelled: int, **options: Any
) -> Any:
    """The answers of queries asked together behind another one; some are cancelled meanwhile."""

    async def ask() -> Any:
        async with AsyncSearcher(counting, concurrency=1) as found:  # type: ignore[arg-type]
            first = asyncio.create_task(found.search("red"))
            waiting = [asyncio.create_task(found.search(query, **options)) for query in queries]
            await asyncio.sleep(0)
            counting.turns.release()
            await first
            while len(counting.asked) == 1:  # noqa: ASYNC110 - no event tells of it
                await asyncio.sleep(0.001)
            for one in waiting[:cancelled]:
                one.cancel()
            counting.turns.release(1 + len(queries))
            return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(ask())


def test_an_outage_is_waited_for_once(engine: Engine, encoder: LegibleEncoder) -> None:
    searcher = Searcher(engine, resolve_collection(engine, "colours"), encoder)
    counting = CountingSearcher(searcher, StoreUnavailable("gone"))
    answers = ask_behind_the_first(counting, ["green", "blue", "black"], cancelled=0)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
    assert counting.asked == [["red"], ["green", "blue", "black"]]


def test_a_query_at_fault_fails_alone_and_a_cancelled_one_is_not_asked_again(
    engine: Engine, encoder: LegibleEncoder
) -> None:
    searcher = Searcher(engine, resolve_collection(engine, "colours"), encoder)
    counting = CountingSearcher(searcher)
    answers = ask_behind_the_first(counting, ["green", " ", "blue"], cancelled=1)
    assert [type(answer) for answer in answers] == [asyncio.CancelledError, EmptyQuery, Page]
    assert counting.asked == [["red"], ["green", " ", "blue"], [" "], ["blue"]]


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"target": "text"}, [["green", "blue"]]),
        ({"collapse": "exact"}, [["green"], ["blue"]]),
        ({"diversity": 0.5}, [["green"], ["blue"]]),
        ({"sort": "-taken_at"}, [["green"], ["blue"]]),
    ],
    ids=str,
)
def test_searches_that_hold_a_pool_of_vectors_are_asked_alone(
    engine: Engine, encoder: LegibleEncoder, options: dict[str, Any], asked: list[list[str]]
) -> None:
    searcher = Searcher(engine, resolve_collection(engine, "colours"), encoder)
    counting = CountingSearcher(searcher)
    answers = ask_behind_the_first(counting, ["green", "blue"], cancelled=0, **options)
    assert [type(answer) for answer in answers] == [Page] * 2
    assert counting.asked == [["red"], *asked]


def test_a_limit_below_one_is_refused(engine: Engine, encoder: LegibleEncoder) -> None:
    searcher = Searcher(engine, resolve_collection(engine, "colours"), encoder)
    with pytest.raises(ValueError, match="greater than 0"):
        AsyncSearcher(searcher, concurrency=0)


def test_closing_leaves_nobody_waiting(engine: Engine, encoder: LegibleEncoder) -> None:
    slow = SlowEncoder(encoder, parties=2)
    searcher = Searcher(engine, resolve_collection(engine, "colours"), slow)
    searcher.search("red")
    slow.waits = True

    async def ask() -> tuple[Any, Any]:
        found = AsyncSearcher(searcher, concurrency=1)
        running = asyncio.create_task(found.search_batch(["red"]))
        await asyncio.to_thread(slow.entered.wait, 30)
        queued = asyncio.create_task(found.search("red"))
        await asyncio.sleep(0)
        closing = asyncio.create_task(found.close())
        while not found._pool._shutdown:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.001)
        await asyncio.to_thread(slow.encode_texts, ["red"], Role.QUERY)  # the running one goes on
        await closing
        together = asyncio.gather(running, queued, return_exceptions=True)
        return await asyncio.wait_for(together, 30)

    ran, dropped = asyncio.run(ask())
    assert len(ran) == 1
    assert isinstance(dropped, asyncio.CancelledError)
