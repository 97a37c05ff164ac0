"""The seam where a Qdrant client's exceptions become ours.

The table, by what the client raises:

- no connection, a connection lost, HTTP 429 and 5xx, gRPC UNAVAILABLE, RESOURCE_EXHAUSTED,
  ABORTED, CANCELLED, INTERNAL and UNKNOWN: ``StoreUnavailable``, with the server's "retry after"
  if it gave one;
- no answer in time, HTTP 408 and 504, gRPC DEADLINE_EXCEEDED: ``StoreTimeout``, a kind of the
  former;
- HTTP 404 and gRPC NOT_FOUND that speak of a collection, and the same from memory:
  ``CollectionMissing``;
- a dimension that does not fit: ``InvalidVector``;
- any other answer, an answer that is not Qdrant's, arguments the client itself refuses, anything
  that ``qdrant_edge`` refuses, a closed client and the disk's errors: ``StoreRejected``.

What is in none of these is a bug and passes unchanged.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, Protocol, TypeVar

import grpc
import httpx
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import (
    ApiException,
    ResponseHandlingException,
    UnexpectedResponse,
)

from schemas.errors import (
    CollectionMissing,
    DiptychError,
    InvalidVector,
    StoreRejected,
    StoreTimeout,
    StoreUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_RETRY: Final = "check that the server runs and can be reached, then try again"
# The only kind that qdrant_edge knows, and what a closed client raises.
_PLAIN: Final = (Exception, RuntimeError)
_NOT_QDRANT: Final = "its answer is not a Qdrant server's"
_TIMED_OUT_STATUSES: Final = frozenset({408, 504})
_TIMED_OUT_CODES: Final = frozenset({grpc.StatusCode.DEADLINE_EXCEEDED})
_UNAVAILABLE_CODES: Final = frozenset(
    {
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.UNKNOWN,
    }
)
_NO_COLLECTION: Final = re.compile(r"collection\b.*(doesn't exist|not found)", re.IGNORECASE)
# The second is numpy's, from the reference implementation in memory.
_WRONG_DIMENSION: Final = re.compile(
    r"vector dimension error|shapes \S+ and \S+ not aligned", re.IGNORECASE
)


class _Addressed(Protocol):
    @property
    def address(self) -> str:
        """Where the engine is, for messages."""
        ...


_P = ParamSpec("_P")
_T = TypeVar("_T")
_Self = TypeVar("_Self", bound=_Addressed)


def translated(
    method: Callable[Concatenate[_Self, _P], _T],
) -> Callable[Concatenate[_Self, _P], _T]:
    """Let a method of an engine raise our errors only."""

    def call(self: _Self, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return method(self, *args, **kwargs)
        except Exception as error:
            ours = to_store_error(error, self.address)
            if ours is None:
                raise
            raise ours from error

    functools.update_wrapper(call, method)
    return call


def to_store_error(  # noqa: PLR0911 - one return a row of the table above
    error: Exception, address: str
) -> DiptychError | None:
    """Our counterpart of what a Qdrant client raised.

    Args:
        error: As caught.
        address: Where the store is, for the message.

    Returns:
        The counterpart, or None for an error that is ours already or a bug.
    """
    match error:
        case DiptychError():
            return None
        case ResourceExhaustedResponse():
            return _unavailable(address, error.message, float(error.retry_after_s))
        case QdrantException():
            # The client's only other one: a 429 whose Retry-After is a date, not seconds.
            return _unavailable(address, "too many requests")
        case UnexpectedResponse():
            return _from_status(error, address)
        case ResponseHandlingException():
            return _from_source(error.source, address)
        case AssertionError():  # how the client says that an answer has no content
            return _refused(address, f"{_NOT_QDRANT} ({error})")
        case ApiException() | ValueError() | OverflowError():
            return _refused(address, str(error))
        case grpc.RpcError():
            return _from_rpc(error, address)
        case _:
            is_plain = type(error) in _PLAIN or isinstance(error, OSError)
            return _refused(address, str(error)) if is_plain else None


def _from_status(error: UnexpectedResponse, address: str) -> DiptychError:
    status = error.status_code or 0
    said = error.content.decode(errors="replace").strip()[:500] or error.reason_phrase
    text = f"HTTP {status}: {said}"
    if status in _TIMED_OUT_STATUSES:
        return StoreTimeout(f"{address} did not finish in time ({text}); {_RETRY}")
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return _unavailable(address, text, _to_seconds(error.headers.get("Retry-After")))
    return _refused(address, text)


def _from_source(source: Exception, address: str) -> DiptychError:
    """What went wrong on the way to an HTTP answer, or in reading it."""
    text = f"{type(source).__name__}: {source}"
    if isinstance(source, httpx.ReadTimeout | httpx.WriteTimeout):
        return StoreTimeout(f"{address} did not answer in time ({text}); {_RETRY}")
    ours_to_mend = isinstance(source, httpx.LocalProtocolError | httpx.UnsupportedProtocol)
    if isinstance(source, httpx.TransportError) and not ours_to_mend:
        return _unavailable(address, text)
    return _refused(address, f"{_NOT_QDRANT} ({text})")


def _from_rpc(error: object, address: str) -> DiptychError:
    # A failed call is always a grpc.Call too; a bare RpcError says nothing, so it may pass.
    if not isinstance(error, grpc.Call):
        return _unavailable(address, str(error))
    code = error.code()
    text = f"gRPC {code.name}: {error.details()}"
    if code in _TIMED_OUT_CODES:
        return StoreTimeout(f"{address} did not answer in time ({text}); {_RETRY}")
    if code in _UNAVAILABLE_CODES:
        trailer = {key: str(value) for key, value in error.trailing_metadata() or ()}
        return _unavailable(address, text, _to_seconds(trailer.get("retry-after")))
    return _refused(address, text)


def _unavailable(
    address: str, text: str, retry_after_seconds: float | None = None
) -> StoreUnavailable:
    message = f"{address} is not available ({text}); {_RETRY}"
    return StoreUnavailable(message, retry_after_seconds)


def _refused(address: str, text: str) -> DiptychError:
    if _NO_COLLECTION.search(text):
        return CollectionMissing(f"{address}: {text}; check the name, or ingest into it first")
    if _WRONG_DIMENSION.search(text):
        return InvalidVector(f"{address}: {text}; the vector is of another model's space")
    return StoreRejected(f"{address} refused: {text}")


def _to_seconds(header: str | None) -> float | None:
    """A Retry-After in seconds; a date or nonsense is as good as none."""
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
