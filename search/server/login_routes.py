"""How a browser comes by a session: it shows a token once."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from search.server.guard import COOKIE
from search.server.problems import to_problem
from search.server.tokens import SESSION_SECONDS, Tokens

router = APIRouter(include_in_schema=False)

MOST_CHARACTERS: Final = 4_096


@router.post("/login")
async def login(
    request: Request,
    token: Annotated[str, Form(max_length=MOST_CHARACTERS)] = "",
    to: Annotated[str, Form(alias="next", max_length=MOST_CHARACTERS)] = "/",
) -> Response:
    """Exchange a token for a cookie that no script can read."""
    tokens: Tokens = request.app.state.tokens
    if not tokens:
        return RedirectResponse("/", status_code=303)
    scope = tokens.find(token.strip())
    if scope is None:
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/login?wrong=1", status_code=303)
        return to_problem(401, "Unauthorized", "this token is not known")
    answer = RedirectResponse(to_own_path(to), status_code=303)
    answer.set_cookie(
        COOKIE,
        tokens.make_session(scope),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/logout")
async def logout() -> Response:
    """Let the browser forget."""
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def to_own_path(asked: str) -> str:
    """A path of this server: what would lead to another one is the first page."""
    is_own = asked.startswith("/") and not asked.startswith(("//", "/\\"))
    return asked if is_own and asked.isascii() and asked.isprintable() else "/"
