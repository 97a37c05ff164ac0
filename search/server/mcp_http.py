"""The MCP server over HTTP: ``/mcp`` of the application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.routing import Route

from search.server.mcp_server import create_mcp_server
from search.server.problems import to_problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from fastapi import FastAPI
    from mcp.server.lowlevel import Server
    from starlette.types import Receive, Scope, Send

    from search.server.service import Service

PATH: Final = "/mcp"

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")

MOST_BODY_BYTES: Final = 14_000_000
"""An image of 10 MB in base64, and words."""

STREAMLESS: Final = "the server has nothing to say by itself; send requests by POST"


class _Endpoint:
    """Hands requests to the session manager of the running application."""

    manager: StreamableHTTPSessionManager | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":  # a stream of events, though there are none to tell
            problem = to_problem(405, "MethodNotAllowed", STREAMLESS, headers={"Allow": "POST"})
            await problem(scope, receive, send)
            return
        assert self.manager is not None, "requests come while the application runs"  # noqa: S101
        await self.manager.handle_request(scope, receive, send)


def add_mcp(app: FastAPI, *, hosts: Sequence[str] | None = LOOPBACK) -> None:
    """Serve the tools at ``/mcp``, as long as the application runs.

    Requests are independent of each other (no sessions), so that any worker answers any of them.

    Args:
        app: Whose ``state.service`` answers.
        hosts: Names that a request may give the server, and pages may come from; against pages
            that give their own name the server's address. None for any, where a token is required.
    """

    async def get_service() -> Service:
        service: Service = app.state.service
        return service

    server, endpoint, inner = (
        create_mcp_server(get_service),
        _Endpoint(),
        app.router.lifespan_context,
    )

    @asynccontextmanager
    async def lifespan(running: FastAPI) -> AsyncIterator[Any]:
        async with inner(running) as state:
            endpoint.manager = _to_manager(server, hosts)
            async with endpoint.manager.run():
                yield state

    app.router.lifespan_context = lifespan
    app.router.routes.append(Route(PATH, endpoint=endpoint, include_in_schema=False))


def _to_manager(server: Server[Any], hosts: Sequence[str] | None) -> StreamableHTTPSessionManager:
    names = [] if hosts is None else [form for one in hosts for form in (one, f"{one}:*")]
    return StreamableHTTPSessionManager(
        app=server,
        json_response=True,
        stateless=True,
        max_request_body_size=MOST_BODY_BYTES,
        security_settings=TransportSecuritySettings(
            enable_dns_rebinding_protection=hosts is not None,
            allowed_hosts=names,
            allowed_origins=[f"{scheme}://{one}" for one in names for scheme in ("http", "https")],
        ),
    )
