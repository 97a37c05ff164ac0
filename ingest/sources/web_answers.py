"""What a web server answers: how long to wait, how much there is, and the bytes themselves."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from ingest.sources.filesystems import too_large
from schemas.errors import UnreadableSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpcore

_COME_AGAIN = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_GZIP_BITS = 31
_MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Later:
    """A server's answer that says when to come again."""

    status: int
    seconds: float


def to_fields(response: httpcore.Response) -> dict[str, str]:
    """The header fields by lower-case name; the first of each."""
    fields: dict[str, str] = {}
    for name, value in response.headers:
        fields.setdefault(name.decode("latin-1").lower(), value.decode("latin-1").strip())
    return fields


def take(
    response: httpcore.Response, fields: Mapping[str, str], source_uri: str, max_bytes: int
) -> bytes | Later:
    """The body of an answer that has one.

    Args:
        response: The answer; read from here on.
        fields: Its header; see :func:`to_fields`.
        source_uri: What errors call it.
        max_bytes: The most that is taken, compressed or not.

    Raises:
        UnreadableSource: The status is no success, or the body is compressed and damaged.
        SourceTooLarge: There is more.
    """
    if response.status in _COME_AGAIN:
        seconds = to_seconds(fields.get("retry-after", ""))
        if seconds is not None:
            return Later(response.status, seconds)
    if response.status != HTTPStatus.OK:
        phrase = to_phrase(response.status)
        raise UnreadableSource(source_uri, f"cannot be fetched ({phrase}); mend or remove its URL")
    length = fields.get("content-length", "")
    if length.isdecimal() and int(length[:_MAX_DIGITS]) > max_bytes:
        raise too_large(source_uri, length[:_MAX_DIGITS], max_bytes)
    parts: list[bytes] = []
    total = 0
    for part in _decoded(response, fields.get("content-encoding", ""), source_uri, max_bytes):
        total += len(part)
        if total > max_bytes:
            raise too_large(source_uri, "more", max_bytes)
        parts.append(part)
    return b"".join(parts)


def _decoded(
    response: httpcore.Response, encoding: str, source_uri: str, max_bytes: int
) -> Iterator[bytes]:
    """The body as it was before a server compressed it unasked; never much more than the limit."""
    if encoding.lower() in {"", "identity"}:
        yield from response.iter_stream()
        return
    if encoding.lower() not in {"gzip", "x-gzip"}:
        raise UnreadableSource(source_uri, f"comes compressed as {encoding[:40]!r}, unasked")
    unpacker = zlib.decompressobj(_GZIP_BITS)
    taken = 0
    try:
        for part in response.iter_stream():
            taken += len(part)
            if taken > max_bytes:
                raise too_large(source_uri, "more", max_bytes)
            yield unpacker.decompress(part, max_bytes + 1)
    except zlib.error as error:
        raise UnreadableSource(source_uri, f"comes compressed and damaged ({error})") from error
    if not unpacker.eof:
        raise UnreadableSource(source_uri, "comes compressed and cut short; fetch it again")


def to_seconds(retry_after: str) -> float | None:
    """How long ``Retry-After`` says to wait: a number of seconds, or a date."""
    if retry_after.isdecimal():
        return float(retry_after[:_MAX_DIGITS])
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def to_phrase(status: int) -> str:
    """E.g. ``HTTP 404 Not Found``."""
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"
