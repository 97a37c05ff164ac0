"""The error tree: exit codes, pickling, messages."""

from __future__ import annotations

import pickle

import pytest

from schemas import errors
from schemas.errors import DecodeError, DiptychError, SourceError, StoreUnavailable

ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, DiptychError)
]


def an_error(kind: type[DiptychError]) -> DiptychError:
    if issubclass(kind, SourceError):
        return kind("folder://photos/a.jpg", "is truncated; replace it")
    if kind is StoreUnavailable:
        return StoreUnavailable("http://host does not answer", 2.5)
    return kind("what happened; what to do")


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_is_in_the_tree_and_survives_pickling(kind: type[DiptychError]) -> None:
    error = an_error(kind)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert isinstance(again, DiptychError)
    assert type(again) is kind
    assert (str(again), again.args, again.kind) == (str(error), error.args, kind.__name__)


def test_exit_codes_are_those_of_the_documentation() -> None:
    codes = {kind.__name__: kind.exit_code for kind in ERRORS}
    assert codes == {
        "DiptychError": 1,
        "SettingsError": 78,
        "RunStopped": 130,
        "CountMismatch": 4,
        "UnknownRoot": 2,
        "SourceError": 3,
        "UnreadableSource": 3,
        "SourceChanged": 3,
        "RootForgotten": 3,
        "PointMissing": 2,
        "UploadMissing": 2,
        "ServerBusy": 75,
        "DecodeError": 3,
        "DecoderDied": 3,
        "SourceTooLarge": 3,
        "UnsupportedFormat": 3,
        "Quarantined": 3,
        "SourceUnavailable": 69,
        "DecoderUnavailable": 71,
        "EncoderError": 78,
        "ModelUnavailable": 78,
        "UnsupportedModality": 78,
        "InvalidVector": 78,
        "StoreError": 74,
        "StoreUnavailable": 69,
        "StoreTimeout": 69,
        "StoreRejected": 74,
        "CollectionMissing": 78,
        "SpaceMismatch": 78,
        "QueryError": 2,
        "EmptyQuery": 2,
        "UnknownField": 2,
        "SyncError": 1,
        "MassDeleteRefused": 5,
        "LockHeld": 75,
        "MigrationRefused": 4,
    }


def test_a_source_error_names_its_item_first() -> None:
    error = DecodeError("folder://photos/a.jpg", "the file ends early")
    assert str(error) == "folder://photos/a.jpg: the file ends early"
    assert (error.source_uri, error.reason) == ("folder://photos/a.jpg", "the file ends early")


def test_only_the_message_of_an_outage_is_shown_and_its_delay_kept() -> None:
    error = StoreUnavailable("try later", retry_after_seconds=3.0)
    assert str(error) == "try later"
    assert error.retry_after_seconds == 3.0
    assert StoreUnavailable("gone").retry_after_seconds is None
