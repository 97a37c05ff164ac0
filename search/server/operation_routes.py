"""What operators and their machines ask: health, readiness, version, metrics, status."""

from __future__ import annotations

import asyncio
from threading import Event
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from schemas.errors import DiptychError
from search.server.answers import Health, ServerStatus, VersionAnswer
from search.server.dependencies import TheService
from search.server.metrics import CONTENT_TYPE
from search.server.problems import to_problem
from search.server.status import read_version
from search.space_map import SpaceMap

router = APIRouter(tags=["operation"])

READY_SECONDS: Final = 10.0
"""In which the index must answer."""

TEXT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "In the text format of Prometheus.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}


def get_draining(request: Request) -> Event:
    """Set when the server is about to stop."""
    draining: Event = request.app.state.draining
    return draining


@router.get("/healthz", response_model=Health, operation_id="health")
async def health() -> JSONResponse:
    """Whether the process answers."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz", response_model=Health, operation_id="readiness")
async def readiness(
    service: TheService, draining: Annotated[Event, Depends(get_draining)]
) -> JSONResponse:
    """Whether searches will be answered: the index is there and its encoder has been proven."""
    if draining.is_set():
        return to_problem(503, "Stopping", "the server is about to stop: ask another one")
    try:
        async with asyncio.timeout(READY_SECONDS):
            await service.prove()
    except (DiptychError, TimeoutError):
        return to_problem(503, "NotReady", "searches cannot be answered now; the log says why")
    return JSONResponse({"status": "ok"})


@router.get("/version", response_model=VersionAnswer, operation_id="version")
async def version() -> JSONResponse:
    """Which Diptych answers."""
    return JSONResponse({"version": read_version()})


@router.get("/metrics", response_class=Response, responses=TEXT, operation_id="metrics")
async def metrics(service: TheService) -> Response:
    """For Prometheus."""
    return Response(service.metrics.to_text(), headers={"Content-Type": CONTENT_TYPE})


@router.get("/v1/map", response_model=SpaceMap, operation_id="space_map")
async def space_map(service: TheService) -> JSONResponse:
    """A sample of the collection on a plane, images and texts."""
    found = await service.space_map()
    if found is None:
        return to_problem(404, "NoMap", "there is no map yet: a synchronisation makes one")
    return JSONResponse(found.to_json())


@router.get("/v1/status", response_model=ServerStatus, operation_id="status")
async def status(service: TheService) -> JSONResponse:
    """The collection and the server as they stand."""
    return JSONResponse((await service.status()).to_json())
