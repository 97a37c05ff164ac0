"""Where the page comes into the application."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from search.server.page import upload_route
from search.server.page.error_pages import to_http_answer
from search.server.page.renderer import FOLDER, Renderer
from search.server.page.routes import router


class KeptFiles(StaticFiles):
    """Static files, which browsers keep: their addresses change when they do."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer, with how long it may be kept."""
        answer = await super().get_response(path, scope)
        is_versioned = b"v=" in scope.get("query_string", b"")
        kept = "public, max-age=31536000, immutable" if is_versioned else "no-cache"
        answer.headers["Cache-Control"] = kept
        return answer


def add_page(app: FastAPI) -> None:
    """Serve the page beside the API.

    Args:
        app: With the API's own state and handlers; its service opens later.
    """
    app.state.renderer = Renderer()
    app.mount("/static", KeptFiles(directory=FOLDER / "static"), name="static")
    app.include_router(router)
    app.include_router(upload_route.router)
    to_problem = app.exception_handlers[HTTPException]
    app.add_exception_handler(HTTPException, partial(to_http_answer, to_problem))
