"""From the rows of a table to records."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from ingest.sources.columns import VECTOR_NAMES
from ingest.sources.json_values import LEFT_OUT, to_json_value
from ingest.sources.media_types import to_modality
from ingest.sources.row import RowError, Unusable
from ingest.sources.row_files import ROW_MARK
from ingest.sources.row_item import TEXT, Item, ItemFinder, is_url, to_reference, to_words
from ingest.sources.row_vector import to_vector
from ingest.sources.row_words import share_words, to_title_line
from ingest.sources.stamps import stamp_row
from ingest.sources.uris import to_printable, to_source_uri
from schemas.errors import SourceTooLarge
from schemas.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ingest.sources.columns import Columns
    from ingest.sources.row import Row
    from schemas.errors import SourceError

MAX_PAYLOAD_CHARS = 1_000_000
"""Of a row's caption and metadata: they are stored with each of its points."""

_MAX_KEY_CHARS = 2_000
_INT64_MAX = 2**63 - 1
_PLAIN = re.compile(r"[A-Za-z0-9_.~/-]+")
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Table:
    """What every record of a table says of it.

    Attributes:
        root: Name of the root.
        scheme: Of its source URIs.
        location: Where the table is: a path or a URL without secrets.
        base: The folder, or the URL of one, that paths in it are relative to.
        prefix: What the source URIs of its rows begin with.
    """

    root: str
    scheme: str
    location: str
    base: str
    prefix: str = field(init=False)

    def __post_init__(self) -> None:
        """Make what all of its URIs begin with."""
        object.__setattr__(self, "prefix", to_source_uri(self.root, "", self.scheme))

    @property
    def label(self) -> str:
        """What messages call it: the last part of its location."""
        return to_printable(self.location.rstrip("/").rpartition("/")[2])

    def to_uri(self, key: str) -> str:
        """Source URI of the row with this key."""
        if _PLAIN.fullmatch(key):  # stands in a URI as it is
            return self.prefix + key
        return to_source_uri(self.root, key, self.scheme)


class RowMapper:
    """One pass over one table: turns its rows into records, and refuses what repeats an id.

    Of every id it keeps a hash of eight bytes, some 80 bytes of memory a row in all; two ids of
    a table of ten million rows are taken for one with a probability of 0.000003.

    Args:
        table: The table.
        columns: What its columns mean.
    """

    def __init__(self, table: Table, columns: Columns) -> None:
        """Begin with the first row."""
        self._table = table
        self._columns = columns
        self._finder = ItemFinder(columns, table.base)
        roles = columns.to_roles()
        self._words = columns.title, columns.caption, columns.text
        self._inline = f"{table.location}{ROW_MARK}"
        self._roles = frozenset(roles.values())
        self._places = [(role, roles[role]) for role in ("path", "url") if role in roles]
        self._seen: set[int] = set()
        self._dimension: int | None = None
        self._has_warned = False

    def iter_records(self, rows: Iterable[Row]) -> Iterator[Record | SourceError]:
        """A record for each row, or an error in its place, in order."""
        for number, row in rows:
            uri = ""
            try:
                if isinstance(row, Unusable):
                    raise RowError(row.reason, is_nameless=True)  # noqa: TRY301 - all meet here
                uri = self._to_uri(number, row)
                yield self._to_record(number, row, uri)
            except RowError as error:
                uri = uri or self._table.to_uri(to_row_key(number))
                problem = error.kind(uri, f"row {number} of {self._table.label}: {error}")
                if error.is_nameless:
                    problem.hides = self._table.prefix
                yield problem

    def _to_uri(self, number: int, row: Mapping[str, object]) -> str:
        key = self._find_key(row)
        if key is None:
            self._warn_of_row_numbers()
            return self._table.to_uri(to_row_key(number))
        if len(key) > _MAX_KEY_CHARS:
            raise RowError(f"its id has more than {_MAX_KEY_CHARS} characters; shorten it")
        try:
            uri = self._table.to_uri(key)
        except UnicodeEncodeError:
            raise RowError("its id is no text; write it anew", is_nameless=True) from None
        if (digest := hash(uri)) in self._seen:
            raise RowError(
                f"its id {to_printable(key)[:200]!r} is an earlier row's too; ids must differ, "
                "so remove one of them or name another id column"
            )
        self._seen.add(digest)
        return uri

    def _find_key(self, row: Mapping[str, object]) -> str | None:
        """The row's id, or else its path or URL; None where all it has is its number."""
        columns = self._columns
        if columns.id:
            if key := to_words(row, columns.id):
                return key
            reason = f"column {columns.id!r} has no id for it; fill it in"
            raise RowError(reason, is_nameless=True)
        for name in (columns.path, columns.url):
            key = to_reference(row, name)
            if key and not key.startswith("data:"):
                return self._below_base(key)
        content = row.get(columns.content) if columns.content else None
        if isinstance(content, dict) and content.get("bytes") is None:
            key = to_reference(content, "path")
            return self._below_base(key) if key else None
        return None

    def _below_base(self, path: str) -> str:
        """An absolute path below the base without it: the base may lie elsewhere tomorrow."""
        return path.removeprefix(os.path.join(self._table.base, ""))  # noqa: PTH118 - a prefix

    def _to_record(self, number: int, row: Mapping[str, object], uri: str) -> Record:
        title, caption, text = [to_words(row, name) if name else None for name in self._words]
        item = self._finder.find(row, text, with_caption=bool(caption or text))
        if item is None and caption:
            item = Item("caption", TEXT, None, caption.encode(errors="replace"))
        if item is None:
            raise RowError(
                "nothing to index: it needs a file, a URL, bytes, a text or a caption; fill one "
                "in, or name its column with --column ROLE=NAME"
            )
        modality = to_modality(item.media_type)
        spare: tuple[str, ...] = ()
        if caption or (text and item.role != "text"):
            title, caption, spare = share_words(item, modality, (title, caption, text))
        metadata = self._to_metadata(row, item.role, spare)
        if caption or metadata:
            _check_size(metadata, caption)
        title, vector = title and to_title_line(title), self._to_vector(row)
        return Record(
            source_uri=uri,
            root=self._table.root,
            location=item.location or f"{self._inline}{number}",
            media_type=item.media_type,
            modality=modality,
            size_bytes=len(item.content) if item.content else 0,
            metadata=metadata,
            title=title,
            caption=caption,
            content=item.content,
            vector=vector,
            stamp=_to_stamp(item, (item.media_type, title, caption, metadata), vector),
        )

    def _to_metadata(
        self, row: Mapping[str, object], role: str, spare: tuple[str, ...]
    ) -> dict[str, object]:
        """The columns without a role, and those whose role another one took."""
        metadata: dict[str, object] = {}
        for name, value in row.items():
            if value is None or not name or name in self._roles:
                continue
            if type(value) is str or (type(value) is int and -_INT64_MAX <= value <= _INT64_MAX):
                metadata[name] = value  # nearly always
            elif (found := _to_metadata_value(name, value)) is not None:
                metadata[name] = found
        if not (self._places or spare):
            return metadata
        names = [name for one, name in self._places if one != role]
        names += [name for one in spare if (name := getattr(self._columns, one))]
        for name in names:
            value = row.get(name)
            if isinstance(value, str | list) and value and not str(value).startswith("data:"):
                metadata[name] = value
        return metadata

    def _to_vector(self, row: Mapping[str, object]) -> Sequence[float] | None:
        name = self._columns.vector
        value = row.get(name) if name else None
        if value is None:
            return None
        vector = value if isinstance(value, Unusable) else to_vector(value)
        if isinstance(vector, Unusable):
            raise RowError(f"column {name!r} {vector.reason}")
        self._dimension = self._dimension or len(vector)
        if len(vector) != self._dimension:
            raise RowError(
                f"column {name!r} has a vector of {len(vector)} numbers where the first one of "
                f"the table has {self._dimension}; all must come from one model"
            )
        return cast("Sequence[float]", vector)

    def _warn_of_row_numbers(self) -> None:
        if not self._has_warned:
            _LOGGER.warning(
                "%s: rows without an id, path or URL are known by their number: keep their order, "
                "or name an id column with --column id=NAME",
                self._table.label,
            )
        self._has_warned = True


def _to_stamp(item: Item, said: tuple[object, ...], vector: Sequence[float] | None) -> str | None:
    """Of a row whose item is a file of this machine."""
    if item.location is None or is_url(item.location):
        return None
    return stamp_row(item.location, said, vector)


def to_row_key(number: int) -> str:
    """What stands for a row without an id: its number, from 1."""
    return f"row={number}"


def _check_size(metadata: Mapping[str, object], caption: str | None) -> None:
    """Refuse what no request to a store could carry beside others."""
    size = len(caption or "")
    for value in metadata.values():
        if type(value) is str:
            size += len(value)
        elif isinstance(value, (list, dict)):
            size += len(str(value))
    if size > MAX_PAYLOAD_CHARS:
        raise RowError(
            f"its caption and metadata have {size:,} characters, over the limit of "
            f"{MAX_PAYLOAD_CHARS:,}; keep long texts in the text column",
            SourceTooLarge,
        )


def _to_metadata_value(name: str, value: object) -> object:
    """The value as JSON; None where it is left out."""
    if isinstance(value, Unusable):
        raise RowError(f"column {name!r} {value.reason}")
    if isinstance(value, list) and name.lower() in VECTOR_NAMES:
        return None
    try:
        found = to_json_value(value)
    except ValueError as error:
        raise RowError(f"column {name!r} is {error}; simplify it") from error
    return None if found is LEFT_OUT else found
