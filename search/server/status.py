"""``/v1/status``: what ``diptych status`` says, without what is nobody's business."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from ingest.status.read import read_status
from search.server.answers import LastRun, ServedRoot, ServerStatus

if TYPE_CHECKING:
    from schemas.status import RootStatus, StatusReport
    from search.server.service import Service


def read_version() -> str:
    """Of the installed Diptych."""
    try:
        return version("diptych")
    except PackageNotFoundError:
        return "0"


def read_server_status(service: Service) -> ServerStatus:
    """The collection and the server as they stand; counts all points.

    Raises:
        DiptychError: As :func:`ingest.status.read.read_status` does.
    """
    settings = service.settings
    report = read_status(settings, engine=service.engine)
    service.metrics.points.set(report.points)
    shows = settings.serve.show_locations
    syncing = service.syncing
    return ServerStatus(
        version=read_version(),
        collection=report.collection,
        model_id=report.model_id,
        points=report.points,
        images=sum(root.images for root in report.roots),
        texts=sum(root.texts for root in report.roots),
        roots=tuple(_to_served(root, shows=shows) for root in report.roots),
        failures=report.failures,
        generations=report.generations,
        searches=service.searches.count,
        last_run=_to_last_run(report),
        last_sync_error=syncing.last_error if syncing else None,
        notes=report.notes if shows else (),
    )


def _to_served(root: RootStatus, *, shows: bool) -> ServedRoot:
    return ServedRoot(
        root=root.root,
        images=root.images,
        texts=root.texts,
        failed=root.failed,
        items=root.items,
        finished_at=root.finished_at,
        source=root.source if shows else None,
    )


def _to_last_run(report: StatusReport) -> LastRun | None:
    run = report.last_run
    if run is None:
        return None
    return LastRun(
        command=run.get("command", "sync"),
        finished_at=run.get("finished_at", ""),
        seconds=run.get("seconds", 0.0),
        counts=run.get("counts", {}),
        problems=tuple(one.get("kind", "") for one in run.get("problems", ())),
    )
