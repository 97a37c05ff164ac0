"""``/v1/records``: files that are sent become items like any others."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from pathlib import Path as FilePath
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from schemas.errors import DiptychError, MassDeleteRefused, PointMissing, UnsupportedFormat
from schemas.sync_report import SyncReport
from search.server.answers import RecordAnswer
from search.server.dependencies import TheService
from search.server.inbox import Inbox
from search.server.problems import to_problem
from search.server.service import Service
from search.server.syncing import INBOX, Syncing

router = APIRouter(prefix="/v1/records", tags=["records"])

RecordPath = Annotated[
    str,
    Path(description="Path and name, with an ending that tells the format: `2024/a.jpg`."),
]

NO_INBOX: Final = (
    "this server takes no records: start it with --inbox DIR, a folder that becomes a root of "
    "the collection"
)

BYTES: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "The bytes of an image, a text or a document.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}

PENDING: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": RecordAnswer, "description": "It is kept; it will be indexed."}
}


@router.put(
    "/{path:path}",
    response_model=RecordAnswer,
    responses=PENDING,
    operation_id="put_record",
    openapi_extra=BYTES,
)
async def put_record(path: RecordPath, request: Request, service: TheService) -> JSONResponse:
    """Index a file, in place of one of the same path; of one that fails nothing is kept."""
    syncing = service.syncing
    inbox = _open_inbox(syncing)
    if syncing is None or inbox is None:
        return to_problem(403, "NoInbox", NO_INBOX)
    place = inbox.to_path(path)
    unfinished = await inbox.receive(place, request.stream())
    with inbox.dropping(unfinished):
        return await _write(unfinished, path, inbox, syncing, service)


async def _write(
    unfinished: FilePath, path: str, inbox: Inbox, syncing: Syncing, service: Service
) -> JSONResponse:
    async with syncing.writing.setdefault(path, asyncio.Lock()):
        place = inbox.to_path(path)  # others have written meanwhile
        before = inbox.place(unfinished, place)
        try:
            answer = await _wait(syncing.sync_inbox(), inbox.to_uri(path), service)
            answer = await _check_indexed(answer, service)
        except DiptychError:
            inbox.settle(place, before, is_kept=False)
            raise
        inbox.settle(place, before, is_kept=answer.outcome != "failed")
    return _to_response(answer)


@router.delete(
    "/{path:path}", response_model=RecordAnswer, responses=PENDING, operation_id="delete_record"
)
async def delete_record(path: RecordPath, service: TheService) -> JSONResponse:
    """Remove a file and its points."""
    syncing = service.syncing
    inbox = _open_inbox(syncing)
    if syncing is None or inbox is None:
        return to_problem(403, "NoInbox", NO_INBOX)
    # Of one that is being written: when that has come to its end, which may bring back another.
    async with syncing.writing.setdefault(path, asyncio.Lock()):
        place = inbox.to_path(path)
        try:
            place.unlink()
        except FileNotFoundError:
            raise PointMissing(f"there is no record {path!r:.200}") from None
        inbox.tidy(place)
        run = syncing.sync_inbox(deletes=True)
    return _to_response(await _wait(run, inbox.to_uri(path), service, done="deleted"))


def _open_inbox(syncing: Syncing | None) -> Inbox | None:
    folder = syncing.inbox if syncing else None
    return None if folder is None else Inbox(folder, INBOX)


async def _wait(
    run: Future[SyncReport],
    uri: str,
    service: Service,
    *,
    done: Any = "indexed",  # noqa: ANN401 - an outcome
) -> RecordAnswer:
    """What a run says of a record; it goes on where it takes long."""
    try:
        async with asyncio.timeout(service.settings.serve.request_seconds):
            report = await asyncio.shield(asyncio.wrap_future(run))
    except TimeoutError:
        return RecordAnswer("pending", uri)
    for root in report.roots:
        for failure in root.failures:
            if failure.source_uri == uri:
                return RecordAnswer("failed", uri, failure.kind, failure.message)
    for one in report.problems:
        if one.kind != MassDeleteRefused.__name__:  # of other records; these are all indexed
            return RecordAnswer("failed", uri, one.kind, "the inbox could not be synchronised")
    return RecordAnswer(done, uri)


async def _check_indexed(answer: RecordAnswer, service: Service) -> RecordAnswer:
    """What is of no known kind is passed over in silence, and here that is a failure."""
    if answer.outcome != "indexed" or await service.has_item(answer.source_uri):
        return answer
    kind, reason = UnsupportedFormat.__name__, "is of no kind that is indexed; see its ending"
    return RecordAnswer("failed", answer.source_uri, kind, reason)


def _to_response(answer: RecordAnswer) -> JSONResponse:
    status = 202 if answer.outcome == "pending" else 200
    if answer.outcome == "failed":
        status = 415 if answer.kind == UnsupportedFormat.__name__ else 422
        return to_problem(status, answer.kind or "Failed", f"{answer.source_uri}: {answer.reason}")
    return JSONResponse(answer.to_json(), status_code=status)
