"""File systems that fsspec reaches: opening one, reading from it, and what its errors mean."""

from __future__ import annotations

import re
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from ingest.sources.outages import Trouble, to_trouble
from schemas.errors import (
    DiptychError,
    SettingsError,
    SourceTooLarge,
    SourceUnavailable,
    UnreadableSource,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fsspec import AbstractFileSystem

_T = TypeVar("_T")

_ONE_AT_A_TIME = threading.RLock()

ATTEMPTS = 3
"""Tries at one call, on top of those that some backends make themselves."""

_WAIT_SECONDS = 0.5
_MAX_WAIT_SECONDS = 5.0
_PROTOCOL = re.compile(r"(?P<protocol>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_PASSWORD = re.compile(r"(?<=://)(?P<user>[^/@:]*):[^/@]*@")

_LOCAL = frozenset({"dir", "file", "local"})
_WEB = frozenset({"http", "https"})
OBJECT_STORES = frozenset({"abfs", "abfss", "az", "gcs", "gs", "memory", "s3", "s3a"})
"""Protocols whose URLs name a bucket, not a host to connect to."""

_PACKAGES: Mapping[str, str] = {
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "gcs": "gcsfs",
    "gs": "gcsfs",
    "s3": "'diptych[s3]'",
    "s3a": "'diptych[s3]'",
    "sftp": "paramiko",
    "ssh": "paramiko",
}
"""Protocol -> what to hand to ``pip install``."""


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere on a remote file system. Made by :func:`open_place`.

    Attributes:
        protocol: Of its URL, e.g. ``s3``.
        url: Without a password and without a slash at the end; for people.
        path: What the file system calls it.
        filesystem: Called through :func:`attempt`, which knows whether threads may call at once.
    """

    protocol: str
    url: str
    path: str
    filesystem: AbstractFileSystem = field(repr=False)

    def below(self, key: str) -> str:
        """What the file system calls something below this place."""
        return f"{self.path.rstrip('/')}/{key}"


def open_place(url: str, options: Mapping[str, object] | None = None) -> Place:
    """A place on a file system that fsspec knows.

    File systems are kept by fsspec: the same protocol, host and options share one.

    Args:
        url: E.g. ``s3://bucket/prefix``.
        options: Of the file system, e.g. ``endpoint_url`` or ``anon``; what is not given comes
            from the environment, as the file system's own documentation says.

    Raises:
        SettingsError: It is no such URL, the file system's package is not installed, an option is
            wrong, or it lets nobody in.
        SourceUnavailable: It does not answer.
    """
    protocol = check_protocol(url)
    shown = hide_password(url).rstrip("/")
    from fsspec.core import url_to_fs

    # Listings are read once, in order: keeping them would only cost memory. Others than stores
    # hand an option that they do not know on to their client, which refuses it.
    own = {"use_listings_cache": False} if protocol in OBJECT_STORES else {}
    try:
        filesystem, path = url_to_fs(url, **{**own, **(options or {})})
    except ImportError as error:
        package = _PACKAGES.get(protocol)
        advice = f"pip install {package}" if package else str(error)
        raise SettingsError(
            f"{shown}: {protocol}:// needs a package that is not installed; {advice}"
        ) from error
    except Exception as error:
        raise to_root_error(shown, error) from error
    return Place(protocol, shown, str(path), filesystem)


def check_protocol(url: str) -> str:
    """The protocol of a URL of a remote file system, in lower case.

    Raises:
        SettingsError: There is none, or it is one that is not read this way.
    """
    match = _PROTOCOL.fullmatch(url)
    shown = hide_password(url)
    if match is None or not match["rest"].strip("/") or "::" in url:
        raise SettingsError(
            f"{shown!r} is not the URL of a remote folder: expected e.g. s3://bucket/prefix"
        )
    protocol = match["protocol"].lower()
    if protocol in _LOCAL:
        raise SettingsError(f"{shown}: give the folder's path, not its URL")
    if protocol in _WEB:
        raise SettingsError(
            f"{shown}: folders are not listed over {protocol}, where links and redirects could "
            "lead anywhere; name the files' URLs in a manifest and allow their hosts"
        )
    return protocol


def hide_password(url: str) -> str:
    """A URL without the password that some people write into it."""
    return _PASSWORD.sub(r"\g<user>@", url)


def read_whole(place: Place, path: str, source_uri: str, max_bytes: int) -> bytes:
    """The bytes of one object; never more than one over the limit is asked for.

    Args:
        place: On whose file system it lies.
        path: What the file system calls it.
        source_uri: What errors call it.
        max_bytes: The most that is taken.

    Raises:
        UnreadableSource: It is gone, forbidden or no file.
        SourceTooLarge: It has more than ``max_bytes``.
        SourceUnavailable: The file system does not answer, or lets nobody in any more.
        SettingsError: The bucket is not there any more.
    """
    if "?versionId=" in path:
        raise UnreadableSource(source_uri, "'?versionId=' cannot stand in a name; rename it")

    def read() -> bytes:
        return bytes(place.filesystem.cat_file(path, start=0, end=max_bytes + 1))

    try:
        content = attempt(place.filesystem, read)
    except Exception as error:
        trouble = to_trouble(error)
        if trouble is Trouble.EMPTY:
            return b""
        raise to_item_error(place.url, source_uri, error) from error
    if len(content) > max_bytes:
        raise too_large(source_uri, "more", max_bytes)
    return content


def attempt(filesystem: AbstractFileSystem, action: Callable[[], _T]) -> _T:
    """Do something on a file system, again after a pause while it does not answer.

    Safe to call from several threads.

    Raises:
        Exception: Whatever the last attempt raised.
    """
    import tenacity

    # Those with an event loop take calls from any thread; of the others paramiko, for one, loses
    # answers when two threads ask at once.
    turn = nullcontext() if filesystem.async_impl else _ONE_AT_A_TIME

    def act() -> _T:
        with turn:
            return action()

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: to_trouble(error) is Trouble.OUTAGE),
        wait=tenacity.wait_random_exponential(multiplier=_WAIT_SECONDS, max=_MAX_WAIT_SECONDS),
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        reraise=True,
    )
    return retrying(act)


def too_large(source_uri: str, size: str, max_bytes: int) -> SourceTooLarge:
    """The error of an object over the limit."""
    return SourceTooLarge(
        source_uri, f"{size} bytes, over the limit of {max_bytes:,}; raise max_source_bytes"
    )


def to_root_error(url: str, error: BaseException) -> DiptychError:
    """What an error means when a root is opened or its listing begins."""
    reason = _to_reason(error)
    match to_trouble(error):
        case Trouble.OUTAGE:
            return SourceUnavailable(f"{url}: does not answer ({reason}); try again later")
        case Trouble.CREDENTIALS | Trouble.FORBIDDEN:
            return SettingsError(
                f"{url}: lets nobody in with these credentials ({reason}); see the storage "
                "options, or the file system's own environment variables and files"
            )
        case Trouble.MISSING | Trouble.MISSING_BUCKET:
            return SettingsError(f"{url}: is not there ({reason}); check its name")
        case _:
            return SettingsError(f"{url}: cannot be opened ({reason}); check the storage options")


def to_item_error(url: str, source_uri: str, error: BaseException) -> DiptychError:
    """What an error means when one object is read."""
    reason = _to_reason(error)
    match to_trouble(error):
        case Trouble.OUTAGE:
            return SourceUnavailable(
                f"{url}: does not answer any more ({reason}); run again when it does"
            )
        case Trouble.CREDENTIALS:
            return SourceUnavailable(
                f"{url}: lets nobody in any more ({reason}); renew the credentials and run again"
            )
        case Trouble.MISSING_BUCKET:
            return SettingsError(f"{url}: is not there any more ({reason}); check its name")
        case Trouble.FORBIDDEN:
            return UnreadableSource(source_uri, f"is forbidden ({reason}); allow it or exclude it")
        case Trouble.MISSING:
            return UnreadableSource(source_uri, f"cannot be found ({reason}); restore or remove it")
        case _:
            return UnreadableSource(source_uri, f"cannot be read ({reason}); exclude or mend it")


def _to_reason(error: BaseException) -> str:
    """An error's own words on one line; its name where it has none."""
    return " ".join(hide_password(str(error)).split())[:300] or type(error).__name__
