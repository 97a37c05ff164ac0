"""``/``, ``/item/{point_id}``, ``/overview``, ``/map`` and ``/login``."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from schemas.query import Target
from schemas.records import Modality
from search.server.dependencies import TheService
from search.server.page.address import MOST_SHOWN, ORDERS, PAGE_HITS, Address, read_address
from search.server.page.error_pages import PageRoute
from search.server.page.facet_groups import FacetCounter, to_choice
from search.server.page.item_view import to_item_view
from search.server.page.marks import to_paragraphs
from search.server.page.renderer import FRAGMENT, Renderer
from search.server.page.results import (
    read_best_sentence,
    read_named,
    read_results,
    read_samples,
    read_sentences,
    read_similar,
)
from search.server.service import Service

router = APIRouter(include_in_schema=False, route_class=PageRoute)

IMAGES_LIKE_IT = 12
TEXTS_LIKE_IT = 6
SAMPLES = 8
LISTED = 36


@router.get("/")
async def show_search(request: Request, service: TheService) -> Response:
    """The search box and, where something is asked, the answer; to the script only that."""
    address = read_address(request.query_params.multi_items())
    renderer: Renderer = request.app.state.renderer
    asked_for = request.headers.get(FRAGMENT)
    if asked_for == "sentences" and address.has_query:
        found = await read_sentences(service, address)
        return renderer.render(request, "_sentences.html", results=found)
    values = await _read_values(request, service, address)
    name = {"answer": "_answer.html", "more": "_more.html"}.get(asked_for or "", "search.html")
    return renderer.render(request, name, **values)


async def _read_values(request: Request, service: TheService, address: Address) -> dict[str, Any]:
    counter = find_counter(request, service)
    cursor = request.query_params.get("cursor") or None
    if not address.has_query:
        samples = await asyncio.to_thread(read_samples, service, SAMPLES)
        empty: dict[str, Any] = {"results": None, "named": [], "groups": [], "chips": []}
        return {"address": address, "sentence": None, "samples": samples, **empty}
    results, named, groups = await asyncio.gather(
        read_results(service, address, cursor),
        read_named(service, address),
        counter.read_groups(address),
    )
    chips = [to_choice(address, name, value) for name, value in address.chosen]
    most_shown = min(MOST_SHOWN, service.settings.serve.max_top_k)
    return {
        "orders": ORDERS,
        "most_shown": most_shown,
        "is_full": address.shown + (PAGE_HITS if cursor else 0) >= most_shown,
        "address": address,
        "results": results,
        "named": named,
        "groups": groups,
        "chips": chips,
        "sentence": None,
        "samples": [],
    }


@router.get("/item/{point_id}")
async def show_item(point_id: str, request: Request, service: TheService) -> HTMLResponse:
    """One item: what it is, what it says, what is like it."""
    item = await service.item(point_id)
    asked = read_address(request.query_params.multi_items())
    images, texts, sentence = await asyncio.gather(
        read_similar(service, item.point_id, Target.IMAGE, IMAGES_LIKE_IT),
        read_similar(service, item.point_id, Target.TEXT, TEXTS_LIKE_IT),
        read_best_sentence(service, item, asked.text),
    )
    renderer: Renderer = request.app.state.renderer
    view = to_item_view(item)
    return renderer.render(
        request,
        "item.html",
        view=view,
        asked_text=asked.text,
        paragraphs=to_paragraphs(item.text or "", asked.text, title=view.title, sentence=sentence),
        images=images,
        texts=texts,
        address=Address(liked=(item.point_id,)),
    )


@router.get("/overview")
async def show_overview(request: Request, service: TheService) -> HTMLResponse:
    """What is indexed, from where, when last, and what failed."""
    renderer: Renderer = request.app.state.renderer
    return renderer.render(request, "overview.html", status=await service.status())


@router.get("/map")
async def show_map(request: Request, service: TheService) -> HTMLResponse:
    """The shared space in two dimensions; the script draws it, a list says some of it."""
    found = await service.space_map()
    points = found.points if found else ()
    images = sum(one.modality is Modality.IMAGE for one in points)
    renderer: Renderer = request.app.state.renderer
    return renderer.render(
        request,
        "map.html",
        found=bool(points),
        image_count=images,
        text_count=len(points) - images,
        some=points[:: max(1, len(points) // LISTED)][:LISTED],
    )


@router.get("/login")
async def show_login(request: Request) -> Response:
    """The form that a token is shown to."""
    if not request.app.state.tokens:
        return RedirectResponse("/", status_code=303)
    renderer: Renderer = request.app.state.renderer
    query = request.query_params
    return renderer.render(
        request, "login.html", next=query.get("next", "/"), is_wrong="wrong" in query
    )


def find_counter(request: Request, service: Service) -> FacetCounter:
    """The application's counter of values, made when it is first asked for."""
    state = request.app.state
    if not hasattr(state, "facet_counter"):
        state.facet_counter = FacetCounter(service)
    counter: FacetCounter = state.facet_counter
    return counter
