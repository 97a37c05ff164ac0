"""``/v1/search``."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from schemas.query import Page
from search.server.dependencies import TheService
from search.server.models import OptionsModel, QueryModel
from search.server.requests import to_composition, to_options

router = APIRouter(prefix="/v1", tags=["search"])


class SearchModel(QueryModel, OptionsModel):
    """A query with its options."""


@router.post("/search", response_model=Page)
async def search(asked: SearchModel, service: TheService) -> JSONResponse:
    """The nearest items, best first."""
    page = await service.search(to_composition(asked), **to_options(asked))
    return JSONResponse(page.to_json())
