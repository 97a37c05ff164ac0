"""What a listing says of an unchanged item: where it lies, when it was last touched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.outcome import Action
from ingest.sources.uris import from_source_uri
from schemas.collection import source_filter, to_listing_payload
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.outcome import Outcome
    from ingest.plan import Known
    from ingest.sources.folder import FolderSource
    from ingest.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Refresh:
    """Keeps the payload of unchanged items true when their root moved or they were touched.

    Attributes:
        known: What the collection holds of the root, by source URI.
    """

    known: Mapping[str, Known]

    @classmethod
    def of(cls, source: FolderSource, known: Mapping[str, Known]) -> Refresh:
        """The refresh of a root that this source lists.

        Raises:
            SettingsError: The root was indexed from another folder which still exists: two
                folders under one name would overwrite each other's items.
        """
        for uri, item in known.items():
            before = Path(item.location.removesuffix(from_source_uri(uri)[1]))
            if before.is_dir() and not before.samefile(source.path):
                raise SettingsError(
                    f"the name {source.name!r} already stands for {before} in this collection;"
                    f" give {source.path} another one with --name"
                )
            break
        return cls(known)

    def apply(self, outcome: Outcome, writer: Writer) -> None:
        """Correct the recorded location and time of an unchanged item; encodes nothing."""
        record = outcome.record
        if outcome.action is not Action.UNCHANGED or record is None:
            return
        known = self.known[record.source_uri]
        if (known.location, known.modified_ns) != (record.location, record.modified_ns):
            writer.set_payload(to_listing_payload(record), source_filter(record.source_uri))
