"""``POST /upload``: a photograph from a browser without a script."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response

from search.server.dependencies import TheService
from search.server.forms import read_form
from search.server.page.address import read_address
from search.server.page.error_pages import PageRoute, to_error_page
from search.server.upload_routes import keep_image

router = APIRouter(include_in_schema=False, route_class=PageRoute)

NOTHING_CHOSEN = "No photograph was chosen."


@router.post("/upload")
async def keep_photograph(request: Request, service: TheService) -> Response:
    """Keep the photograph, and go to the answer that it belongs to.

    The query string is that of the page that it was sent from.
    """
    try:
        content = (await read_form(request)).images[0]
    except RequestValidationError:
        content = b""
    if not content:
        return to_error_page(request, HTTPStatus.UNPROCESSABLE_ENTITY, NOTHING_CHOSEN)
    upload_id, _ = await keep_image(service, content)
    address = read_address(request.query_params.multi_items())
    return RedirectResponse(address.to_url(upload=upload_id), status_code=303)
