"""The application: routes, errors, and the service that lives as long as it does."""

from __future__ import annotations

import gc
from contextlib import asynccontextmanager
from threading import Event
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from search.server import (
    item_routes,
    login_routes,
    operation_routes,
    record_routes,
    search_routes,
    upload_routes,
)
from search.server.access import Access
from search.server.bodies import Bodies
from search.server.guard import Guard
from search.server.headers import SecurityHeaders
from search.server.mcp_http import add_mcp
from search.server.metrics import Metrics
from search.server.openapi import TITLE, describe
from search.server.page.mount import add_page
from search.server.problems import add_problem_handlers
from search.server.service import Service
from search.server.status import read_version
from search.server.stopping import drain_first
from search.server.syncing import Syncing
from search.server.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from schemas.settings import Settings
    from search.searcher import Searcher

GZIP_BYTES = 1_000
"""Shorter answers do not become shorter."""


def create_app(
    settings: Settings, *, searcher: Searcher | None = None, metrics: Metrics | None = None
) -> FastAPI:
    """The application over the index of the settings, which it opens when it starts.

    Args:
        settings: Index, collection, limits.
        searcher: An open one, which it closes when it ends; by default the settings' own.
        metrics: Those that the searcher was opened with.

    Raises:
        SettingsError: A token cannot be read.
    """
    tokens, metrics, draining = Tokens.read(settings.serve), metrics or Metrics(), Event()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = await Service.open(settings, searcher=searcher, metrics=metrics)
        service.syncing = Syncing(service)
        service.syncing.begin()
        app.state.service = service
        drain_first(draining, settings.serve.drain_seconds)
        gc.freeze()  # modules and models stay: no collection need look through them
        try:
            yield
        finally:
            await service.close()

    app = FastAPI(
        title=TITLE,
        summary="Find images by words and documents by images.",
        version=read_version(),
        lifespan=lifespan,
        separate_input_output_schemas=False,
        docs_url=None,  # its scripts come from elsewhere
        redoc_url=None,
    )
    app.state.tokens, app.state.draining = tokens, draining
    add_problem_handlers(app)
    _add_middleware(app, settings, tokens, metrics)
    for routes in (
        search_routes,
        upload_routes,
        item_routes,
        record_routes,
        operation_routes,
        login_routes,
    ):
        app.include_router(routes.router)
    add_page(app)
    describe(app)
    add_mcp(app, hosts=None)  # the guard has looked
    return app


def _add_middleware(app: FastAPI, settings: Settings, tokens: Tokens, metrics: Metrics) -> None:
    """The last one added is asked first."""
    serve = settings.serve
    app.add_middleware(Bodies, settings=serve)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_BYTES, compresslevel=6)
    app.add_middleware(Guard, settings=serve, tokens=tokens)
    if serve.allow_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=serve.allow_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-None-Match"],
            expose_headers=["ETag", "Retry-After"],
        )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Access, metrics=metrics)
