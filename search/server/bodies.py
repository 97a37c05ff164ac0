"""Bodies of requests: how large, how slow, and how much of them at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from search.server.problems import to_problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from schemas.serve_settings import ServeSettings

FRAME_BYTES: Final = 65_536
"""Of a form around its files."""

MOST_COMMAS: Final = 20_000
"""In JSON. Every part of it takes fifty times its bytes when it is read and checked, meanwhile
nobody else is answered; an image is a single one."""

BODIES_AT_ONCE: Final = 16
"""Of the largest size, that are held in memory; of smaller ones more."""

TOO_MANY_PARTS: Final = f"JSON has at most {MOST_COMMAS:,} parts here"


class Bodies:
    """Middleware that ends what is too large or too slow while it arrives.

    Args:
        app: Answers.
        settings: The bounds.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        """Wrap an application."""
        self._app = app
        self._most = settings.max_upload_bytes + FRAME_BYTES
        self._seconds = settings.body_seconds
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            problem = to_problem(415, "UnsupportedEncoding", "send the body uncompressed")
            await problem(scope, receive, send)
            return
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > self._most:
            problem = to_problem(413, "BodyTooLarge", self._too_large())
            problem.headers["Connection"] = "close"
            await problem(scope, receive, send)
            return
        await self._bounded(scope, receive, send)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        size, due = 0, asyncio.get_running_loop().time() + self._seconds
        is_whole, commas, is_json = False, 0, _is_json(scope)

        async def receive_bounded() -> Message:
            nonlocal size, is_whole, commas
            if is_whole:  # only the end of the connection is still to come
                return await receive()
            try:
                async with asyncio.timeout_at(due):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, self._too_slow(), {"Connection": "close"}) from None
            body = message.get("body", b"")
            size += len(body)
            self._held += len(body)
            commas += body.count(b",") if is_json else 0
            is_whole = not message.get("more_body", False)
            self._check(size)
            if commas > MOST_COMMAS:
                raise HTTPException(413, TOO_MANY_PARTS, {"Connection": "close"})
            return message

        try:
            await self._app(scope, receive_bounded, send)
        finally:
            self._held -= size

    def _check(self, size: int) -> None:
        if size > self._most:
            raise HTTPException(413, self._too_large(), {"Connection": "close"})
        if self._held > self._most * BODIES_AT_ONCE:
            raise HTTPException(
                503,
                "too much is being sent at once: come again in a moment",
                {"Connection": "close", "Retry-After": "1"},
            )

    def _too_large(self) -> str:
        return f"a request's body has at most {self._most:,} bytes"

    def _too_slow(self) -> str:
        return f"a request's body must arrive within {self._seconds:g} seconds"


def _is_json(scope: Scope) -> bool:
    """Whether somebody may read it as JSON: of several types one takes the first, one the last.

    What is put is a file, whatever its type.
    """
    given = [value.lower() for name, value in scope["headers"] if name == b"content-type"]
    return scope["method"] == "POST" and any(b"json" in value for value in given)
