"""Who is let in: names, origins, tokens, sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from schemas.errors import SettingsError
from schemas.serve_settings import ServeSettings
from schemas.settings import load_settings
from search.server.login_routes import to_own_path
from search.server.running import check_settings
from search.server.tokens import SESSION_SECONDS, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.search.server.conftest import Served

READ = "r" * 24
WRITE = "w" * 30
TOKENS = (f"read:{READ}", f"write:{WRITE}")


@pytest.fixture
def guarded(serve: Callable[..., Served], tmp_path: Path) -> Served:
    return serve(tokens=TOKENS, inbox=str(tmp_path / "inbox"))


def _ask(served: Served, method: str, path: str, **headers: str) -> int:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx.Client(base_url=served.url) as stranger:
        return stranger.request(method, path, headers=sent, content=b"red").status_code


@pytest.mark.parametrize(
    ("method", "path", "nobody", "reader", "writer"),
    [
        ("GET", "/healthz", 200, 200, 200),
        ("GET", "/readyz", 200, 200, 200),
        ("GET", "/version", 200, 200, 200),
        ("GET", "/v1/search?q=red", 401, 200, 200),
        ("GET", "/v1/status", 401, 200, 200),
        ("GET", "/metrics", 401, 200, 200),
        ("GET", "/openapi.json", 401, 200, 200),
        ("GET", "/nope", 401, 404, 404),
        ("POST", "/v1/search", 401, 422, 422),
        ("PUT", "/v1/records/a.txt", 401, 403, 200),
        ("DELETE", "/v1/records/none.txt", 401, 403, 404),
    ],
)
def test_scopes(
    guarded: Served, method: str, path: str, nobody: int, reader: int, writer: int
) -> None:
    assert _ask(guarded, method, path) == nobody
    assert _ask(guarded, method, path, Authorization=f"Bearer {'x' * 24}") in (401, nobody)
    assert _ask(guarded, method, path, Authorization=f"Bearer {READ}") == reader
    assert _ask(guarded, method, path, Authorization=f"bearer {WRITE}") == writer


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Basic cjpy", f"Bearer read:{READ}", f"Bearer {READ}x", "Bearer ÿ"]
)
def test_what_is_no_token_is_refused(guarded: Served, value: str) -> None:
    with httpx.Client(base_url=guarded.url) as stranger:
        answer = stranger.get("/v1/status", headers={b"Authorization": value.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_browser_logs_in_and_out(guarded: Served) -> None:
    browser = httpx.Client(base_url=guarded.url, headers={"Accept": "text/html"})
    with browser:
        sent_away = browser.get("/v1x?q=red")
        assert sent_away.headers["location"] == "/login?next=%2Fv1x%3Fq%3Dred"
        wrong = browser.post("/login", data={"token": "x" * 24})
        assert wrong.headers["location"] == "/login?wrong=1"
        right = browser.post("/login", data={"token": READ, "next": "/v1/status"})
        assert right.headers["location"] == "/v1/status"
        cookie = right.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert READ not in cookie
        assert browser.get("/v1/status").status_code == 200
        assert browser.put("/v1/records/a.txt", content=b"x").status_code == 403
        browser.post("/logout")
        assert browser.get("/v1/status").status_code == 401


def test_a_session_is_bound_to_tokens_time_and_scope() -> None:
    tokens = Tokens.read(ServeSettings.model_validate({"tokens": TOKENS}))
    others = Tokens.read(ServeSettings.model_validate({"tokens": TOKENS[:1]}))
    session = tokens.make_session("read", now=1_000)
    assert tokens.read_session(session, now=1_000 + SESSION_SECONDS - 1) == "read"
    assert tokens.read_session(session, now=1_000 + SESSION_SECONDS + 1) is None
    assert others.read_session(session, now=1_000) is None
    assert tokens.read_session(session.replace("read", "write"), now=1_000) is None
    assert Tokens().read_session("", now=1_000) is None


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("/?q=red", "/?q=red"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("", "/"),
    ],
)
def test_a_login_leads_nowhere_else(asked: str, path: str) -> None:
    assert to_own_path(asked) == path


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_name_is_refused_where_there_is_no_token(served: Served, host: str) -> None:
    assert _ask(served, "GET", "/v1/status", Host=host) == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "[::1]:80", "127.0.0.1"])
def test_names_of_this_machine_are_taken(served: Served, host: str) -> None:
    assert _ask(served, "GET", "/v1/status", Host=host) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_another_sites_page_may_not_send(served: Served, headers: dict[str, str]) -> None:
    assert _ask(served, "POST", "/v1/search", **headers) == 403
    assert _ask(served, "PUT", "/v1/records/a.txt", **headers) == 403


def test_our_own_page_may_send(served: Served) -> None:
    own = {"Origin": served.url, "Sec_Fetch_Site": "same-origin"}
    assert _ask(served, "POST", "/v1/search", **own) == 422


def test_no_origin_is_allowed_unless_named(serve: Callable[..., Served]) -> None:
    friend = {"Origin": "https://friend.example"}
    closed, opened = serve(), serve(allow_origins=["https://friend.example"])
    name = "access-control-allow-origin"
    assert name not in closed.client.get("/version", headers=friend).headers
    assert opened.client.get("/version", headers=friend).headers[name] == friend["Origin"]
    asked = opened.client.post("/v1/search", json={"text": "red"}, headers=friend)
    assert asked.status_code == 200
    first = {**friend, "Access-Control-Request-Method": "POST"}
    assert opened.client.options("/v1/search", headers=first).status_code == 200


@pytest.mark.parametrize(
    "tokens", [["short"], ["read:short"], [f"admin:{READ}"], ["read:" + "é" * 24]]
)
def test_a_token_that_could_be_guessed_is_refused(tokens: list[str]) -> None:
    with pytest.raises(SettingsError, match="number 1") as caught:
        Tokens.read(ServeSettings.model_validate({"tokens": tokens}))
    assert tokens[0] not in str(caught.value)


def test_a_file_has_tokens(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(f"# for the phone\nread:{READ}\n\nwrite:{WRITE}\n")
    tokens = Tokens.read(ServeSettings(token_file=path))
    assert (tokens.find(READ), tokens.find(WRITE), tokens.find("x")) == ("read", "write", None)
    with pytest.raises(SettingsError, match="token_file"):
        Tokens.read(ServeSettings(token_file=tmp_path / "none"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104
def test_others_need_a_token(host: str) -> None:
    with pytest.raises(SettingsError, match="token"):
        check_settings(load_settings(serve={"host": host}))
    check_settings(load_settings(serve={"host": host, "tokens": TOKENS}))


def test_several_processes_need_a_server() -> None:
    with pytest.raises(SettingsError, match="one process at a time"):
        check_settings(load_settings(serve={"workers": 2}))
    with pytest.raises(SettingsError, match="only one process"):
        check_settings(load_settings(url="http://h:1", serve={"workers": 2, "sync_every": 9}))
    check_settings(load_settings(url="http://h:1", serve={"workers": 2}))


def test_no_token_in_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIPTYCH_SERVE__TOKENS", '{"secret": 1}')
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert 'secret"' not in str(caught.value)
    monkeypatch.delenv("DIPTYCH_SERVE__TOKENS")
    for mistyped in ({"tokenz": TOKENS}, TOKENS):
        with pytest.raises(SettingsError) as caught:
            load_settings(serve=mistyped)
        assert READ not in str(caught.value)
