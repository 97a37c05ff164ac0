"""Listing a remote file system: a page or a folder at a time, in the byte order of the paths."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ingest.sources.filesystems import attempt, to_root_error
from ingest.sources.outages import Trouble, to_trouble
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ingest.sources.filesystems import Place

PAGE_KEYS = 1000
"""Keys asked for at once: the most that S3 gives."""

_S3 = frozenset({"s3", "s3a"})
_TIMES = ("LastModified", "last_modified", "mtime", "modified", "updated", "created")
_VERSIONS = ("generation", "ETag", "etag", "md5Hash", "sha", "hex", "blob_id")
"""What changes with an object's bytes, where its store says it: the number of the write (Google),
an entity tag (S3, Azure, WebDAV), a hash (GitHub, git, Hugging Face)."""

_WEAK = "W/"
"""Begins an entity tag that may stay when bytes change (RFC 9110, section 8.8.1)."""

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """What a listing says of one object.

    Attributes:
        key: Its path below the place that was listed.
        is_file: Whether it is a file; links and the like are not.
        size_bytes: 0 where the listing does not say.
        modified_ns: Nanoseconds since the epoch; None where the listing does not say.
        stamp: See :func:`to_stamp`.
    """

    key: str
    is_file: bool = True
    size_bytes: int = 0
    modified_ns: int | None = None
    stamp: str | None = None


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A folder that could not be listed.

    Attributes:
        key: Its path below the place that was listed, ending in a slash.
        reason: What is wrong with it.
    """

    key: str
    reason: str


def iter_entries(place: Place, enters: Callable[[str], bool]) -> Iterator[Entry | Unlisted]:
    """Everything below a place, in the byte order of the keys.

    Args:
        place: What to list.
        enters: Whether to look into a folder, by its key with the slash at the end. A store that
            has no folders is listed key by key, and ``enters`` is not asked.

    Raises:
        SettingsError: The place is not there or may not be listed.
        SourceUnavailable: The file system does not answer, or stopped to.
    """
    if place.protocol in _S3:
        return _iter_keys(place)
    return _iter_folders(place, enters)


def _iter_keys(place: Place) -> Iterator[Entry]:
    """The keys of a bucket, page by page: S3 gives them in byte order."""
    bucket, _, prefix = place.path.partition("/")
    request: dict[str, object] = {"Bucket": bucket, "MaxKeys": PAGE_KEYS}
    if prefix:
        request["Prefix"] = prefix = f"{prefix.rstrip('/')}/"
    is_empty = True
    while True:
        page = _call(place, lambda: place.filesystem.call_s3("list_objects_v2", **request))
        for found in page.get("Contents", ()):
            is_empty = False
            key = str(found["Key"]).removeprefix(prefix)
            if key and not key.endswith("/"):
                yield _to_entry(key, found, is_file=True)
        if not page.get("IsTruncated"):
            break
        request["ContinuationToken"] = page["NextContinuationToken"]
    if is_empty and prefix:
        raise SettingsError(f"{place.url}: nothing lies there; check the bucket and the prefix")


def _iter_folders(place: Place, enters: Callable[[str], bool]) -> Iterator[Entry | Unlisted]:
    """Folder by folder, with a stack of those that have been begun."""
    stack = [iter(_list_root(place))]
    while stack:
        for entry in stack[-1]:
            if not entry.key.endswith("/"):
                yield entry
            elif enters(entry.key):
                below = _list_folder(place, entry.key)
                if isinstance(below, Unlisted):
                    yield below
                else:
                    stack.append(iter(below))
                    break
        else:
            stack.pop()


def _list_root(place: Place) -> list[Entry]:
    entries: list[Entry] = _call(place, lambda: _list(place, ""))
    if [entry.key for entry in entries] == [""]:
        raise SettingsError(f"{place.url}: is a file; give the folder or prefix that holds it")
    return entries


def _list_folder(place: Place, folder: str) -> list[Entry] | Unlisted:
    try:
        return attempt(place.filesystem, lambda: _list(place, folder))
    except Exception as error:
        if to_trouble(error) in {Trouble.OUTAGE, Trouble.CREDENTIALS, Trouble.MISSING_BUCKET}:
            raise to_root_error(place.url, error) from error
        return Unlisted(folder, str(error) or type(error).__name__)


def _list(place: Place, folder: str) -> list[Entry]:
    """One folder's entries in order; folders in it end in a slash, as in their paths."""
    base = place.path.rstrip("/") + "/"
    entries = []
    for found in place.filesystem.ls(place.below(folder).rstrip("/") or "/", detail=True):
        name = str(found["name"])
        key = name.removeprefix(base) if name.startswith(base) else ""
        if found.get("type") == "directory":
            # Some stores list the folder itself.
            if key.rstrip("/") != folder.rstrip("/"):
                entries.append(Entry(f"{key.rstrip('/')}/"))
        elif key or name.rstrip("/") == base.rstrip("/"):
            entries.append(_to_entry(key, found, is_file=found.get("type", "file") == "file"))
    return sorted(entries, key=lambda entry: entry.key.encode(errors="surrogateescape"))


def _call(place: Place, action: Callable[[], Any]) -> Any:  # noqa: ANN401 - a backend's answer
    try:
        return attempt(place.filesystem, action)
    except Exception as error:
        raise to_root_error(place.url, error) from error


def _to_entry(key: str, found: Mapping[str, Any], *, is_file: bool) -> Entry:
    size = found.get("Size", found.get("size"))
    modified = next((found[name] for name in _TIMES if found.get(name) is not None), None)
    size_bytes = size if isinstance(size, int) and size > 0 else 0
    modified_ns = to_ns(modified)
    stamp = to_stamp(found, size_bytes, modified_ns)
    return Entry(key, is_file, size_bytes, modified_ns, stamp)


def to_stamp(found: Mapping[str, Any], size_bytes: int, modified_ns: int | None) -> str | None:
    """``version:size:modified_ns`` of an object whose store gives each content a version.

    Size and time alone promise nothing, however fine the clock: whoever copies files with their
    times (``rsync -t``, ``cp -p``, an archive unpacked) puts other bytes behind the same two, and
    no remote file system lists the time of the last change of the inode, which would show it.

    Args:
        found: What the listing says.
        size_bytes: Of the object.
        modified_ns: Of the object.

    Returns:
        The stamp; None where the listing has no version, or one that may outlive a change.
    """
    version = next((str(found[name]) for name in _VERSIONS if found.get(name)), "")
    if not version or version.startswith(_WEAK):
        return None
    return f"{version}:{size_bytes}:{modified_ns}"


def to_ns(moment: object) -> int | None:
    """Nanoseconds since the epoch, which fit 64 bits, of what a listing gives as a time."""
    try:
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
        if isinstance(moment, datetime):
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            elapsed = aware - datetime.fromtimestamp(0, UTC)
            moment_ns = (elapsed.days * 86_400 + elapsed.seconds) * _NS
            moment_ns += elapsed.microseconds * 1000
        elif isinstance(moment, int | float):
            moment_ns = int(moment * _NS)
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return min(max(moment_ns, _INT64_MIN), _INT64_MAX)
