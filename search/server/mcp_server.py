"""The index as tools of a language model: the Model Context Protocol, by its own SDK."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mcp.server.lowlevel import Server
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import BaseModel, TypeAdapter, ValidationError

from schemas.answer import Page
from schemas.errors import DiptychError
from search.server.mcp_arguments import GetItemArguments, MoreLikeThisArguments, SearchArguments
from search.server.mcp_content import pictured, to_item_content, to_page_content
from search.server.mcp_item import Item, read_item
from search.server.mcp_pictures import SIDE_PIXELS, read_pictures
from search.server.requests import to_options

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

    from search.server.service import Service

    GetService = Callable[[], Awaitable[Service]]

INSTRUCTIONS: Final = (
    "A search engine over one person's or one team's photographs and documents. Images are found "
    "by words, documents by images, and the other way round: describe what should be seen or said "
    "rather than listing keywords. Hits carry a point_id: show more of one with get_item, look for "
    "its kind with more_like_this."
)

_LOG = logging.getLogger(__name__)


class _Kind(NamedTuple):
    """A tool: what it says of itself, what it takes and gives, and how it answers."""

    title: str
    description: str
    arguments: type[BaseModel]
    answer: type[Page | Item]
    call: Callable[[Service, Any], Awaitable[CallToolResult]]


async def _search(
    service: Service, asked: SearchArguments | MoreLikeThisArguments
) -> CallToolResult:
    options = to_options(asked, service.settings.serve)
    options["top_k"] = asked.top_k
    page = await service.search(asked.to_composition(), **options)
    pictures = await read_pictures(service, pictured(page.hits, asked.pictures), SIDE_PIXELS)
    return CallToolResult(
        content=[*to_page_content(page, pictures)], structured_content=page.to_json()
    )


async def _get_item(service: Service, asked: GetItemArguments) -> CallToolResult:
    with service.searches.turn():
        item = await asyncio.to_thread(
            read_item, service.engine, service.collection_name, asked.item, from_chunk=asked.chunk
        )
    if not service.settings.serve.show_locations:
        item = replace(item, location=item.source_uri)
    wanted = [item.point_id] if item.modality == "image" else []
    pictures = await read_pictures(service, wanted, asked.side_pixels)
    return CallToolResult(
        content=[*to_item_content(item, pictures.get(item.point_id))],
        structured_content=item.to_json(),
    )


TOOLS: Final = {
    "search": _Kind(
        "Search images and documents",
        "Find photographs, figures and passages of documents by meaning: by words, by an image, by "
        "items found before, or by all of these together; `not` and `not_like` take away what is "
        "not wanted. Hits come nearest first, with thumbnails of the first images. A percentile "
        "below about 95 means that nothing really fits; say so instead of presenting it as a "
        "match.",
        SearchArguments,
        Page,
        _search,
    ),
    "more_like_this": _Kind(
        "More like an item",
        "Find what resembles an item that was found before; it is not among its own answers. With "
        "`target` text an image finds documents that go with it, with `target` image a document "
        "finds photographs.",
        MoreLikeThisArguments,
        Page,
        _search,
    ),
    "get_item": _Kind(
        "Show an item",
        "Everything the index knows of one item: an image larger than its thumbnail, with caption, "
        "date and place; the text of a document from the passage that was found on, with "
        "`next_chunk` where there is more to read.",
        GetItemArguments,
        Item,
        _get_item,
    ),
}


def create_mcp_server(get_service: GetService) -> Server[Any]:
    """The MCP server.

    Args:
        get_service: Gives the open index; what it raises fails the call, not the server.
    """

    async def list_tools(
        _context: ServerRequestContext, _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=[_to_tool(name, kind) for name, kind in TOOLS.items()])

    async def call_tool(
        _context: ServerRequestContext, params: CallToolRequestParams
    ) -> CallToolResult:
        return await _call(get_service, params.name, params.arguments or {})

    return Server(
        "diptych",
        version=version("diptych"),
        title="Diptych",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _to_tool(name: str, kind: _Kind) -> Tool:
    return Tool(
        name=name,
        title=kind.title,
        description=kind.description,
        input_schema=kind.arguments.model_json_schema(by_alias=True),
        output_schema=TypeAdapter(kind.answer).json_schema(mode="serialization"),
        annotations=ToolAnnotations(
            title=kind.title,
            read_only_hint=True,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )


async def _call(get_service: GetService, name: str, arguments: dict[str, Any]) -> CallToolResult:
    """A tool's answer; whatever goes wrong is one too, for the caller to read."""
    if name not in TOOLS:
        return _to_error(f"there is no tool {name!r:.100}; there are: {', '.join(TOOLS)}")
    kind = TOOLS[name]
    try:
        asked = kind.arguments.model_validate(arguments)
        return await kind.call(await get_service(), asked)
    except ValidationError as error:
        return _to_error("; ".join(_iter_wrong(error)))
    except DiptychError as error:
        return _to_error(str(error))
    except TimeoutError:
        return _to_error("the answer took too long: ask for fewer hits, or again in a moment")
    except Exception:  # noqa: BLE001 - a call that fails must not end the server
        _LOG.exception("%s failed", name)
        return _to_error(f"{name} failed, which is a mistake of ours; the server's log says more")


def _iter_wrong(error: ValidationError) -> list[str]:
    """What is wrong with each argument, without its value, which may be a whole image."""
    return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]


def _to_error(sentence: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=sentence)], is_error=True)
