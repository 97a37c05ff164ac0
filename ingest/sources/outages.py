"""What the errors of file systems mean: an outage, a refusal, or one missing object.

Each backend of fsspec raises errors of its own client. They are told apart by status code where
they have one, then by type; types are compared by name, so that no backend is imported for it.
"""

from __future__ import annotations

import errno
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Trouble(Enum):
    """What went wrong on a remote file system."""

    OUTAGE = auto()
    """It did not answer, or said "later": trying again may help."""

    CREDENTIALS = auto()
    """There are none, or they are wrong or expired: nothing at all can be read."""

    FORBIDDEN = auto()
    """This object may not be read."""

    MISSING = auto()
    """This object is not there."""

    MISSING_BUCKET = auto()
    """What should hold the object is not there."""

    EMPTY = auto()
    """The object has no bytes, so that none could be asked for."""

    OTHER = auto()
    """Anything else: of this object, as far as can be told."""


_OF_CODE = {
    "ExpiredToken": Trouble.CREDENTIALS,
    "ExpiredTokenException": Trouble.CREDENTIALS,
    "InvalidAccessKeyId": Trouble.CREDENTIALS,
    "InvalidRange": Trouble.EMPTY,
    "InvalidSecurity": Trouble.CREDENTIALS,
    "InvalidToken": Trouble.CREDENTIALS,
    "NoSuchBucket": Trouble.MISSING_BUCKET,
    "RequestTimeTooSkewed": Trouble.CREDENTIALS,
    "SignatureDoesNotMatch": Trouble.CREDENTIALS,
    "SlowDown": Trouble.OUTAGE,
    "TokenRefreshRequired": Trouble.CREDENTIALS,
}
"""By the error code of S3."""

_OF_STATUS = {
    401: Trouble.CREDENTIALS,
    403: Trouble.FORBIDDEN,
    404: Trouble.MISSING,
    408: Trouble.OUTAGE,
    410: Trouble.MISSING,
    416: Trouble.EMPTY,
    429: Trouble.OUTAGE,
}

_OF_TYPE = {
    "aiohttp.client_exceptions.ClientConnectionError": Trouble.OUTAGE,
    "aiohttp.client_exceptions.ClientPayloadError": Trouble.OUTAGE,
    "azure.core.exceptions.ClientAuthenticationError": Trouble.CREDENTIALS,
    "azure.core.exceptions.ServiceRequestError": Trouble.OUTAGE,
    "azure.core.exceptions.ServiceResponseError": Trouble.OUTAGE,
    "botocore.exceptions.ConnectionError": Trouble.OUTAGE,
    "botocore.exceptions.CredentialRetrievalError": Trouble.CREDENTIALS,
    "botocore.exceptions.HTTPClientError": Trouble.OUTAGE,
    "botocore.exceptions.NoCredentialsError": Trouble.CREDENTIALS,
    "botocore.exceptions.PartialCredentialsError": Trouble.CREDENTIALS,
    "botocore.exceptions.ProfileNotFound": Trouble.CREDENTIALS,
    "botocore.exceptions.SSOError": Trouble.CREDENTIALS,
    "google.auth.exceptions.GoogleAuthError": Trouble.CREDENTIALS,
    "google.auth.exceptions.TransportError": Trouble.OUTAGE,
    "paramiko.ssh_exception.AuthenticationException": Trouble.CREDENTIALS,
    "paramiko.ssh_exception.SSHException": Trouble.OUTAGE,
    "requests.exceptions.ConnectionError": Trouble.OUTAGE,
    "requests.exceptions.Timeout": Trouble.OUTAGE,
    "builtins.ConnectionError": Trouble.OUTAGE,
    "builtins.EOFError": Trouble.OUTAGE,
    "builtins.FileNotFoundError": Trouble.MISSING,
    "builtins.PermissionError": Trouble.FORBIDDEN,
    "builtins.TimeoutError": Trouble.OUTAGE,
    "socket.gaierror": Trouble.OUTAGE,
}

_OUTAGE_ERRNOS = {
    getattr(errno, name)
    for name in (
        "EBUSY",
        "EHOSTDOWN",
        "EHOSTUNREACH",
        "EIO",
        "ENETDOWN",
        "ENETRESET",
        "ENETUNREACH",
        "ENOTCONN",
        "EREMOTEIO",
        "ETIMEDOUT",
    )
    if hasattr(errno, name)
}
_SERVER_ERRORS = 500


def to_trouble(error: BaseException) -> Trouble:
    """What an error, or the one it was raised from, says is wrong."""
    chain = list(_iter_causes(error))
    for one in chain:
        if found := _by_answer(one):
            return found
    for one in chain:
        if found := _by_type(one):
            return found
    return Trouble.OTHER


def _iter_causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _by_answer(error: BaseException) -> Trouble | None:
    """By what a server answered, if it did."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        code = response.get("Error", {}).get("Code")
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return _OF_CODE.get(code) or _by_status(status)
    for name in ("status_code", "status", "code"):
        if found := _by_status(getattr(error, name, None)):
            return found
    return None


def _by_status(status: object) -> Trouble | None:
    if not isinstance(status, int):
        return None
    return Trouble.OUTAGE if status >= _SERVER_ERRORS else _OF_STATUS.get(status)


def _by_type(error: BaseException) -> Trouble | None:
    for base in type(error).__mro__:
        if found := _OF_TYPE.get(f"{base.__module__}.{base.__qualname__}"):
            return found
    if isinstance(error, OSError) and error.errno in _OUTAGE_ERRNOS:
        return Trouble.OUTAGE
    return None
