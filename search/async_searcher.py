"""The searcher for asyncio: the same answers, without blocking the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, ParamSpec, TypeVar

from schemas.errors import StoreRejected
from search.each import OF_ONE_QUERY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Any, Self, Unpack

    from schemas.query import Page
    from search.composition import QueryLike
    from search.facets import FacetOptions, Facets
    from search.item import Item
    from search.options import SearchOptions
    from search.searcher import Searcher

    P = ParamSpec("P")
    T = TypeVar("T")

CONCURRENCY: Final = 4
"""Batches at a time. Encoding uses the processor, waiting for a server does not: a few more than
cores keep both busy, many more only compete."""

MOST_IN_BATCH: Final = 16
"""Searches that wait are asked together, as many as are encoded in one call."""

ALONE: Final = ("cursor", "collapse", "rerank", "diversity", "sort")
"""Options of searches that are never asked together. A cursor belongs to one query; what the
others work over comes with its vectors, some 25 MB for a pool of a thousand."""


class _Waiting(NamedTuple):
    """A search whose turn has not come."""

    query: QueryLike
    options: SearchOptions
    answer: asyncio.Future[Page]


class AsyncSearcher:
    """Searches from coroutines of one event loop.

    A search runs in a thread of a pool, because encoders are not asynchronous; numpy, ONNX Runtime
    and torch let other threads run meanwhile. While all threads are busy, searches wait in order;
    those with the same options are then asked together, as by :meth:`search_batch`, which takes
    less than one by one. One that cannot be answered fails alone. Cancelling one that waits takes
    it out; one that runs is finished and its answer dropped.

    Args:
        searcher: Answers; closed by :meth:`close`.
        concurrency: How many threads there are.

    Raises:
        ValueError: The concurrency is below 1.
    """

    def __init__(self, searcher: Searcher, *, concurrency: int = CONCURRENCY) -> None:
        """Start no thread yet."""
        self._searcher = searcher
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="diptych-search")
        self._free = concurrency
        self._waiting: deque[_Waiting] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @classmethod
    async def open(cls, *args: Any, concurrency: int = CONCURRENCY, **kwargs: Any) -> Self:  # noqa: ANN401 - as documented
        """Open a collection as :meth:`search.searcher.Searcher.open` does, with its arguments.

        Raises:
            DiptychError: As documented there.
        """
        from search.searcher import Searcher

        searcher = await asyncio.to_thread(Searcher.open, *args, **kwargs)
        return cls(searcher, concurrency=concurrency)

    @property
    def searcher(self) -> Searcher:
        """The searcher that answers, for calls that need not be awaited."""
        return self._searcher

    async def search(self, query: QueryLike, **options: Unpack[SearchOptions]) -> Page:
        """The nearest items of the collection; see :meth:`search.searcher.Searcher.search`.

        Raises:
            StoreRejected: The searcher is closed.
            DiptychError: As documented there.
        """
        answer: asyncio.Future[Page] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(query, options, answer))
        self._start()
        return await answer

    async def search_batch(
        self, queries: Iterable[QueryLike], **options: Unpack[SearchOptions]
    ) -> list[Page]:
        """A page for each query; see :meth:`search.searcher.Searcher.search_batch`.

        Raises:
            DiptychError: As documented there.
        """
        return await self._run(self._searcher.search_batch, queries, **options)

    async def facets(self, field: str, **options: Unpack[FacetOptions]) -> Facets:
        """Counts by value; see :meth:`search.searcher.Searcher.facets`.

        Raises:
            DiptychError: As documented there.
        """
        return await self._run(self._searcher.facets, field, **options)

    async def item(self, point_id: str) -> Item:
        """What the collection knows of a point; see :meth:`search.searcher.Searcher.item`.

        Raises:
            DiptychError: As documented there.
        """
        return await self._run(self._searcher.item, point_id)

    async def close(self) -> None:
        """Finish what runs, drop what waits, let go of the store; closing twice is harmless."""
        self._is_closed = True
        while self._waiting:
            self._waiting.popleft().answer.cancel()
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
        await asyncio.to_thread(self._searcher.close)

    async def __aenter__(self) -> Self:
        """Itself, to be closed at the end of the block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    def _start(self) -> None:
        """Give waiting searches to free threads."""
        while self._free and (batch := self._take()):
            self._free -= 1
            task = asyncio.get_running_loop().create_task(self._answer(batch))
            self._running.add(task)  # the loop itself would not keep it
            task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._free += 1
        self._start()

    def _take(self) -> list[_Waiting]:
        """The first that waits, with those behind it that have the same options."""
        wanted = [one for one in self._waiting if not one.answer.done()]
        same = [one for one in wanted if repr(one.options) == repr(wanted[0].options)]
        same = same[:MOST_IN_BATCH]  # by repr: True, 1 and 1.0 are equal, and other conditions
        if same and not _is_joined(same[0].options):
            same = same[:1]
        taken = set(map(id, same))
        self._waiting = deque(one for one in wanted if id(one) not in taken)
        return same

    async def _answer(self, batch: list[_Waiting]) -> None:
        """Ask together; where one cannot be answered, one by one."""
        try:
            queries = [one.query for one in batch]
            pages = await self._run(self._searcher.search_batch, queries, **batch[0].options)
        except asyncio.CancelledError:  # closed before its turn in the pool came
            for one in batch:
                one.answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whoever waits for it raises it
            if len(batch) > 1 and isinstance(error, OF_ONE_QUERY):
                await self._answer_each(batch)
            else:
                for one in batch:
                    _fail(one.answer, error)
            return
        for one, page in zip(batch, pages, strict=True):
            if not one.answer.done():
                one.answer.set_result(page)

    async def _answer_each(self, batch: list[_Waiting]) -> None:
        """One by one, without those that nobody waits for any more."""
        for one in batch:
            if not one.answer.done():
                await self._answer([one])

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._is_closed:
            raise StoreRejected("this searcher is closed; open another one")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(call, *args, **kwargs))


def _is_joined(options: SearchOptions) -> bool:
    """Whether searches with these options, which nobody has checked yet, may be asked together."""
    return not any(options.get(name) for name in ALONE)


def _fail(answer: asyncio.Future[Page], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
