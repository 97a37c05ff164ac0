"""Errors as pages: the problem's sentence, and what can be done."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from http import HTTPStatus
from inspect import isawaitable
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from schemas.errors import CollectionMissing, DiptychError, PointMissing, UploadMissing
from search.server.page.address import read_address
from search.server.page.renderer import FRAGMENT, Renderer
from search.server.problems import to_status

_LOG = logging.getLogger(__name__)

LATE: Final = "It took too long. Ask for less, or try again in a moment."
EMPTY: Final = "Nothing is indexed here yet. Run “diptych ingest FOLDER” and come back."
UNKNOWN: Final = "There is no page at this address."
OURS: Final = "The server cannot answer just now; its log says why."


MACHINES: Final = ("/v1/", "/static/", "/mcp", "/openapi.json", "/metrics")
"""Beginnings of the paths that are not for people."""


class PageRoute(APIRoute):
    """A route whose errors are answered with a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own handler, guarded."""
        answer = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await answer(request)
            except DiptychError as error:
                is_lost = isinstance(error, UploadMissing)
                return to_error_page(
                    request, to_status(error), to_sentence(error), without_upload=is_lost
                )
            except TimeoutError:
                return to_error_page(request, HTTPStatus.GATEWAY_TIMEOUT, LATE)

        return guarded


async def to_http_answer(
    to_problem: Callable[[Request, Any], Response | Awaitable[Response]],
    request: Request,
    error: Any,  # noqa: ANN401 - as Starlette has it
) -> Response:
    """A page for a browser at an address where there is none, a problem for everybody else.

    Args:
        to_problem: Answers everybody else.
        request: That failed.
        error: An ``HTTPException``.
    """
    is_asked_for = "text/html" in request.headers.get("accept", "")
    if not is_asked_for or request.url.path.startswith(MACHINES):
        answer = to_problem(request, error)
        return await answer if isawaitable(answer) else answer
    is_unknown = error.status_code == HTTPStatus.NOT_FOUND
    sentence = UNKNOWN if is_unknown else f"{str(error.detail).rstrip('.')}."
    page = to_error_page(request, error.status_code, sentence)
    page.headers.update(error.headers or {})
    return page


def to_sentence(error: DiptychError) -> str:
    """What is said of an error: all of it where the request was wrong, else nothing of ours."""
    if isinstance(error, CollectionMissing):
        return EMPTY
    if isinstance(error, UploadMissing):
        return "The photograph is no longer kept here. Choose it again, or go on without it."
    if isinstance(error, PointMissing):
        return "There is no such item, or no longer."
    if to_status(error) < HTTPStatus.INTERNAL_SERVER_ERROR:
        return str(error)
    _LOG.error("%s: %s", error.kind, error)
    return OURS


def to_error_page(
    request: Request, status: int, sentence: str, *, without_upload: bool = False
) -> Response:
    """An error where the answer would stand.

    Args:
        request: That failed.
        status: Of HTTP.
        sentence: What is wrong and what to do.
        without_upload: Whether the next try is made without the uploaded photograph.
    """
    renderer: Renderer = request.app.state.renderer
    is_part = FRAGMENT in request.headers
    is_search = request.url.path == "/"
    name = "_error.html" if is_part else "search.html" if is_search else "error.html"
    address = read_address(request.query_params.multi_items())
    retry = f"{request.url.path}?{request.url.query}".rstrip("?")
    if request.method not in ("GET", "HEAD"):
        retry = address.to_url()
    if without_upload:
        address = replace(address, upload=None)
        retry = address.to_url()
    if status == HTTPStatus.NOT_FOUND and not is_search:
        retry = ""  # a moment later it is not there either
    return renderer.render(
        request, name, status_code=status, sentence=sentence, retry=retry, address=address,
        results=None, named=[], groups=[], chips=[], samples=[],
    )  # fmt: skip
