"""Every foreign exception has its counterpart."""

from __future__ import annotations

import inspect
from typing import Any

import grpc
import httpx
import pytest
from qdrant_client.common import client_exceptions
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http import exceptions
from qdrant_client.http.exceptions import (
    ApiException,
    ResponseHandlingException,
    UnexpectedResponse,
)

from ingest.store.translate import to_store_error
from schemas.errors import (
    CollectionMissing,
    DiptychError,
    InvalidVector,
    LockHeld,
    StoreRejected,
    StoreTimeout,
    StoreUnavailable,
)

AT = "http://there:6333"
REQUEST = httpx.Request("GET", AT)


def unexpected(status: int, content: bytes = b"said", **headers: str) -> UnexpectedResponse:
    fields = {key.replace("_", "-"): value for key, value in headers.items()}
    return UnexpectedResponse(status, "Reason", content, httpx.Headers(fields))


def failed_call(code: grpc.StatusCode, details: str = "", **trailer: str) -> Exception:
    """A failed call, as ``grpc`` raises it: an RpcError that is a Call too."""
    answers = {
        **dict.fromkeys(grpc.Call.__abstractmethods__),
        "code": lambda _: code,
        "details": lambda _: details,
        "trailing_metadata": lambda _: [
            (key.replace("_", "-"), value) for key, value in trailer.items()
        ],
    }
    kind = type("FailedCall", (grpc.RpcError, grpc.Call), answers)
    error = kind()
    assert isinstance(error, Exception)
    return error


def kind_of(error: Exception) -> type[DiptychError] | None:
    ours = to_store_error(error, AT)
    assert ours is None or str(ours)
    return None if ours is None else type(ours)


@pytest.mark.parametrize("module", [client_exceptions, exceptions])
def test_the_clients_exceptions_are_all_known(module: Any) -> None:
    """A new one must be given a place in the table."""
    raised = {
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert raised <= {
        ApiException,
        QdrantException,
        ResourceExhaustedResponse,
        ResponseHandlingException,
        UnexpectedResponse,
    }
    assert raised


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, StoreRejected),
        (401, StoreRejected),
        (403, StoreRejected),
        (404, StoreRejected),
        (408, StoreTimeout),
        (409, StoreRejected),
        (413, StoreRejected),
        (422, StoreRejected),
        (429, StoreUnavailable),
        (500, StoreUnavailable),
        (502, StoreUnavailable),
        (503, StoreUnavailable),
        (504, StoreTimeout),
    ],
)
def test_each_http_status_has_its_counterpart(status: int, kind: type[DiptychError]) -> None:
    assert kind_of(unexpected(status)) is kind


UNAVAILABLE = {"ABORTED", "CANCELLED", "INTERNAL", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "UNKNOWN"}


@pytest.mark.parametrize("code", list(grpc.StatusCode))
def test_each_grpc_code_has_its_counterpart(code: grpc.StatusCode) -> None:
    expected: type[DiptychError] = StoreRejected
    if code.name in UNAVAILABLE:
        expected = StoreUnavailable
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        expected = StoreTimeout
    assert kind_of(failed_call(code, "said")) is expected


def test_an_rpc_error_without_a_code_is_an_outage() -> None:
    assert kind_of(grpc.RpcError("lost")) is StoreUnavailable


def all_subclasses(kind: type[Exception]) -> set[type[Exception]]:
    return {kind}.union(*(all_subclasses(child) for child in kind.__subclasses__()))


OURS_TO_MEND = {httpx.LocalProtocolError, httpx.UnsupportedProtocol}


@pytest.mark.parametrize("kind", sorted(all_subclasses(httpx.TransportError), key=str))
def test_each_transport_error_has_its_counterpart(kind: type[Exception]) -> None:
    source = kind("lost", request=REQUEST)  # type: ignore[call-arg]
    expected: type[DiptychError] = StoreUnavailable
    if kind in {httpx.ReadTimeout, httpx.WriteTimeout}:
        expected = StoreTimeout
    if kind in OURS_TO_MEND:
        expected = StoreRejected
    assert kind_of(ResponseHandlingException(source)) is expected


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ResponseHandlingException(ValueError("not JSON")), StoreRejected),
        (ApiException("?"), StoreRejected),
        (QdrantException("a date, not seconds"), StoreUnavailable),
        (ResourceExhaustedResponse("slow down", 7), StoreUnavailable),
        (ValueError("bad argument"), StoreRejected),
        (OverflowError("too large"), StoreRejected),
        (AssertionError("no content"), StoreRejected),
        (RuntimeError("closed"), StoreRejected),
        (OSError(28, "No space left on device"), StoreRejected),
        (Exception("Service runtime error: of qdrant_edge"), StoreRejected),
        (Exception("Vector dimension error: expected dim: 4, got 2"), InvalidVector),
        (ValueError("Collection photos not found"), CollectionMissing),
        (unexpected(404, b"Not found: Collection `photos` doesn't exist!"), CollectionMissing),
        (
            failed_call(grpc.StatusCode.NOT_FOUND, "Not found: Collection `photos` doesn't exist!"),
            CollectionMissing,
        ),
        (
            unexpected(400, b"Wrong input: Vector dimension error: expected dim: 4, got 2"),
            InvalidVector,
        ),
    ],
    ids=str,
)
def test_the_others(error: Exception, kind: type[DiptychError]) -> None:
    assert kind_of(error) is kind


@pytest.mark.parametrize(
    "error", [LockHeld("ours"), KeyError("a bug"), TypeError("a bug"), NotImplementedError("bug")]
)
def test_our_own_and_bugs_pass(error: Exception) -> None:
    assert to_store_error(error, AT) is None


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (ResourceExhaustedResponse("slow down", 7), 7.0),
        (unexpected(503, retry_after="2"), 2.0),
        (unexpected(503, retry_after="soon"), None),
        (unexpected(503, retry_after="-1"), None),
        (unexpected(503, retry_after="inf"), None),
        (unexpected(429), None),
        (failed_call(grpc.StatusCode.RESOURCE_EXHAUSTED, "said", retry_after="3"), 3.0),
        (failed_call(grpc.StatusCode.UNAVAILABLE, "said"), None),
    ],
    ids=str,
)
def test_the_wait_the_server_asks_for_is_kept(error: Exception, seconds: float | None) -> None:
    ours = to_store_error(error, AT)
    assert isinstance(ours, StoreUnavailable)
    assert ours.retry_after_seconds == seconds


def test_messages_say_where_and_what() -> None:
    ours = to_store_error(unexpected(400, b"Wrong input: no such field"), AT)
    assert str(ours) == f"{AT} refused: HTTP 400: Wrong input: no such field"
    long = str(to_store_error(unexpected(400, b"x" * 100_000), AT))
    assert len(long) < 1_000
