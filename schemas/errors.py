"""The error tree. Every error of Diptych is a :class:`DiptychError`.

::

    DiptychError
      SettingsError
      SourceError(source_uri)
        UnreadableSource  DecodeError  SourceTooLarge  UnsupportedFormat
          DecoderDied (a DecodeError)  Quarantined
          SourceChanged  RootForgotten (UnreadableSources)
      SourceUnavailable
      DecoderUnavailable
      EncoderError
        ModelUnavailable  UnsupportedModality  InvalidVector
      StoreError
        StoreUnavailable (the only one that is retried)
          StoreTimeout
        CollectionMissing  SpaceMismatch  StoreRejected
      QueryError
        EmptyQuery  UnknownField  PointMissing
          UploadMissing
      SyncError
        MassDeleteRefused  LockHeld  MigrationRefused  CountMismatch
        UnknownRoot  RunStopped
      ServerBusy

Errors survive pickling (decoding may run in other processes). A message says what happened, to
which item, and what to do. ``exit_code`` is what the command line exits with when the error ends
a run.
"""

from __future__ import annotations

from typing import ClassVar


class DiptychError(Exception):
    """Base of every error that Diptych raises on purpose.

    Attributes:
        exit_code: The process exit status when this error ends a command.
    """

    exit_code: ClassVar[int] = 1

    @property
    def kind(self) -> str:
        """The class name, as written into reports and dead letters."""
        return type(self).__name__


class SettingsError(DiptychError):
    """A setting is missing, malformed or contradicts another."""

    exit_code: ClassVar[int] = 78


class SourceError(DiptychError):
    """One source item cannot become a point; the run goes on without it.

    Args:
        source_uri: The item's canonical source URI.
        reason: What is wrong with it and what to do.

    Attributes:
        source_uri: The item's canonical source URI.
        reason: The message without the URI.
        hides: Prefix of source URIs one of which the item may have, where it is not known by its
            own: a row whose id cannot be read. None where it is.
    """

    hides: str | None = None

    exit_code: ClassVar[int] = 3

    def __init__(self, source_uri: str, reason: str) -> None:
        """Keep both parts as ``args``, which is what pickling replays."""
        super().__init__(source_uri, reason)
        self.source_uri = source_uri
        self.reason = reason

    def __str__(self) -> str:
        """The URI, then the reason."""
        return f"{self.source_uri}: {self.reason}"


class UnreadableSource(SourceError):
    """The bytes cannot be read: gone, forbidden, or not a regular file."""


class SourceChanged(UnreadableSource):
    """The bytes that are there now are not those that were indexed."""


class RootForgotten(UnreadableSource):
    """The collection does not know where the item's root lies: nothing of it can be read."""


class DecodeError(SourceError):
    """The bytes are not what their format promises (truncated, corrupt, no text)."""


class DecoderDied(DecodeError):
    """Decoding it took too long or killed the process that did it, as a busy machine may too."""


class SourceTooLarge(SourceError):
    """The item is over a limit in bytes, pixels or shape; checked before decoding."""


class UnsupportedFormat(SourceError):
    """The item's format is not one that Diptych indexes."""


class Quarantined(SourceError):
    """The whole process died with this item under way, time and again; it is set aside."""


class SourceUnavailable(DiptychError):
    """What a whole root lies on does not answer: an outage ends the run and fails no item."""

    exit_code: ClassVar[int] = 69


class DecoderUnavailable(DiptychError):
    """No process to decode in can be started; no item is to blame."""

    exit_code: ClassVar[int] = 71


class EncoderError(DiptychError):
    """An encoder cannot be loaded or used."""

    exit_code: ClassVar[int] = 78


class ModelUnavailable(EncoderError):
    """The model, its weights or the extra that runs it are not installed."""


class UnsupportedModality(EncoderError):
    """The encoder does not encode the asked modality."""


class InvalidVector(EncoderError):
    """A vector is zero, not finite, not of unit length or of the wrong dimension."""


class StoreError(DiptychError):
    """The vector store refused or failed."""

    exit_code: ClassVar[int] = 74


class StoreUnavailable(StoreError):
    """The store did not answer in time or said "later"; the only error that is retried.

    Args:
        message: What did not answer, where, and what to do.
        retry_after_seconds: How long the store asked to wait, if it did.

    Attributes:
        retry_after_seconds: How long the store asked to wait, or None.
    """

    exit_code: ClassVar[int] = 69

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        """Keep both parts as ``args``, which is what pickling replays."""
        super().__init__(message, retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        """The message alone."""
        return str(self.args[0])


class StoreTimeout(StoreUnavailable):
    """The store took the request but did not answer in time; it may have been applied or not."""


class StoreRejected(StoreError):
    """The store understood the request and refused it; retrying cannot help."""


class CollectionMissing(StoreError):
    """No collection or alias has the asked name."""

    exit_code: ClassVar[int] = 78


class SpaceMismatch(StoreError):
    """The collection was built in another embedding space than the encoder's."""

    exit_code: ClassVar[int] = 78


class QueryError(DiptychError):
    """A query cannot be answered as asked."""

    exit_code: ClassVar[int] = 2


class EmptyQuery(QueryError):
    """The query has no content to encode."""


class UnknownField(QueryError):
    """``where`` names a field that the payload does not have."""


class PointMissing(QueryError):
    """The collection has no point of the asked id."""


class UploadMissing(PointMissing):
    """No uploaded image has the asked id, or it was dropped since."""


class ServerBusy(DiptychError):
    """A server has as much under way as it takes; the same request will be answered later."""

    exit_code: ClassVar[int] = 75


class SyncError(DiptychError):
    """The collection cannot be made equal to its sources."""


class MassDeleteRefused(SyncError):
    """A run would delete more than the allowed share of a root."""

    exit_code: ClassVar[int] = 5


class LockHeld(SyncError):
    """Another process holds the index; one process at a time may open an embedded index."""

    exit_code: ClassVar[int] = 75


class MigrationRefused(SyncError):
    """A new generation failed its verification or finds less than the live one, which stays."""

    exit_code: ClassVar[int] = 4


class CountMismatch(SyncError):
    """The collection does not hold what a run wrote to it, and does not after a second pass."""

    exit_code: ClassVar[int] = 4


class UnknownRoot(SyncError):
    """A collection has nothing of a root of the asked name."""

    exit_code: ClassVar[int] = 2


class RunStopped(SyncError):
    """A run was told to stop while it waited for a server or for another run."""

    exit_code: ClassVar[int] = 130
