"""Traces: what a collector on this machine receives from the real exporter."""

from __future__ import annotations

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from ingest.telemetry import tracing
from schemas.errors import SettingsError
from tests.sync_reports import UNMOUNTED, make_report, make_root

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra otel")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND = 1_000_000_000
START = 1772359200 * SECOND
"""2026-03-01T10:00:00 in UTC."""


class Collector:
    """Takes spans, or answers with a status of its own."""

    def __init__(self) -> None:
        self.received: list[Any] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.path == "/v1/traces"
                outer.received.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRACEPARENT", "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    collector = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    serving = Thread(target=collector.server.serve_forever, args=(0.01,))
    serving.start()
    yield collector
    collector.server.shutdown()
    serving.join()
    collector.server.server_close()


def attributes(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def test_a_run_is_a_span_and_each_root_a_child(collector: Collector) -> None:
    roots = (make_root(), make_root("notes", failures=(), seconds={"total": 1.0}))
    assert tracing.export_trace(make_report(roots=roots), "diptych") is True
    (request,) = collector.received
    (resource,) = request.resource_spans
    assert attributes(resource.resource)["service.name"] == "diptych"
    first, second, run = resource.scope_spans[0].spans
    assert [run.name, first.name, second.name] == ["diptych sync", "diptych root", "diptych root"]
    assert first.parent_span_id == second.parent_span_id == run.span_id
    assert run.parent_span_id == b""
    assert {first.trace_id, second.trace_id} == {run.trace_id}
    spans = [(one.start_time_unix_nano, one.end_time_unix_nano) for one in (run, first, second)]
    assert spans == [
        (START, START + 21 * SECOND // 4),
        (START, START + 5 * SECOND // 2),
        (START + 5 * SECOND // 2, START + 7 * SECOND // 2),
    ]
    told = attributes(first)
    assert told["diptych.root"] == "photos"
    assert told["diptych.items.added"] == 4
    assert told["diptych.failures.DecodeError"] == 2
    assert attributes(run) == {
        "diptych.run_id": "0af7651916cd43dd8448eb211c80319c",
        "diptych.collection": "diptych",
        "diptych.generation": "diptych__g001",
        "diptych.model": "hinge-en-1",
        "diptych.exit_code": 3,
        "diptych.interrupted": False,
        "diptych.rebuilt": False,
        "diptych.points": 38,
    }
    assert run.status.code == 0


def test_a_problem_is_an_error_of_the_span(collector: Collector) -> None:
    tracing.export_trace(make_report(roots=(), problems=(UNMOUNTED,)), "diptych")
    (run,) = collector.received[0].resource_spans[0].scope_spans[0].spans
    assert run.status.code == 2
    assert run.status.message == UNMOUNTED.message
    assert attributes(run.events[0])["exception.type"] == "SourceUnavailable"


def test_the_trace_of_a_scheduler_is_gone_on_with(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    monkeypatch.setenv("TRACEPARENT", f"00-{trace}-{span}-01")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "nightly")
    tracing.export_trace(make_report(roots=(make_root("p-\udcff"),)), "diptych")
    (resource,) = collector.received[0].resource_spans
    root, run = resource.scope_spans[0].spans
    assert (run.trace_id.hex(), run.parent_span_id.hex()) == (trace, span)
    assert root.parent_span_id == run.span_id
    assert attributes(resource.resource)["service.name"] == "nightly"


@pytest.mark.parametrize("status", [400, 503])
def test_a_collector_that_refuses_costs_a_warning(
    collector: Collector, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = status
    assert tracing.export_trace(make_report(), "diptych") is False
    assert "was not taken by its collector" in caplog.text


def test_nobody_at_the_endpoint_costs_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    assert tracing.export_trace(make_report(), "diptych") is False
    assert "was not taken by its collector" in caplog.text


def test_a_wrong_setting_of_the_exporter_costs_a_warning(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "none-such")
    assert tracing.export_trace(make_report(), "diptych") is False
    assert collector.received == []
    assert "a trace cannot be sent" in caplog.text


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")]
)
def test_tracing_can_be_switched_off(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert tracing.export_trace(make_report(), "diptych") is False
    assert collector.received == []


def test_nothing_is_imported_without_an_endpoint() -> None:
    script = (
        "import sys; from tests.sync_reports import make_report\n"
        "from ingest.telemetry.tracing import export_trace\n"
        "assert export_trace(make_report(), 'diptych') is False\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_an_endpoint_without_the_extra_is_said_before_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces")
    monkeypatch.setattr(tracing, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"diptych\[otel\]"):
        tracing.check_tracing()
