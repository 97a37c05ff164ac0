"""The application: routes, errors, and the service that lives as long as it does."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

from search.server.mcp_http import add_mcp
from search.server.problems import add_problem_handlers
from search.server.search_routes import router as search_router
from search.server.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from schemas.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application over the index of the settings, which it opens when it starts.

    Args:
        settings: Index, collection, limits.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = await Service.open(settings)
        app.state.service = service
        try:
            yield
        finally:
            await service.close()

    app = FastAPI(
        title="Diptych",
        summary="Find images by words and documents by images.",
        lifespan=lifespan,
        separate_input_output_schemas=False,
    )
    add_problem_handlers(app)
    app.include_router(search_router)
    add_mcp(app)
    return app
