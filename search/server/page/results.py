"""The answer to an address: cards, and what was asked in words that people read."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from schemas.collection import from_payload
from schemas.query import Hit, Page, Target
from schemas.records import Chunk, Modality, Part
from schemas.where import field
from search.filters import to_filter
from search.item import Item
from search.server.page.address import GOOD_PERCENTILE, PAGE_HITS, Address
from search.server.page.cards import Card, to_card, to_file_name
from search.server.service import Service

MOST_FIGURES: Final = 500
"""That are read to find the first of each document."""

MOST_SENTENCES: Final = 6
"""Documents whose best sentence is looked for. Every sentence of theirs is encoded, which takes
some fifty times as long as the search: so the script asks for them when the answer is there."""

PDF: Final = "application/pdf"


@dataclass(frozen=True, slots=True)
class Results:
    """An answer.

    Attributes:
        page: As the search gave it.
        cards: Its hits, best first.
    """

    page: Page
    cards: tuple[Card, ...]

    @property
    def image_count(self) -> int:
        """How many of them are images."""
        return sum(one.is_image for one in self.cards)

    @property
    def text_count(self) -> int:
        """How many of them are passages of documents."""
        return len(self.cards) - self.image_count

    @property
    def is_merged(self) -> bool:
        """Whether both modalities were asked and their answers merged."""
        return self.page.target is Target.ANY


@dataclass(frozen=True, slots=True)
class Named:
    """An item that the address names.

    Attributes:
        point_id: Which.
        title: What it is called.
        is_image: Whether it has a picture of its own.
        is_liked: Whether it is wanted, or not.
    """

    point_id: str
    title: str
    is_image: bool
    is_liked: bool


async def read_results(service: Service, address: Address, cursor: str | None = None) -> Results:
    """Search for what an address asks.

    Args:
        service: Answers.
        address: With a query.
        cursor: Of the page before.

    Raises:
        DiptychError: As :meth:`search.server.service.Service.search` does; UploadMissing.
    """
    image = await _read_upload(service, address)
    page = await service.search(
        address.to_composition(image),
        target=address.target,
        where=address.to_where(),
        top_k=PAGE_HITS if cursor else min(address.shown, service.settings.serve.max_top_k),
        min_percentile=GOOD_PERCENTILE if address.is_strict else None,
        sort=address.order,
        cursor=cursor,
    )
    figures = await asyncio.to_thread(find_figures, service, page.hits)
    return Results(page, to_cards(page.hits, address.text, figures))


async def read_sentences(service: Service, address: Address) -> Results:
    """The first documents of the answer to an address, with the sentence that matched best.

    Raises:
        DiptychError: As :func:`read_results` does.
    """
    image = await _read_upload(service, address)
    page = await service.search(
        address.to_composition(image),
        target=Target.TEXT,
        where=address.to_where(),
        top_k=MOST_SENTENCES,
        min_percentile=GOOD_PERCENTILE if address.is_strict else None,
        sort=address.order,
        highlights=True,
    )
    return Results(page, to_cards(page.hits, address.text, {}))


async def read_best_sentence(
    service: Service, item: Item, query_text: str
) -> tuple[int, int] | None:
    """Start and end of a passage's sentence that is nearest to words; None where there is none.

    Raises:
        DiptychError: As :meth:`search.server.service.Service.search` does.
    """
    if not query_text or item.modality is not Modality.TEXT:
        return None
    page = await service.search(
        Address(text=query_text).to_composition(),
        target=Target.TEXT,
        where=[
            field("source_uri") == item.source_uri,
            field("chunk_ordinal") == item.chunk_ordinal,
        ],
        top_k=1,
        highlights=True,
    )
    found = page.hits[0].highlight if page.hits else None
    return (found.start, found.end) if found else None


async def read_similar(service: Service, point_id: str, target: Target, top_k: int) -> list[Card]:
    """The items of one modality that are nearest to a point.

    Raises:
        DiptychError: As :meth:`search.server.service.Service.search` does.
    """
    query = Address(liked=(point_id,)).to_composition()
    page = await service.search(query, target=target, top_k=top_k)
    figures = await asyncio.to_thread(find_figures, service, page.hits)
    return list(to_cards(page.hits, "", figures))


def to_cards(hits: tuple[Hit, ...], query_text: str, figures: dict[str, str]) -> tuple[Card, ...]:
    """Cards of hits.

    Args:
        hits: Best first.
        query_text: The words that were looked for.
        figures: The first figure's point id by source URI.
    """
    return tuple(to_card(hit, query_text, _find_picture(hit, figures)) for hit in hits)


def find_figures(service: Service, hits: tuple[Hit, ...]) -> dict[str, str]:
    """The point id of the first figure of each document that has any, by source URI.

    Raises:
        StoreError: The store failed.
    """
    uris = {hit.source_uri for hit in hits if hit.modality is Modality.TEXT}
    if not uris:
        return {}
    wanted = to_filter(
        Modality.IMAGE, [field("part") == str(Part.FIGURE), field("source_uri").one_of(*uris)]
    )
    points, _ = service.engine.scroll(
        service.collection_name,
        wanted,
        limit=MOST_FIGURES,
        with_payload=["source_uri", "chunk_ordinal"],
    )
    said = [((one.payload or {}), str(one.id)) for one in points]
    last_first = sorted(said, key=lambda one: -one[0]["chunk_ordinal"])
    return {payload["source_uri"]: point_id for payload, point_id in last_first}


async def read_named(service: Service, address: Address) -> list[Named]:
    """The items that an address names, those that are wanted first; unknown ones by their id.

    Raises:
        StoreError: The store failed.
    """
    ids = [*address.liked, *address.disliked]
    found = await asyncio.to_thread(_read_chunks, service, ids)
    liked = set(address.liked)
    return [
        Named(
            point_id=one,
            title=to_chunk_title(found[one]) if one in found else one,
            is_image=one in found and found[one].modality is Modality.IMAGE,
            is_liked=one in liked,
        )
        for one in ids
    ]


def read_samples(service: Service, count: int) -> list[Named]:
    """Some images of the collection, others each time.

    Raises:
        StoreError: The store failed.
    """
    wanted = to_filter(Modality.IMAGE, None)
    points, _ = service.engine.scroll(
        service.collection_name, wanted, limit=count, offset=str(uuid4())
    )
    if len(points) < count:  # it began near the end
        points, _ = service.engine.scroll(service.collection_name, wanted, limit=count)
    return [
        Named(
            point_id=str(one.id),
            title=to_chunk_title(from_payload(one.payload or {})),
            is_image=True,
            is_liked=True,
        )
        for one in points
    ]


def to_chunk_title(chunk: Chunk) -> str:
    """What an item is called."""
    return chunk.title or to_file_name(chunk.record.source_uri)


async def _read_upload(service: Service, address: Address) -> bytes | None:
    if address.upload is None:
        return None
    return await asyncio.to_thread(service.uploads.read, address.upload)


def _read_chunks(service: Service, ids: list[str]) -> dict[str, Chunk]:
    known = [one for one in ids if _is_id(one)]
    if not known:
        return {}
    points = service.engine.retrieve(service.collection_name, known)
    return {str(one.id): from_payload(one.payload or {}) for one in points}


def _is_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _find_picture(hit: Hit, figures: dict[str, str]) -> str | None:
    if hit.part is Part.CAPTION or hit.media_type == PDF:
        return hit.point_id
    return figures.get(hit.source_uri)
