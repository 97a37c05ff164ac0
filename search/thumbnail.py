"""Thumbnails of hits, kept on disk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Final

from schemas.errors import QueryError
from search.pictures import AT_ONCE, draw_point, read_chunk, to_etag
from search.thumbnail_cache import ThumbnailCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.store.engine import Engine
    from schemas.query import Hit
    from schemas.records import Chunk
    from schemas.settings import Settings

LEAST_PIXELS: Final = 64
MOST_PIXELS: Final = 1024
MEDIA_TYPE: Final = "image/webp"

_FORM = 2
"""Part of every key; another number forgets all thumbnails."""

_QUALITY = 70
"""A fifth smaller than at 80, and at these sizes nobody sees it."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture of a hit.

    Attributes:
        content: A WebP file: upright, without metadata.
        media_type: Of it.
        etag: Strong, without quotes: it differs where the indexed item or the size does.
    """

    content: bytes
    media_type: str
    etag: str


def to_thumbnail(
    engine: Engine,
    collection_name: str,
    point_id: str,
    side_pixels: int = 320,
    *,
    settings: Settings,
    kept: ThumbnailCache | None = None,
) -> Thumbnail:
    """A picture of a point: an image, a frame of it, a figure, or the page of a passage in a PDF.

    Of a caption it is that of its image. What is kept on disk goes by the indexed content, so a
    picture stays to be had when its file is gone. Safe to call from several threads: two pictures
    are made at once, the others wait.

    Args:
        engine: Where the collection is.
        collection_name: Its own name or an alias.
        point_id: Of a hit.
        side_pixels: Of the longer side, at most; from 64 to 1024. Nothing is enlarged.
        settings: Limits, how is decoded, and the options of file systems.
        kept: Where thumbnails are kept; None for ``thumbnails`` in the user's cache folder for
            Diptych, or in ``DIPTYCH_CACHE_DIR``.

    Raises:
        QueryError: The side is out of bounds.
        PointMissing: The collection has no such point.
        UnsupportedFormat: It is a text without pages, which has no picture.
        SourceChanged: Its item is not what was indexed.
        UnreadableSource: The item is gone, or its root is.
        SourceTooLarge: It is over a limit.
        DecodeError: It is damaged, or took too long.
        SourceUnavailable: What its root lies on does not answer.
        DecoderUnavailable: No worker process can be started.
        StoreError: The store failed.
    """
    if not LEAST_PIXELS <= side_pixels <= MOST_PIXELS:
        raise QueryError(
            f"side: a thumbnail has {LEAST_PIXELS} to {MOST_PIXELS} pixels, not {side_pixels}"
        )
    chunk = read_chunk(engine, collection_name, point_id)
    etag = to_etag(chunk, _FORM, side_pixels)
    kept = kept or open_cache()
    content = kept.read(etag)
    if content is None:
        with AT_ONCE:
            content = kept.read(etag) or _make(
                engine, collection_name, chunk, side_pixels, settings
            )
            kept.write(etag, content)
    return Thumbnail(content, MEDIA_TYPE, etag)


def to_look(
    engine: Engine, collection_name: str, settings: Settings
) -> Callable[[Hit, int], bytes]:
    """What gives contact sheets the pictures of hits; see :func:`search.sheet.write_sheets`."""

    def look(hit: Hit, side_pixels: int) -> bytes:
        return to_thumbnail(
            engine, collection_name, hit.point_id, side_pixels, settings=settings
        ).content

    return look


def open_cache() -> ThumbnailCache:
    """The cache that is used where none is given."""
    from ingest.encoders.graph_cache import cache_folder

    return _open_cache(str(cache_folder()))


@cache
def _open_cache(folder: str) -> ThumbnailCache:
    from pathlib import Path

    return ThumbnailCache(Path(folder) / "thumbnails")


def _make(
    engine: Engine, collection_name: str, chunk: Chunk, side_pixels: int, settings: Settings
) -> bytes:
    image = draw_point(engine, collection_name, chunk, side_pixels, settings=settings)
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=_QUALITY)
    return buffer.getvalue()
