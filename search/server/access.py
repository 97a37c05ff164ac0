"""Every request is counted, timed and logged; one that fails unexpectedly is a problem."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from search.server.problems import to_problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from search.server.metrics import Metrics

_LOG = logging.getLogger(__name__)

GONE = 499
"""What is counted where the client left before its request was whole; nobody is told."""

UNEXPECTED = "something went wrong that should not; the server's log has more"


class Access:
    """Outermost middleware.

    Logs name the route, never the query string or a header: those are the user's own affair.

    Args:
        app: Answers.
        metrics: Are told.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap an application."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = perf_counter(), 0

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, send_noted)
        except ClientDisconnect:
            status = status or GONE
        except Exception:
            _LOG.exception("%s %s", scope["method"], to_route(scope))
            if status:  # half an answer: the connection is all that can be ended
                raise
            await to_problem(500, "InternalServerError", UNEXPECTED)(scope, receive, send_noted)
        finally:
            self._metrics.in_flight.dec()
            self._note(scope, status, perf_counter() - begun)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route, method = to_route(scope), scope["method"]
        if method not in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            method = "other"  # whatever a client calls it; every value is a time series
        self._metrics.requests.labels(route, method, str(status)).inc()
        self._metrics.latency.labels(route).observe(seconds)
        said = {"method": method, "route": route, "status": status, "seconds": round(seconds, 6)}
        _LOG.info("%s %s %d %.1f ms", method, route, status, seconds * 1000, extra=said)


def to_route(scope: Scope) -> str:
    """The template of the route that was taken; ``other`` where there is none."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "other"
