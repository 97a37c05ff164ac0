"""What the routes ask: one index, one loaded model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from search.async_searcher import AsyncSearcher

if TYPE_CHECKING:
    from typing import Self, Unpack

    from ingest.store.engine import Engine
    from schemas.query import Composition, Page
    from schemas.settings import Settings
    from search.facets import FacetOptions, Facets
    from search.options import SearchOptions


class Service:
    """The open index behind the routes.

    Args:
        searcher: Answers; closed by :meth:`close`.
        settings: How it was opened.
    """

    def __init__(self, searcher: AsyncSearcher, settings: Settings) -> None:
        """Take over the searcher."""
        self._searcher = searcher
        self.settings = settings

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Open the index of the settings and load the encoder of its collection.

        Raises:
            DiptychError: As :meth:`search.searcher.Searcher.open` does.
        """
        return cls(await AsyncSearcher.open(settings=settings), settings)

    @property
    def engine(self) -> Engine:
        """The store, for calls from threads."""
        return self._searcher.searcher.engine

    @property
    def collection_name(self) -> str:
        """The concrete collection that answers now."""
        return self._searcher.searcher.collection.name

    async def search(self, query: Composition, **options: Unpack[SearchOptions]) -> Page:
        """A page of hits.

        Raises:
            DiptychError: As :meth:`search.searcher.Searcher.search` does.
        """
        return await self._searcher.search(query, **options)

    async def facets(self, field: str, **options: Unpack[FacetOptions]) -> Facets:
        """Counts by value.

        Raises:
            DiptychError: As :meth:`search.searcher.Searcher.facets` does.
        """
        return await self._searcher.facets(field, **options)

    async def close(self) -> None:
        """Finish what runs and let go of the store."""
        await self._searcher.close()
