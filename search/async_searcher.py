"""The searcher for asyncio: the same answers, without blocking the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Any, Self, Unpack

    from schemas.query import Page
    from search.composition import QueryLike
    from search.options import SearchOptions
    from search.searcher import Searcher

    P = ParamSpec("P")
    T = TypeVar("T")

CONCURRENCY: Final = 8
"""Searches at a time. Encoding uses the processor, waiting for a server does not: more of them than
cores keep both busy, many more only compete."""


class AsyncSearcher:
    """Searches from coroutines of one event loop.

    Each search runs in a thread of a pool, because encoders are not asynchronous; numpy, ONNX
    Runtime and torch let other threads run meanwhile. Further searches wait for their turn, in
    order. Cancelling one that waits takes it out; one that runs is finished and its answer dropped.

    Args:
        searcher: Answers; closed by :meth:`close`.
        concurrency: How many searches run at a time; the others wait.

    Raises:
        ValueError: The concurrency is below 1.
    """

    def __init__(self, searcher: Searcher, *, concurrency: int = CONCURRENCY) -> None:
        """Start no thread yet."""
        self._searcher = searcher
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="diptych-search")

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
            DiptychError: As documented there.
        """
        return await self._run(self._searcher.search, query, **options)

    async def search_batch(
        self, queries: Iterable[QueryLike], **options: Unpack[SearchOptions]
    ) -> list[Page]:
        """A page for each query; see :meth:`search.searcher.Searcher.search_batch`.

        Raises:
            DiptychError: As documented there.
        """
        return await self._run(self._searcher.search_batch, queries, **options)

    async def close(self) -> None:
        """Finish what runs, then let go of the store; closing twice is harmless."""
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

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(call, *args, **kwargs))
