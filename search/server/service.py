"""What the routes ask: one index, one loaded model."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from schemas.query import Composition, Term
from search.async_searcher import AsyncSearcher
from search.composition import to_composition
from search.server.bounds import check_amount
from search.server.gate import Gate
from search.server.images import ImageDecoder
from search.server.metrics import Metrics
from search.server.uploads import UploadStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self, Unpack

    from ingest.store.engine import Engine
    from schemas.query import Page
    from schemas.settings import Settings
    from schemas.space import Encoder
    from search.composition import QueryLike
    from search.facets import FacetOptions, Facets
    from search.item import Item
    from search.options import SearchOptions
    from search.pictures import Original
    from search.searcher import Searcher
    from search.server.answers import ServerStatus
    from search.server.syncing import Syncing
    from search.space_map import SpaceMap
    from search.thumbnail import Thumbnail

    P = ParamSpec("P")
    T = TypeVar("T")

MAP_SECONDS: Final = 60.0
"""A map changes with a run, and takes reading some thousand vectors."""

PICTURES_AT_ONCE: Final = 4
"""Threads that read originals and thumbnails, so that a search never waits for a disk."""

PICTURES_WAITING: Final = 256
"""A page asks for a few dozen at once."""


class Service:
    """The open index behind the routes.

    Args:
        searcher: Answers; closed by :meth:`close`.
        settings: How it was opened.
        metrics: Are told.

    Attributes:
        settings: As given.
        metrics: As given.
        searches: Those that run or wait.
        images: Decodes what was sent.
        uploads: Query images that are kept.
        syncing: Runs the server's own synchronisations, once there are any.
    """

    syncing: Syncing | None = None

    def __init__(
        self, searcher: AsyncSearcher, settings: Settings, metrics: Metrics | None = None
    ) -> None:
        """Take over the searcher."""
        from ingest.encoders.graph_cache import cache_folder

        serve = settings.serve
        self._searcher = searcher
        self.settings = settings
        self.metrics = metrics or Metrics()
        self.searches = Gate(serve.max_searches, "searches")
        self.images = ImageDecoder(settings)
        self.uploads = UploadStore(
            cache_folder() / "uploads",
            keep_seconds=serve.upload_seconds,
            most_bytes=serve.max_uploads_bytes,
        )
        self._map: tuple[str, float, SpaceMap | None] | None = None
        self._mapping = asyncio.Lock()
        self._pictures = Gate(PICTURES_WAITING, "pictures")
        self._readers = ThreadPoolExecutor(PICTURES_AT_ONCE, thread_name_prefix="diptych-pictures")
        self.metrics.searches.set_function(lambda: self.searches.count)

    @classmethod
    async def open(
        cls,
        settings: Settings,
        *,
        searcher: Searcher | None = None,
        metrics: Metrics | None = None,
    ) -> Self:
        """Open the index of the settings with the encoder of its collection.

        Args:
            settings: Index, collection, limits.
            searcher: An open one, closed by :meth:`close`; by default the settings' own.
            metrics: Are told.

        Raises:
            DiptychError: As :meth:`search.searcher.Searcher.open` does.
        """
        from search.server.opening import open_searcher

        metrics = metrics or Metrics()
        if searcher is None:
            searcher = await asyncio.to_thread(open_searcher, settings, metrics)
        return cls(AsyncSearcher(searcher), settings, metrics)

    @property
    def engine(self) -> Engine:
        """The store, for calls from threads."""
        return self._searcher.searcher.engine

    @property
    def encoder(self) -> Encoder:
        """The encoder in use now."""
        return self._searcher.searcher.encoder

    @property
    def collection_name(self) -> str:
        """The concrete collection that answers now."""
        return self._searcher.searcher.collection.name

    async def search(self, query: QueryLike, **options: Unpack[SearchOptions]) -> Page:
        """A page of hits; encoded images are decoded in worker processes first.

        Raises:
            ServerBusy: There are too many already.
            TimeoutError: It took too long.
            DiptychError: As :meth:`search.searcher.Searcher.search` does.
        """
        composition = to_composition(query)
        check_amount([composition])
        with self.searches.turn():
            async with asyncio.timeout(self.settings.serve.request_seconds):
                page = await self._searcher.search(await self._to_decoded(composition), **options)
        return self._to_public(page)

    async def search_batch(
        self, queries: list[Composition], **options: Unpack[SearchOptions]
    ) -> list[Page]:
        """A page for each query.

        Raises:
            DiptychError: As :meth:`search` does.
        """
        check_amount(queries)
        with self.searches.turn():
            async with asyncio.timeout(self.settings.serve.request_seconds):
                decoded = [await self._to_decoded(query) for query in queries]
                pages = await self._searcher.search_batch(decoded, **options)
        return [self._to_public(page) for page in pages]

    async def facets(self, field: str, **options: Unpack[FacetOptions]) -> Facets:
        """Counts by value.

        Raises:
            DiptychError: As :meth:`search.searcher.Searcher.facets` does, and as :meth:`search`.
        """
        with self.searches.turn():
            async with asyncio.timeout(self.settings.serve.request_seconds):
                return await self._searcher.facets(field, **options)

    async def item(self, point_id: str) -> Item:
        """What the collection knows of a point.

        Raises:
            PointMissing: It has none of that id.
            DiptychError: As :meth:`search` does.
        """
        with self.searches.turn():
            async with asyncio.timeout(self.settings.serve.request_seconds):
                item = await self._searcher.item(point_id)
        if self.settings.serve.show_locations:
            return item
        return replace(item, location=item.source_uri)

    async def thumbnail(self, point_id: str, side_pixels: int) -> Thumbnail:
        """A small picture of a point; see :func:`search.thumbnail.to_thumbnail`.

        Raises:
            DiptychError: As documented there; ServerBusy.
        """
        from search.thumbnail import to_thumbnail

        return await self._read(
            to_thumbnail, self.engine, self.collection_name, point_id, side_pixels,
            settings=self.settings,
        )  # fmt: skip

    async def original(self, point_id: str) -> Original:
        """The bytes behind a point; see :func:`search.pictures.read_original`.

        Raises:
            DiptychError: As documented there; ServerBusy.
        """
        from search.pictures import read_original

        return await self._read(
            read_original, self.engine, self.collection_name, point_id, settings=self.settings
        )

    async def status(self) -> ServerStatus:
        """The collection as it stands, counted at most a few seconds ago.

        Raises:
            DiptychError: As :func:`ingest.status.read.read_status` does.
        """
        from search.server.status import read_server_status

        return await self._read(read_server_status, self)

    async def space_map(self) -> SpaceMap | None:
        """The collection on a plane; None where it has none. Kept for a minute.

        Raises:
            DiptychError: As :func:`search.space_map.read_map` does; ServerBusy.
        """
        from search.space_map import read_map

        now, name = asyncio.get_running_loop().time(), self.collection_name
        async with self._mapping:  # whoever comes meanwhile takes what the first one finds
            if self._map is None or self._map[:1] != (name,) or self._map[1] < now:
                found = await self._read(read_map, self.engine, name)
                self._map = name, now + MAP_SECONDS, found
            return self._map[2]

    async def has_item(self, source_uri: str) -> bool:
        """Whether an item has a point.

        Raises:
            StoreError: The store failed.
        """
        from schemas.collection import source_filter

        found = await self._read(self.engine.count, self.collection_name, source_filter(source_uri))
        return found.count > 0

    async def prove(self) -> None:
        """Ask the index, and compare the encoder with its canary.

        Raises:
            DiptychError: Searches cannot be answered now.
        """
        await asyncio.get_running_loop().run_in_executor(self._readers, self._prove)

    async def close(self) -> None:
        """Finish what runs and let go of the store."""
        if self.syncing is not None:
            await asyncio.to_thread(self.syncing.close)
        await asyncio.to_thread(self._readers.shutdown, cancel_futures=True)
        await asyncio.to_thread(self.images.close)
        await self._searcher.close()

    async def _read(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something that reads files, in a thread."""
        loop = asyncio.get_running_loop()
        with self._pictures.turn():
            async with asyncio.timeout(self.settings.serve.request_seconds):
                return await loop.run_in_executor(self._readers, partial(call, *args, **kwargs))

    def _prove(self) -> None:
        self.engine.read_metadata(self.collection_name)
        self._searcher.searcher.prove()

    async def _to_decoded(self, query: Composition) -> Composition:
        side_pixels = self.encoder.space.image_size_pixels
        terms = []
        for term in query.terms:
            if isinstance(term.query.image, bytes):
                image = await self.images.decode(term.query.image, side_pixels)
                term = Term(replace(term.query, image=image), term.weight)  # noqa: PLW2901
            terms.append(term)
        return Composition(tuple(terms))

    def _to_public(self, page: Page) -> Page:
        """Without where things lie on this machine, unless the settings say otherwise."""
        if self.settings.serve.show_locations:
            return page
        return replace(page, hits=tuple(replace(hit, location=hit.source_uri) for hit in page.hits))
