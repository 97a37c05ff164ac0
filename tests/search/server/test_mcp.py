from __future__ import annotations

import asyncio
import base64
import json
import signal
import socket
import subprocess
import sys
import threading
from contextlib import asynccontextmanager, contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import numpy as np
import pytest
import uvicorn
from blake3 import blake3
from fastapi import FastAPI
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from ingest.store.collections import resolve_collection
from ingest.store.connect import connect
from ingest.sync.roots import ROOTS
from schemas.collection import source_filter
from schemas.settings import load_settings
from search.async_searcher import AsyncSearcher
from search.searcher import Searcher
from search.server.mcp_arguments import MoreLikeThisArguments
from search.server.mcp_http import MOST_BODY_BYTES, add_mcp
from search.server.models import OptionsModel
from search.server.service import Service
from tests.legible import LegibleEncoder
from tests.search.conftest import fill, paint
from tests.search.server.conftest import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

ROOT = Path(__file__).parents[3]
CHILD = str(Path(__file__).with_name("mcp_child.py"))

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An image file of each colour."""
    return paint(tmp_path_factory.mktemp("colours"))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, painted: dict[str, Path]) -> Path:
    """An embedded index of four images and three documents, closed."""
    folder = tmp_path_factory.mktemp("index") / "index"
    with connect(str(folder)) as engine:
        fill(engine, LegibleEncoder(), painted)
    return folder


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The application on a free port of this machine.

    Yields:
        Its address, without a slash at the end.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


@pytest.fixture(scope="module")
def served(painted: dict[str, Path]) -> Iterator[str]:
    """The colours behind a real server; its address."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine, encoder = connect(":memory:"), LegibleEncoder()
        fill(engine, encoder, painted)
        for path in painted.values():  # a picture is drawn of what was indexed alone
            uri, digest = f"folder://root/{path.name}", blake3(path.read_bytes()).hexdigest()
            engine.set_payload("colours", {"content_hash": f"blake3:{digest}"}, source_filter(uri))
        root = {"source": str(painted["red"].parent), "name": "root"}
        name = resolve_collection(engine, "colours").name
        engine.update_collection(name, metadata={ROOTS: {"root": root}})
        searcher = Searcher(engine, resolve_collection(engine, "colours"), encoder)
        app.state.service = Service(AsyncSearcher(searcher), load_settings(url=":memory:"))
        yield
        await app.state.service.close()

    app = FastAPI(lifespan=lifespan)
    add_mcp(app)
    with running(app) as address:
        yield address


def over_stdio(index: Path) -> Client:
    arguments = [CHILD, "--url", str(index), "--collection", "colours"]
    environment = {"PYTHONPATH": str(ROOT)}
    return Client(
        StdioServerParameters(command=sys.executable, args=arguments, env=environment, cwd=ROOT)
    )


def talk(client: Client, ask: Callable[[Client], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with client:
            return await ask(client)

    return asyncio.run(run())


def call(client: Client, name: str, **arguments: Any) -> Any:
    return talk(client, lambda client: client.call_tool(name, arguments))


def start(index: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, CHILD, "--url", str(index), "--collection", "colours"],
        env={"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def send(child: subprocess.Popen[str], *messages: dict[str, Any]) -> None:
    assert child.stdin
    child.stdin.write("".join(json.dumps(one) + "\n" for one in messages))
    child.stdin.flush()


def receive(child: subprocess.Popen[str]) -> Any:
    assert child.stdout
    return json.loads(child.stdout.readline())


def names(result: Any) -> list[str]:
    assert not result.is_error, result.content
    return [hit["source_uri"].rpartition("/")[2] for hit in result.structured_content["hits"]]


def sentence(result: Any) -> str:
    assert result.is_error
    return "".join(one.text for one in result.content)


def test_tools_say_what_they_do_and_that_they_change_nothing(served: str) -> None:
    tools = talk(Client(f"{served}/mcp"), lambda client: client.list_tools()).tools
    assert [tool.name for tool in tools] == ["search", "more_like_this", "get_item"]
    for tool in tools:
        assert tool.annotations.read_only_hint
        assert tool.annotations.idempotent_hint
        assert not tool.annotations.open_world_hint
        assert tool.output_schema["type"] == "object"
        said = tool.input_schema["properties"]
        assert all("description" in said[name] for name in said), tool.name
    assert {"text", "image", "like", "not", "not_like", "where", "top_k"} <= set(
        tools[0].input_schema["properties"]
    )


def test_options_are_those_of_the_python_api() -> None:
    own = MoreLikeThisArguments.model_fields
    for name in own.keys() - {"item", "pictures"}:
        assert own[name].default == OptionsModel.model_fields[name].default


def test_a_search_over_stdio_with_a_model_that_prints(index: Path) -> None:
    """The client validates the structured answer against the tool's schema."""

    async def ask(client: Any) -> None:
        found = await client.call_tool("search", {"text": "a red thing", "target": "text"})
        assert sorted(names(found)[:2]) == ["rose.txt", "sea.txt"]  # equally near
        assert ": Roses (cosine 1.000" in "".join(one.text for one in found.content[:2])
        like = await client.call_tool(
            "more_like_this",
            {"item": found.structured_content["hits"][0]["point_id"], "target": "image"},
        )
        assert names(like)[0] == "red.png"

    talk(over_stdio(index), ask)


def test_stdout_has_messages_alone_and_the_end_of_stdin_ends_it(index: Path) -> None:
    wanted = {"jsonrpc": "2.0", "id": 2, "method": "tools/call"}
    params = {"name": "search", "arguments": {"text": "red", "top_k": 1}}
    with start(index) as child:
        send(child, INITIALIZE, {"jsonrpc": "2.0", "method": "notifications/initialized"})
        send(child, {**wanted, "params": params})
        answers = [receive(child), receive(child)]
        assert child.stdin
        assert child.stdout
        assert child.stderr
        child.stdin.close()
        said = child.stdout.read()  # what came with the last answer as well
        logged = child.stderr.read()
    assert said == ""
    assert "a model that talks" in logged
    assert child.returncode == 0
    assert [one["id"] for one in answers] == [1, 2]
    assert answers[1]["result"]["structuredContent"]["hits"][0]["rank"] == 1
    with connect(str(index)):  # its lock is free
        pass


def test_the_entry_that_the_page_shows_starts_the_command() -> None:
    page = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
    block = page.partition("```json\n")[2].partition("```")[0]
    entry = StdioServerParameters(**json.loads(block)["mcpServers"]["diptych"])
    assert entry.command == "diptych"
    started = StdioServerParameters(
        command=sys.executable, args=["diptych.py", *entry.args], cwd=ROOT
    )
    tools = talk(Client(started), lambda client: client.list_tools()).tools
    assert [tool.name for tool in tools] == ["search", "more_like_this", "get_item"]


def test_a_signal_ends_it_while_it_waits_for_a_line(index: Path) -> None:
    with start(index) as child:
        send(child, INITIALIZE)
        assert receive(child)["id"] == 1
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 128 + signal.SIGTERM


def test_an_index_that_is_not_there_is_said_at_each_call(tmp_path: Path) -> None:
    async def ask(client: Any) -> None:
        for _ in range(2):
            found = await client.call_tool("search", {"text": "red"})
            assert "colours" in sentence(found)

    talk(over_stdio(tmp_path / "none"), ask)


def test_what_is_not_wanted_is_taken_away(served: str) -> None:
    address = f"{served}/mcp"
    assert names(call(Client(address), "search", text="yellow", target="image"))[0] == "yellow.png"
    without = call(Client(address), "search", text="yellow", target="image", **{"not": ["green"]})
    assert names(without)[0] == "red.png"
    bare = call(Client(address), "search", text="yellow", target="image", **{"not": "green"})
    assert names(bare) == names(without)


def test_an_image_is_a_query(served: str, painted: dict[str, Path]) -> None:
    image = base64.b64encode(painted["blue"].read_bytes()).decode()
    found = call(Client(f"{served}/mcp"), "search", image=image, target="image", top_k=1)
    assert names(found) == ["blue.png"]


def test_images_come_with_pictures(served: str) -> None:
    found = call(Client(f"{served}/mcp"), "search", text="red", target="image", pictures=1)
    assert [one.type for one in found.content[:3]] == ["text", "image", "text"]
    assert [one.type for one in found.content].count("image") == 1
    picture = Image.open(BytesIO(base64.b64decode(found.content[1].data)))
    assert found.content[1].mime_type == "image/webp"
    assert picture.size == (8, 6)
    red, green, blue = np.asarray(picture.convert("RGB")).mean(axis=(0, 1))
    assert red > 200
    assert max(green, blue) < 50
    item = found.structured_content["hits"][0]["point_id"]
    shown = call(Client(f"{served}/mcp"), "get_item", item=item)
    assert [one.type for one in shown.content] == ["text", "image"]
    assert shown.structured_content["metadata"] == {"colour": "red"}
    assert shown.structured_content["location"] == "folder://root/red.png"  # not where it lies


def test_pages_go_on(served: str) -> None:
    async def ask(client: Any) -> list[str]:
        first = await client.call_tool("search", {"text": "red", "target": "image", "top_k": 3})
        cursor = first.structured_content["next_cursor"]
        assert f"cursor={cursor}" in first.content[-1].text
        rest = await client.call_tool(
            "search", {"text": "red", "target": "image", "top_k": 3, "cursor": cursor}
        )
        return names(first) + names(rest)

    assert sorted(talk(Client(f"{served}/mcp"), ask)) == [
        f"{one}.png" for one in ("blue", "green", "red", "yellow")
    ]


def test_a_documents_text_is_read_from_the_passage_on(served: str) -> None:
    async def ask(client: Any) -> None:
        whole = await client.call_tool("get_item", {"item": "folder://root/sea.txt"})
        assert whole.structured_content["text"] == "the blue sea\n\na red boat\n\nred and blue"
        assert whole.structured_content["title"] == "The sea"
        found = await client.call_tool(
            "search", {"text": "red", "target": "text", "all_chunks": True}
        )
        assert "all_chunks" in sentence(found)
        rest = await client.call_tool("get_item", {"item": "folder://root/sea.txt", "chunk": 1})
        assert rest.structured_content["text"] == "a red boat\n\nred and blue"
        assert "next_chunk" not in rest.structured_content

    talk(Client(f"{served}/mcp"), ask)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("search", {}, "the query has no part: give a text, an image or an indexed item"),
        ("search", {"text": " "}, "the query text is blank: give at least one word"),
        ("search", {"text": "a", "top_k": 51}, "top_k: Input should be less than or equal to 50"),
        ("search", {"text": "a", "image": "@"}, "image: "),
        ("search", {"text": "a", "where": "red ="}, "where: column 6: expected a value"),
        ("search", {"text": "a", "rerank": "x/y"}, "rerank: Extra inputs are not permitted"),
        ("more_like_this", {"item": "none"}, "'none' is not in the collection"),
        ("get_item", {"item": "none"}, "'none' is not in the collection"),
        ("get_item", {}, "item: Field required"),
        ("delete_all", {}, "there is no tool 'delete_all'; there are: search, "),
    ],
)
def test_errors_are_sentences(served: str, name: str, arguments: dict[str, Any], said: str) -> None:
    assert said in sentence(call(Client(f"{served}/mcp"), name, **arguments))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "text/plain"}, 400),
        ({"Origin": "http://localhost:3000"}, 200),
    ],
)
def test_pages_of_others_cannot_ask(served: str, headers: dict[str, str], status: int) -> None:
    plain = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    content = json.dumps(INITIALIZE)
    answer = httpx.post(f"{served}/mcp", content=content, headers={**plain, **headers})
    assert answer.status_code == status


def test_a_body_over_the_limit_is_refused(served: str) -> None:
    with httpx.Client() as client:
        request = client.build_request(
            "POST",
            f"{served}/mcp",
            content=b" " * (MOST_BODY_BYTES + 1),
            headers={"Content-Type": "application/json"},
        )
        assert client.send(request).status_code == 413


def test_the_server_asks_for_its_token_here_too(things: Path, tmp_path: Path) -> None:
    token = "a-token-of-more-than-24-characters"  # noqa: S105 - it opens nothing
    with serving(things, tmp_path, tokens=(f"read:{token}",)) as server:
        assert httpx.post(f"{server.url}/mcp", json=INITIALIZE).status_code == 401

        async def ask() -> Any:
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx2.AsyncClient(headers=headers) as http:
                transport = streamable_http_client(f"{server.url}/mcp", http_client=http)
                async with Client(transport) as client:
                    return await client.call_tool("search", {"text": "red", "target": "image"})

        found = asyncio.run(ask())
    assert {"red.png", "wide.jpg"} == set(names(found)[:2])
    hit = found.structured_content["hits"][0]
    assert hit["location"] == hit["source_uri"]  # not where it lies


def test_a_field_that_may_not_be_asked_for_may_not_be_here(things: Path, tmp_path: Path) -> None:
    with serving(things, tmp_path, filter_fields=("modality",)) as server:
        found = call(Client(f"{server.url}/mcp"), "search", text="red", where="title = x")
    assert "'title' may not be asked for here" in sentence(found)
