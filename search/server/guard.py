"""Middleware that lets in who may ask: by name, by origin, by token."""

from __future__ import annotations

import ipaddress
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse

from search.server.problems import to_problem

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Send
    from starlette.types import Scope as Asked

    from schemas.serve_settings import ServeSettings
    from search.server.tokens import Scope, Tokens

COOKIE: Final = "diptych_session"

OPEN: Final = frozenset({"/healthz", "/readyz", "/version", "/login", "/logout"})
"""What needs no token; and all of ``/static/``."""

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

WRITE_PREFIX: Final = "/v1/records/"


MOST_HEAD_BYTES: Final = 32_768
"""Of a request's address and headers together."""


class Guard:
    """Refuses before anything of a body is read.

    Args:
        app: Answers.
        settings: Names and origins.
        tokens: Without any everybody on this machine may ask, and write.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings, tokens: Tokens) -> None:
        """Wrap an application."""
        self._app = app
        self._tokens = tokens
        self._origins = frozenset(one.rstrip("/").lower() for one in settings.allow_origins)
        names = settings.host_names
        if not names and not tokens:
            names = (*LOOPBACK, settings.host)
        self._names = frozenset(name.lower().strip("[]") for name in names)

    async def __call__(self, scope: Asked, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        refusal = self._find_refusal(scope, Headers(scope=scope))
        await (refusal or self._app)(scope, receive, send)

    def _find_refusal(self, scope: Asked, headers: Headers) -> Response | None:
        if _measure(scope) > MOST_HEAD_BYTES:
            return to_problem(431, "HeadTooLarge", "the address and the headers are too long")
        if "content-length" in headers and "transfer-encoding" in headers:
            said = "give a length or send in chunks, not both"  # a proxy may believe the other
            return to_problem(400, "TwoLengths", said, headers={"Connection": "close"})
        host = headers.get("host", "")
        if self._names and to_host_name(host) not in self._names:
            return to_problem(421, "ForeignHost", "the server does not answer to this name")
        if scope["method"] not in SAFE_METHODS and self._is_foreign(headers, host):
            return to_problem(403, "ForeignOrigin", "another site's page may not send this")
        if not self._tokens or self._is_open(scope, headers):
            return None
        return self._check_token(scope, headers)

    def _is_open(self, scope: Asked, headers: Headers) -> bool:
        path: str = scope["path"]
        asks_first = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        return path in OPEN or path.startswith("/static/") or asks_first

    def _is_foreign(self, headers: Headers, host: str) -> bool:
        """Whether a browser says that another site's page sends the request."""
        origin = headers.get("origin")
        if origin is not None:
            is_own = urlsplit(origin).netloc.lower() == host.lower() != ""
            return not is_own and origin.lower() not in self._origins
        return headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")

    def _check_token(self, scope: Asked, headers: Headers) -> Response | None:
        found = self._find_scope(headers)
        path: str = scope["path"]
        if found is None:
            is_page = scope["method"] == "GET" and not path.startswith(("/v1/", "/mcp"))
            if is_page and "text/html" in headers.get("accept", ""):
                asked = path + (
                    f"?{query}" if (query := scope["query_string"].decode("latin-1")) else ""
                )
                return RedirectResponse(f"/login?next={quote(asked, safe='')}", status_code=303)
            return to_problem(
                401,
                "Unauthorized",
                "give a token: Authorization: Bearer TOKEN",
                headers={"WWW-Authenticate": 'Bearer realm="diptych"'},
            )
        if path.startswith(WRITE_PREFIX) and found != "write":
            return to_problem(403, "Forbidden", "this token may read only; give one that may write")
        scope["diptych_scope"] = found
        return None

    def _find_scope(self, headers: Headers) -> Scope | None:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._tokens.find(token.strip())
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return None
        return self._tokens.read_session(cookie.value) if cookie else None


def _measure(scope: Asked) -> int:
    sizes = (len(name) + len(value) for name, value in scope["headers"])
    return len(scope.get("raw_path") or b"") + len(scope["query_string"]) + sum(sizes)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def to_host_name(host: str) -> str:
    """A ``Host`` header without its port and brackets, in lower case."""
    if host.startswith("["):
        return host.partition("]")[0].lstrip("[").lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()
