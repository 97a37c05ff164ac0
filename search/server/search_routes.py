"""``/v1/search``, ``/v1/facets``, ``/v1/feedback``."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from schemas.query import Composition, Page, Term
from schemas.query import Query as QueryPart
from search.facets import Facets
from search.feedback import Rocchio, refine
from search.server.answers import Pages
from search.server.dependencies import TheService
from search.server.forms import read_form, to_form_schema
from search.server.requests import check_field, from_address, to_composition, to_options, to_where
from search.server.search_models import (
    AddressModel,
    BatchModel,
    FacetsModel,
    FeedbackModel,
    SearchModel,
)

router = APIRouter(prefix="/v1", tags=["search"])

REQUEST_FIELD: Final = "request"


@router.get("/search", response_model=Page, operation_id="search_by_address")
async def search_by_address(
    asked: Annotated[AddressModel, Query()], service: TheService
) -> JSONResponse:
    """The nearest items, best first; the query is in the address."""
    query = from_address(asked, service.uploads.read)
    page = await service.search(query, **to_options(asked, service.settings.serve))
    return JSONResponse(page.to_json())


@router.post("/search", response_model=Page, operation_id="search")
async def search(asked: SearchModel, service: TheService) -> JSONResponse:
    """The nearest items, best first."""
    query = to_composition(asked, service.uploads.read)
    page = await service.search(query, **to_options(asked, service.settings.serve))
    return JSONResponse(page.to_json())


@router.post(
    "/search/upload",
    response_model=Page,
    operation_id="search_with_images",
    openapi_extra=to_form_schema(
        {REQUEST_FIELD: {"type": "string", "description": "The JSON of `POST /v1/search`."}}
    ),
)
async def search_with_images(request: Request, service: TheService) -> JSONResponse:
    """The nearest items, best first; images are sent as files, and are parts of the query."""
    form = await read_form(request, fields=(REQUEST_FIELD,))
    asked = _read_request(form.fields.get(REQUEST_FIELD, "{}"))
    images = tuple(Term(QueryPart(image=image)) for image in form.images)
    has_more = asked.terms or any(
        one is not None for one in (asked.text, asked.image, asked.item, asked.upload)
    )
    more = to_composition(asked, service.uploads.read).terms if has_more else ()
    options = to_options(asked, service.settings.serve)
    page = await service.search(Composition((*images, *more)), **options)
    return JSONResponse(page.to_json())


@router.post("/search/batch", response_model=Pages, operation_id="search_batch")
async def search_batch(asked: BatchModel, service: TheService) -> JSONResponse:
    """A page for each query; one that cannot be answered fails all."""
    queries = [to_composition(one, service.uploads.read) for one in asked.queries]
    options = to_options(asked, service.settings.serve)
    pages = await service.search_batch(queries, **options)
    return JSONResponse(Pages(tuple(pages)).to_json())


@router.post("/feedback", response_model=Page, operation_id="refine")
async def refine_search(asked: FeedbackModel, service: TheService) -> JSONResponse:
    """The query once more, moved towards the hits that were right and away from the others."""
    weights = Rocchio(asked.weights.alpha, asked.weights.beta, asked.weights.gamma)
    query = to_composition(asked, service.uploads.read)
    refined = refine(query, asked.liked, asked.disliked, weights=weights)
    page = await service.search(refined, **to_options(asked, service.settings.serve))
    return JSONResponse(page.to_json())


@router.get("/facets", response_model=Facets, operation_id="facets")
async def count_facets(asked: Annotated[FacetsModel, Query()], service: TheService) -> JSONResponse:
    """How many points have each value of a field."""
    allowed = service.settings.serve
    check_field(asked.field, allowed)
    where = None if asked.where is None else to_where(asked.where, allowed)
    found = await service.facets(asked.field, target=asked.target, where=where, limit=asked.limit)
    return JSONResponse(found.to_json())


def _read_request(text: str) -> SearchModel:
    try:
        return SearchModel.model_validate_json(text)
    except ValidationError as error:
        issues: list[Any] = error.errors(include_input=False, include_url=False)
        for one in issues:
            one["loc"] = ("body", REQUEST_FIELD, *one["loc"])
        raise RequestValidationError(issues) from None
