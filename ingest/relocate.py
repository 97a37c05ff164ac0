"""A root that moved: its items are the same, only where they lie has changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.outcome import Action
from ingest.sources.uris import from_source_uri
from schemas.collection import source_filter, to_location_payload
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingest.outcome import Outcome
    from ingest.plan import Known
    from ingest.sources.folder import FolderSource
    from ingest.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Relocation:
    """Re-points unchanged items of a root that was indexed from another folder before.

    Attributes:
        known: What the collection holds of the root, by source URI.
    """

    known: Mapping[str, Known]

    @classmethod
    def of(cls, source: FolderSource, known: Mapping[str, Known]) -> Relocation:
        """The relocation that this run amounts to; usually none.

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
        """Correct the recorded location of an unchanged item that lies elsewhere now."""
        record = outcome.record
        if outcome.action is not Action.UNCHANGED or record is None:
            return
        if self.known[record.source_uri].location != record.location:
            writer.set_payload(to_location_payload(record), source_filter(record.source_uri))
