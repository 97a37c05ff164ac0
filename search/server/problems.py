"""Errors -> problem details, the ``application/problem+json`` of RFC 9457."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi.responses import JSONResponse

from schemas import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

MEDIA_TYPE: Final = "application/problem+json"

STATUSES: Final[Mapping[type[errors.DiptychError], int]] = {
    errors.UnknownField: 422,
    errors.QueryError: 422,
    errors.SourceTooLarge: 413,
    errors.UnsupportedFormat: 415,
    errors.SourceError: 422,
    errors.UnsupportedModality: 422,
    errors.InvalidVector: 422,
    errors.CollectionMissing: 503,
    errors.StoreTimeout: 504,
    errors.StoreUnavailable: 503,
    errors.DecoderUnavailable: 503,
    errors.LockHeld: 503,
}
"""By the nearest class of the error tree; what is not among them is 500: nobody asked wrongly."""


def to_status(error: errors.DiptychError) -> int:
    """The HTTP status of an error."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


def to_problem(status: int, kind: str, detail: str, **more: Any) -> JSONResponse:  # noqa: ANN401 - members of a problem
    """A problem as a response.

    Args:
        status: HTTP status.
        kind: The error's class, which is its type: ``urn:diptych:error:KIND``.
        detail: What is wrong, with which item, and what to do.
        more: Further members.
    """
    content = {"type": f"urn:diptych:error:{kind}", "title": kind, "status": status}
    return JSONResponse(
        {**content, "detail": detail, **more}, status_code=status, media_type=MEDIA_TYPE
    )


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every expected error with a problem."""

    @app.exception_handler(errors.DiptychError)
    async def answer(_request: Request, error: errors.DiptychError) -> JSONResponse:
        return to_problem(to_status(error), type(error).__name__, str(error))
