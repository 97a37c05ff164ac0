"""Errors -> problem details, the ``application/problem+json`` of RFC 9457."""

from __future__ import annotations

import errno
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from schemas import errors
from search.server.gate import RETRY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

MEDIA_TYPE: Final = "application/problem+json"

TYPE_PREFIX: Final = "urn:diptych:error:"

STATUSES: Final[Mapping[type[errors.DiptychError], int]] = {
    errors.UnknownField: 422,
    errors.PointMissing: 404,
    errors.QueryError: 422,
    errors.SourceTooLarge: 413,
    errors.UnsupportedFormat: 415,
    errors.SourceError: 422,
    errors.SourceUnavailable: 503,
    errors.UnsupportedModality: 422,
    errors.InvalidVector: 422,
    errors.CollectionMissing: 503,
    errors.StoreTimeout: 504,
    errors.StoreUnavailable: 503,
    errors.DecoderUnavailable: 503,
    errors.LockHeld: 503,
    errors.ServerBusy: 429,
}
"""By the nearest class of the error tree; what is not among them is 500: nobody asked wrongly."""

_LOG = logging.getLogger(__name__)

_OURS: Final = "the server cannot answer now; its log says why"
"""In place of what the error says: addresses and paths are nobody's business."""

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What writing to a disk fails with that takes no more."""

_LATER: Final = frozenset({429, 503, 504})


class InvalidPart(BaseModel):
    """A part of a request that is not as it should be."""

    where: Annotated[str, Field(description="E.g. `body.top_k`.")]
    message: str


class Problem(BaseModel):
    """What is wrong, in the form of RFC 9457."""

    type: Annotated[str, Field(description="`urn:diptych:error:` and the error's name.")]
    title: Annotated[str, Field(description="The error's name.")]
    status: int
    detail: Annotated[str, Field(description="What is wrong, with what, and what to do.")]
    errors: Annotated[
        list[InvalidPart] | None, Field(description="The parts of the request that are wrong.")
    ] = None


def to_status(error: errors.DiptychError) -> int:
    """The HTTP status of an error."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


def to_problem(
    status: int,
    kind: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **more: Any,  # noqa: ANN401 - members of a problem
) -> JSONResponse:
    """A problem as a response.

    Args:
        status: HTTP status.
        kind: The error's class, which is its type: ``urn:diptych:error:KIND``.
        detail: What is wrong, with which item, and what to do.
        headers: Further ones.
        more: Further members.
    """
    content = {"type": f"{TYPE_PREFIX}{kind}", "title": kind, "status": status}
    sent = dict(headers or {})
    if status in _LATER:
        sent.setdefault("Retry-After", str(RETRY_SECONDS))
    return JSONResponse(
        {**content, "detail": detail, **more},
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=sent,
    )


def from_error(error: errors.DiptychError) -> JSONResponse:
    """The problem that an error of ours amounts to; what is the server's own fault is logged."""
    status = to_status(error)
    is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if is_ours:
        _LOG.error("%s: %s", error.kind, error)
    return to_problem(status, error.kind, _OURS if is_ours else str(error))


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every expected error with a problem."""

    @app.exception_handler(errors.DiptychError)
    async def answer(_request: Request, error: errors.DiptychError) -> JSONResponse:
        return from_error(error)

    @app.exception_handler(TimeoutError)
    async def answer_late(_request: Request, _error: TimeoutError) -> JSONResponse:
        return to_problem(504, "RequestTimeout", "it took too long: ask for less, or later")

    @app.exception_handler(OSError)
    async def answer_full(_request: Request, error: OSError) -> JSONResponse:
        if error.errno not in FULL:
            raise error
        _LOG.error("no space is left: %s", error)
        return to_problem(507, "NoSpace", "the server has no space left for it")

    @app.exception_handler(HTTPException)
    async def answer_http(request: Request, error: HTTPException) -> JSONResponse:
        kind = "".join(HTTPStatus(error.status_code).phrase.title().split())
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = _find_methods(app, request)
        return to_problem(
            error.status_code, kind.replace("-", ""), str(error.detail), headers=headers
        )

    @app.exception_handler(RequestValidationError)
    async def answer_invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        parts = [_to_part(one) for one in error.errors()]
        detail = "; ".join(f"{one['where']}: {one['message']}" for one in parts[:5])
        return to_problem(422, "InvalidRequest", detail, errors=parts[:100])


def _find_methods(app: FastAPI, request: Request) -> str:
    """All methods of a path; the router names those of the first route that fits."""
    found: set[str] = set()
    for route in iter_route_contexts(app.routes):
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return ", ".join(sorted(found))


def _to_part(issue: Mapping[str, Any]) -> dict[str, str]:
    """Without what was given: it may be large, or private."""
    where = ".".join(str(one) for one in issue["loc"])[:200]
    return {"where": where, "message": issue["msg"]}
