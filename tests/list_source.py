"""A source whose records are given: for tests of what is done with records, whoever lists them."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image

from ingest.sources.uris import MANIFEST, to_source_uri
from schemas.errors import UnreadableSource
from schemas.records import Modality, Record

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Iterator

    from schemas.errors import SourceError

ROOT = "list"


class ListSource:
    """Lists given items in their order.

    Args:
        items: Listed one by one; may be a generator function's result for one run only.
        name: Name of the root.
        beside: What documents may read beside themselves.
    """

    location = "given"
    scheme = MANIFEST

    def __init__(
        self,
        items: Iterable[Record | SourceError],
        *,
        name: str = ROOT,
        beside: dict[str, bytes] | None = None,
        on_list: Callable[[int], None] | None = None,
    ) -> None:
        self.name = name
        self.listed = 0
        self._items = items
        self._beside = beside or {}
        self._on_list = on_list

    def iter_records(
        self,
        skipped: Counter[str] | None = None,  # noqa: ARG002 - the protocol's
    ) -> Iterator[Record | SourceError]:
        for item in self._items:
            self.listed += 1
            if self._on_list:
                self._on_list(self.listed)
            yield item

    def read(self, record: Record, max_bytes: int) -> bytes:  # noqa: ARG002 - the protocol's
        raise UnreadableSource(record.source_uri, "not given")

    def read_beside(
        self,
        record: Record,
        reference: str,
        max_bytes: int,  # noqa: ARG002 - the protocol's
    ) -> bytes:
        if reference not in self._beside:
            raise UnreadableSource(record.source_uri, f"{reference} is not beside it")
        return self._beside[reference]

    def find_rival(self, source_uri: str, location: str) -> str | None:  # noqa: ARG002
        return None


def to_png(colour: tuple[int, int, int], size: tuple[int, int] = (8, 6)) -> bytes:
    """A plain picture."""
    stream = BytesIO()
    Image.new("RGB", size, colour).save(stream, "PNG")
    return stream.getvalue()


def image(key: str, content: bytes, root: str = ROOT, **more: Any) -> Record:
    """A record of a PNG."""
    uri = to_source_uri(root, key, MANIFEST)
    return Record(uri, root, key, "image/png", Modality.IMAGE, content=content, **more)


def text(key: str, content: str, root: str = ROOT, **more: Any) -> Record:
    """A record of a plain text."""
    uri = to_source_uri(root, key, MANIFEST)
    return Record(uri, root, key, "text/plain", Modality.TEXT, content=content.encode(), **more)
