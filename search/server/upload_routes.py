"""``/v1/uploads``: query images that an address can name."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response
from PIL.Image import Image

from ingest.decode.image import DecodedImage
from search.server.answers import Uploaded
from search.server.dependencies import TheService
from search.server.forms import read_form, to_form_schema
from search.server.item_routes import PICTURE, SIDE_PIXELS, Side, is_known, to_kept
from search.server.service import Service

router = APIRouter(prefix="/v1/uploads", tags=["search"])

UploadPath = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


@router.post(
    "",
    response_model=Uploaded,
    status_code=201,
    operation_id="upload_image",
    openapi_extra=to_form_schema({}),
)
async def upload_image(request: Request, service: TheService) -> JSONResponse:
    """Keep a query image for a while; its `id` is the `upload` of a query."""
    content = (await read_form(request)).images[0]
    upload_id, decoded = await keep_image(service, content)
    until = datetime.now(UTC) + timedelta(seconds=service.settings.serve.upload_seconds)
    uploaded = Uploaded(
        id=upload_id,
        width_pixels=decoded.width_pixels,
        height_pixels=decoded.height_pixels,
        size_bytes=len(content),
        expires_at=until.isoformat(timespec="seconds"),
    )
    return JSONResponse(uploaded.to_json(), status_code=201)


async def keep_image(service: Service, content: bytes) -> tuple[str, DecodedImage]:
    """Keep an encoded image that can be decoded; its id, and the image.

    Raises:
        DiptychError: As :meth:`search.server.images.ImageDecoder.decode_whole` does.
    """
    side_pixels = service.encoder.space.image_size_pixels
    decoded = await service.images.decode_whole(content, side_pixels)
    return await asyncio.to_thread(service.uploads.keep, content), decoded


@router.get(
    "/{upload_id}/thumbnail",
    response_class=Response,
    responses=PICTURE,
    operation_id="get_upload_thumbnail",
)
async def get_upload_thumbnail(
    upload_id: UploadPath, request: Request, service: TheService, side: Side = SIDE_PIXELS
) -> Response:
    """A small picture of an uploaded image."""
    content = await asyncio.to_thread(service.uploads.read, upload_id)
    headers = to_kept(f"{upload_id}-{side}")
    if is_known(request, f"{upload_id}-{side}"):
        return Response(status_code=304, headers=headers)
    image = await service.images.decode(content, side)
    drawn = await asyncio.to_thread(_to_webp, image, side)
    return Response(drawn, media_type="image/webp", headers=headers)


def _to_webp(image: Image, side: int) -> bytes:
    image.thumbnail((side, side))
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()
