"""What every source can do: list records, and read the one it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from schemas.errors import SourceError
    from schemas.records import Record


class Source(Protocol):
    """Lists the items of one root, lazily and in a stable order, and reads their bytes.

    An item's source URI is the same in every run, whatever else the source holds and wherever it
    lies now; listing again after a stop is how a run goes on.
    """

    @property
    def name(self) -> str:
        """Name of the root; the first part of every source URI."""
        ...

    @property
    def scheme(self) -> str:
        """What every source URI begins with; roots of other schemes may have the same name."""
        ...

    @property
    def location(self) -> str:
        """Where the root is, for people: an absolute path or a URL without secrets."""
        ...

    def iter_records(self, skipped: Counter[str] | None = None) -> Iterator[Record | SourceError]:
        """List every item, lazily; one pass, from the beginning at each call.

        Args:
            skipped: Counts what is passed over in silence by its kind (for files the extension),
                if given.

        Yields:
            A record, or an error in the place of what could not be listed. The source URI of an
            error is that of the one item that is not known, or ends in a slash and stands for
            everything whose URI begins with it: a folder, a shard, the root itself. What it
            stands for may still be there, so whoever compares listings must not take it for
            gone. Where two listings give an item the same ``stamp``, neither its bytes nor
            anything else that they say of it, its location aside, have changed in between.

        Raises:
            SettingsError: The root cannot be listed at all as it was asked for.
            SourceUnavailable: What the root lies on went away in the middle.
        """
        ...

    def read(self, record: Record, max_bytes: int) -> bytes:
        """The bytes of a record of this source that has no ``content`` of its own.

        Safe to call from several threads.

        Raises:
            UnreadableSource: They cannot be had.
            SourceTooLarge: There are more than ``max_bytes``.
        """
        ...

    def read_beside(self, record: Record, reference: str, max_bytes: int) -> bytes:
        """The bytes of what a document names relative to itself, e.g. ``images/cat.jpg``.

        Never leaves the root, never goes to the network unless the root is there.

        Raises:
            UnreadableSource: It cannot be had, lies outside, or this source has nothing beside.
            SourceTooLarge: There are more than ``max_bytes``.
        """
        ...

    def find_rival(self, source_uri: str, location: str) -> str | None:
        """Another place that stands for this root's name and is still there.

        Args:
            source_uri: Of an item that is indexed under this name.
            location: Where it was.

        Returns:
            That place, for the message that refuses it; None when the root was moved, or when
            this source cannot tell.
        """
        ...
