"""Thumbnails for the answers of the MCP server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from schemas.errors import QueryError, ServerBusy, SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from search.server.service import Service
    from search.thumbnail import Thumbnail

SIDE_PIXELS: Final = 256
"""Of the pictures beside hits: what is on them can be told, and twenty are 400 kB."""


async def read_pictures(
    service: Service, point_ids: Sequence[str], side_pixels: int
) -> dict[str, Thumbnail]:
    """Thumbnails by point id.

    An image has none whose file is gone or damaged, or when too many pictures are asked for.

    Raises:
        StoreError: The store failed.
    """
    found = await asyncio.gather(*(_read(service, one, side_pixels) for one in point_ids))
    return {
        name: picture for name, picture in zip(point_ids, found, strict=True) if picture is not None
    }


async def _read(service: Service, point_id: str, side_pixels: int) -> Thumbnail | None:
    try:
        return await service.thumbnail(point_id, side_pixels)
    except (SourceError, QueryError, ServerBusy, TimeoutError):
        return None
