"""Samples of WebDataset shards: consecutive members that share a key, as records.

A member's key is its path up to the first dot of its base name: ``a/0001.jpg``, ``a/0001.txt`` and
``a/0001.json`` are one sample.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ingest.decode.characters import to_normal_text, to_title
from ingest.decode.charset import decode_charset
from ingest.sources.media_types import MEDIA_TYPES, to_modality
from ingest.sources.metadata import find_text, parse_metadata
from ingest.sources.uris import SHARD, to_source_uri
from schemas.errors import DecodeError, SourceError, UnreadableSource
from schemas.records import Modality, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CAPTION_SUFFIXES = frozenset({".caption", ".text", ".txt"})
"""Beside an image, its caption; a document of its own where there is no image."""

METADATA_SUFFIX = ".json"


def to_key(member_name: str) -> str:
    """The key of a member's sample; empty where the base name begins with a dot."""
    folder, slash, base = member_name.rpartition("/")
    stem = base.partition(".")[0]
    return f"{folder}{slash}{stem}" if stem else ""


def to_suffix(member_name: str) -> str:
    """What follows the last dot of a member's name, with the dot and in lower case."""
    return PurePosixPath(member_name).suffix.lower()


@dataclass(frozen=True, slots=True)
class Part:
    """One member of a sample.

    Attributes:
        name: Its path in the shard, without ``./`` in front.
        content: Its bytes.
        modified_ns: Nanoseconds since the epoch.
    """

    name: str
    content: bytes = field(repr=False)
    modified_ns: int | None = None

    @property
    def suffix(self) -> str:
        """Of its name; see :func:`to_suffix`."""
        return to_suffix(self.name)

    @property
    def modality(self) -> Modality | None:
        """What its name says it is; None for a caption file's or metadata's own suffix."""
        media_type = MEDIA_TYPES.get(self.suffix)
        return to_modality(media_type) if media_type else None


@dataclass(frozen=True, slots=True)
class Shard:
    """Where samples come from.

    Attributes:
        root: Name of the root.
        name: The shard's, below the root.
        location: Path or URL of the shard.
    """

    root: str
    name: str
    location: str

    def to_source_uri(self, member_name: str = "") -> str:
        """Of a member; of the shard itself, with a slash at the end, without one."""
        return to_source_uri(self.root, f"{self.name}/{member_name}", SHARD)


@dataclass(slots=True)
class Sample:
    """One sample, whole.

    Attributes:
        key: Shared by its parts.
        parts: In the order of the shard.
        total_bytes: Of all parts.
    """

    key: str
    parts: list[Part] = field(default_factory=list)
    total_bytes: int = 0

    def add(self, part: Part) -> None:
        """Take in another part."""
        self.parts.append(part)
        self.total_bytes += len(part.content)

    def iter_items(self, shard: Shard) -> Iterator[Record | SourceError]:
        """A record for each image and document; an error for a part that says nothing.

        Captions and metadata belong to every record of the sample. Beside an image a text file is
        its caption, alone it is a document.
        """
        described, errors = _describe(self.parts, shard)
        yield from errors
        for part in self.iter_content_parts():
            yield _to_record(part, shard, described)

    def iter_content_parts(self) -> Iterator[Part]:
        """The parts that are records of their own."""
        has_image = any(part.modality is Modality.IMAGE for part in self.parts)
        for part in self.parts:
            is_caption = has_image and part.suffix in CAPTION_SUFFIXES
            if part.modality and not is_caption:
                yield part


@dataclass(frozen=True, slots=True)
class _Description:
    """What a sample says of its images and documents."""

    caption: str | None
    title: str | None
    metadata: dict[str, object]


def _describe(parts: Sequence[Part], shard: Shard) -> tuple[_Description, list[SourceError]]:
    fields: dict[str, object] = {}
    captions: list[str] = []
    errors: list[SourceError] = []
    for part in parts:
        source_uri = shard.to_source_uri(part.name)
        try:
            if part.suffix == METADATA_SUFFIX:
                fields |= parse_metadata(part.content)
            elif part.suffix in CAPTION_SUFFIXES and part.content.strip():
                captions.append(to_normal_text(decode_charset(part.content, source_uri)).strip())
        except DecodeError as error:
            errors.append(error)
        except ValueError as error:
            errors.append(UnreadableSource(source_uri, f"is no metadata ({error}); mend it"))
    written = "\n".join(filter(None, captions))
    caption = written or find_text(fields, "caption", "text")
    title = find_text(fields, "title")
    # What has a place of its own in the payload is not told twice.
    told = {"caption": caption or "", "text": caption or "", "title": title or ""}
    metadata = {
        name: value
        for name, value in fields.items()
        if not (isinstance(value, str) and value.strip() == told.get(name))
    }
    return _Description(caption, to_title(title), metadata), errors


def _to_record(part: Part, shard: Shard, described: _Description) -> Record:
    media_type = MEDIA_TYPES[part.suffix]
    modality = to_modality(media_type)
    return Record(
        source_uri=shard.to_source_uri(part.name),
        root=shard.root,
        location=f"{shard.location}#{part.name}",
        media_type=media_type,
        modality=modality,
        size_bytes=len(part.content),
        modified_ns=part.modified_ns,
        metadata=described.metadata,
        title=described.title,
        caption=described.caption if modality is Modality.IMAGE else None,
        content=part.content,
    )
