"""``/v1/items``: what is known of a point, what is like it, and what it looks like."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from schemas.errors import SourceError, SourceTooLarge, UnsupportedFormat
from schemas.query import Composition, Page, Term
from schemas.query import Query as QueryPart
from search.item import Item
from search.server.dependencies import TheService
from search.server.models import AddressOptions
from search.server.problems import to_problem
from search.server.requests import to_options

router = APIRouter(prefix="/v1/items", tags=["items"])

SIDE_PIXELS: Final = 320

KEPT_SECONDS: Final = 86_400
"""For which a browser need not ask for a thumbnail again."""

INLINE: Final = frozenset(
    {"application/pdf", "image/avif", "image/bmp", "image/gif", "image/jpeg", "image/png",
     "image/tiff", "image/webp"}
)  # fmt: skip
"""What a browser shows without running anything in it; all else is saved."""

SANDBOX: Final = "sandbox; default-src 'none'"
"""Of an original, whatever it turns out to be."""

PointId = Annotated[
    str, Path(description="A hit's `point_id`.", json_schema_extra={"format": "uuid"})
]
Side = Annotated[int, Query(ge=64, le=1024, description="Of the longer side, in pixels.")]

PICTURE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The picture.",
        "content": {"image/webp": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "It is as it was: `If-None-Match` named it."},
}
ANY_BYTES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The bytes that were indexed.",
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: PICTURE[304],
}


@router.get("/{point_id}", response_model=Item, operation_id="get_item")
async def get_item(point_id: PointId, service: TheService) -> JSONResponse:
    """What the collection knows of a point, and which points its item has."""
    return JSONResponse((await service.item(point_id)).to_json())


@router.get("/{point_id}/similar", response_model=Page, operation_id="more_like_this")
async def more_like_this(
    point_id: PointId,
    asked: Annotated[AddressOptions, Query()],
    service: TheService,
) -> JSONResponse:
    """The nearest items to one, best first; itself is not among them."""
    await service.item(point_id)  # a name of another kind is no point
    query = Composition((Term(QueryPart(item=point_id)),))
    page = await service.search(query, **to_options(asked, service.settings.serve))
    return JSONResponse(page.to_json())


@router.get(
    "/{point_id}/thumbnail",
    response_class=Response,
    responses=PICTURE,
    operation_id="get_thumbnail",
)
async def get_thumbnail(
    point_id: PointId, request: Request, service: TheService, side: Side = SIDE_PIXELS
) -> Response:
    """A small picture: an image, a figure, or the page of a passage in a PDF."""
    try:
        found = await service.thumbnail(point_id, side)
    except SourceError as error:
        return _to_gone(error)
    headers = to_kept(found.etag)
    if is_known(request, found.etag):
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)


@router.get(
    "/{point_id}/original",
    response_class=Response,
    responses=ANY_BYTES,
    operation_id="get_original",
)
async def get_original(point_id: PointId, request: Request, service: TheService) -> Response:
    """The bytes that were indexed; images and PDF to be shown, all else to be saved."""
    try:
        found = await service.original(point_id)
    except SourceError as error:
        return _to_gone(error)
    headers = {
        **to_kept(found.etag),
        "Content-Disposition": to_disposition(found.file_name, found.media_type),
        "Content-Security-Policy": SANDBOX,
        "X-Content-Type-Options": "nosniff",
    }
    if is_known(request, found.etag):
        return Response(status_code=304, headers=headers)
    is_shown = found.media_type in INLINE
    media_type = found.media_type if is_shown else "application/octet-stream"
    return Response(found.content, media_type=media_type, headers=headers)


def to_disposition(file_name: str, media_type: str) -> str:
    """``Content-Disposition`` of RFC 6266, with the name in ASCII and in full."""
    kind = "inline" if media_type in INLINE else "attachment"
    plain = "".join(c if (c.isascii() and c.isalnum()) or c in "._- " else "_" for c in file_name)
    full = quote(file_name.encode("utf-8", "replace"), safe="")
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{full}"


def to_kept(etag: str) -> dict[str, str]:
    """Headers of what a browser, and nobody between, may keep."""
    return {"ETag": f'"{etag}"', "Cache-Control": f"private, max-age={KEPT_SECONDS}"}


def is_known(request: Request, etag: str) -> bool:
    """Whether ``If-None-Match`` names it."""
    given = request.headers.get("if-none-match", "")
    tags = [one.strip().removeprefix("W/") for one in given.split(",")]
    return f'"{etag}"' in tags or tags == ["*"]


def _to_gone(error: SourceError) -> Response:
    """Without what the system says of paths."""
    status = 413 if isinstance(error, SourceTooLarge) else 404
    detail = "its item cannot be read as it was indexed: it is gone or has changed; sync it"
    if isinstance(error, UnsupportedFormat):
        detail = "it has no picture: show its words"
    elif isinstance(error, SourceTooLarge):
        detail = "its item is larger than the settings allow"
    return to_problem(status, error.kind, detail)
