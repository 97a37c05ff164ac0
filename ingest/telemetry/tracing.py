"""A run as a trace for OpenTelemetry: a span a run, a child a root (extra ``otel``).

It is switched on by the standard environment variables, and nothing is imported without them. The
spans are made from the report when the run is over, so tracing cannot disturb it.
"""

from __future__ import annotations

import logging
import os
from collections import Counter as Tally
from dataclasses import asdict
from datetime import datetime
from importlib.util import find_spec
from threading import Thread
from typing import TYPE_CHECKING

from schemas.audit import AuditReport
from schemas.errors import SettingsError
from schemas.report import EXIT_MISMATCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.trace import Span, Tracer

    from ingest.telemetry.report_file import Report
    from schemas.report import RunReport

EXPORT_SECONDS = 3.0
"""A collector that has not taken the spans by then does not get them."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NANOSECONDS = 1_000_000_000

_LOG = logging.getLogger(__name__)


def is_traced() -> bool:
    """Whether the environment names a collector and does not switch tracing off."""
    is_off = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    is_off = is_off or os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
    return not is_off and any(os.environ.get(name, "").strip() for name in _ENDPOINTS)


def check_tracing() -> None:
    """Say before a run what would be missing after it.

    Raises:
        SettingsError: A collector is named and the extra is not installed.
    """
    if is_traced() and not _is_installed():
        raise SettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set and OpenTelemetry is not installed: "
            "pip install 'diptych[otel]', or set OTEL_SDK_DISABLED=true"
        )


def export_trace(report: Report, collection: str) -> bool:
    """Send a run's spans to the collector that the environment names, in a few seconds or never.

    A collector that is away costs a warning, and at most :data:`EXPORT_SECONDS` and a second.

    Args:
        report: Of the run.
        collection: Name that stays over migrations.

    Returns:
        Whether the spans were taken; also False where tracing is off.

    Raises:
        SettingsError: See :func:`check_tracing`.
    """
    check_tracing()
    if not is_traced():
        return False
    taken: list[bool] = []
    # Resolving a name has no time limit of its own.
    sender = Thread(
        target=lambda: taken.append(_try_to_send(report, collection)),
        name="diptych-otel",
        daemon=True,
    )
    sender.start()
    sender.join(EXPORT_SECONDS + 1)
    if taken != [True]:
        _LOG.warning("the trace of run %s was not taken by its collector", report.run_id)
    return taken == [True]


def to_spans(report: Report, collection: str) -> Sequence[ReadableSpan]:
    """The spans of a run, children first.

    Roots are gone through one after another, so each begins where the one before it ended; those of
    an audit are of its repair. The parent is that of the environment variable ``TRACEPARENT``,
    where a scheduler sets it.
    """
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    ended = InMemorySpanExporter()
    provider = _make_provider()
    provider.add_span_processor(SimpleSpanProcessor(ended))
    tracer = provider.get_tracer("diptych")
    begin = _to_nanoseconds(report.started_at)
    carrier = {"traceparent": os.environ.get("TRACEPARENT", "")}
    parent = TraceContextTextMapPropagator().extract(carrier)
    run = tracer.start_span(f"diptych {report.command}", context=parent, start_time=begin)
    synced = report.repair if isinstance(report, AuditReport) else report
    at = _to_nanoseconds(synced.started_at) if synced else begin
    for root in synced.roots if synced else ():
        at = _add_root(tracer, root, at, parent=set_span_in_context(run, parent))
    _describe(run, report, collection)
    run.end(max(at, begin + int(report.seconds * _NANOSECONDS)))
    return ended.get_finished_spans()


def _make_provider() -> TracerProvider:
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider

    named = Resource.create()  # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
    if str(named.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        named = named.merge(Resource({SERVICE_NAME: "diptych"}))
    return TracerProvider(resource=named, shutdown_on_exit=False)


def _add_root(tracer: Tracer, root: RunReport, begin: int, *, parent: Context) -> int:
    span = tracer.start_span("diptych root", context=parent, start_time=begin)
    span.set_attribute("diptych.root", _clean(root.root))
    for name, number in asdict(root.counts).items():
        span.set_attribute(f"diptych.items.{name}", number)
    for kind, number in Tally(failure.kind for failure in root.failures).items():
        span.set_attribute(f"diptych.failures.{kind}", number)
    span.set_attribute("diptych.interrupted", root.interrupted)
    end = begin + int(root.seconds.get("total", 0.0) * _NANOSECONDS)
    span.end(end)
    return end


def _describe(span: Span, report: Report, collection: str) -> None:
    from opentelemetry.trace import StatusCode

    attributes: dict[str, str | int | bool] = {
        "run_id": report.run_id,
        "collection": collection,
        "generation": report.collection,
        "model": report.model_id,
        "exit_code": report.exit_code,
        "interrupted": report.is_interrupted,
    }
    if isinstance(report, AuditReport):
        attributes |= {f"findings.{kind}": number for kind, number in report.counts.items()}
    else:
        attributes["rebuilt"] = report.rebuilt
    for name, value in attributes.items():
        span.set_attribute(f"diptych.{name}", value)
    if report.points is not None:
        span.set_attribute("diptych.points", report.points)
    for problem in report.problems:
        said = {"diptych.root": problem.root, "exception.message": problem.message}
        cleaned = {name: _clean(value) for name, value in said.items()}
        span.add_event("exception", {"exception.type": problem.kind, **cleaned})
    if report.problems:
        span.set_status(StatusCode.ERROR, _clean(report.problems[0].message))
    elif report.exit_code == EXIT_MISMATCH:
        span.set_status(StatusCode.ERROR, "sources, ledger and collection differ")


def _to_nanoseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp()) * _NANOSECONDS


def _try_to_send(report: Report, collection: str) -> bool:
    try:
        return _send(to_spans(report, collection))
    except Exception as error:  # noqa: BLE001 - whatever the environment holds, the run is done
        _LOG.warning("a trace cannot be sent: %s", error)
        return False


def _send(spans: Sequence[ReadableSpan]) -> bool:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult

    exporter = OTLPSpanExporter(timeout=EXPORT_SECONDS)
    try:
        return exporter.export(spans) is SpanExportResult.SUCCESS
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]


def _is_installed() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # a parent package is not there
        return False


def _clean(value: str) -> str:
    """Names of files may hold bytes that are no UTF-8, which protobuf refuses."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8")
