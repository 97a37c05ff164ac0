"""What a listing says of an unchanged item: where it lies, when it was touched, its metadata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.outcome import Action
from schemas.collection import (
    USER_FIELD,
    source_filter,
    to_listing_digest,
    to_listing_payload,
)
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.outcome import Outcome
    from ingest.plan import Known
    from ingest.sources.source import Source
    from ingest.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Refresh:
    """Keeps the payload of unchanged items true when their root moved or they were touched.

    Attributes:
        known: What the collection holds of the root, by source URI.
    """

    known: Mapping[str, Known]

    @classmethod
    def of(cls, source: Source, known: Mapping[str, Known]) -> Refresh:
        """The refresh of a root that this source lists.

        Raises:
            SettingsError: The root was indexed from another place which still exists: two places
                under one name would overwrite each other's items.
        """
        first = next(iter(known), None)
        if first is not None:
            check_rival(source, first, known[first].location)
        return cls(known)

    def apply(self, outcome: Outcome, writer: Writer) -> None:
        """Correct what is recorded of an unchanged item's listing; encodes nothing."""
        record = outcome.record
        if outcome.action is not Action.UNCHANGED or record is None:
            return
        listed = to_listing_payload(record)
        if self.known[record.source_uri].listing != to_listing_digest(listed):
            # An empty field, because fields that are left out would stay as they were.
            writer.set_payload({USER_FIELD: {}, **listed}, source_filter(record.source_uri))


def to_other_kind(source: Source) -> SettingsError:
    """The error of a source whose name stands for one that makes URIs of another kind."""
    return SettingsError(
        f"the name {source.name!r} already stands for another kind of source in this collection; "
        f"give {source.location} another one with --name"
    )


def check_rival(source: Source, source_uri: str, location: str) -> None:
    """Refuse a source whose name stands for another place.

    Args:
        source: The source.
        source_uri: Of an item that is indexed under the source's name.
        location: Where that item was.

    Raises:
        SettingsError: That place is still there.
    """
    if (rival := source.find_rival(source_uri, location)) is not None:
        raise SettingsError(
            f"the name {source.name!r} already stands for {rival} in this collection;"
            f" give {source.location} another one with --name"
        )
