"""A service that is opened when something is asked of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.settings import Settings
    from search.server.service import Service


class LazyService:
    """Opens the index at the first call, so that whoever starts the process need not wait for it.

    Args:
        settings: Index and collection.
    """

    def __init__(self, settings: Settings) -> None:
        """Open nothing."""
        self._settings = settings
        self._opening = asyncio.Lock()
        self._service: Service | None = None

    async def get(self) -> Service:
        """The open service; what could not be opened is tried again by the next call.

        Raises:
            DiptychError: As :meth:`search.server.service.Service.open` does.
        """
        async with self._opening:
            if self._service is None:
                from search.server.service import Service

                self._service = await Service.open(self._settings)
            return self._service

    async def close(self) -> None:
        """Let go of what was opened."""
        if self._service is not None:
            await self._service.close()
