"""Which shards a specification names: a file, a brace pattern, a glob, here or on a server."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ingest.sources.filesystems import attempt, open_place, to_root_error
from ingest.sources.names import to_name
from ingest.sources.uris import to_printable
from schemas.errors import SettingsError

if TYPE_CHECKING:
    import io
    from collections.abc import Mapping, Sequence

    from ingest.sources.filesystems import Place

MAX_SHARDS = 1_000_000
"""That a pattern may name; more is a slip of the keyboard."""

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d{1,18})\.\.(\d{1,18})", re.ASCII)
_SPECIAL = re.compile(r"[*?\[{]")
_GLOB = re.compile(r"[*?\[]")
_ENDINGS = (".tar.gz", ".tgz", ".tar")


@dataclass(frozen=True, slots=True)
class ShardNames:
    """The shards of a specification, in order. Made by :meth:`parse`.

    Attributes:
        spec: As given, absolute where it is a path; without a password.
        prefix: What stands before every name; with a slash at the end, or empty.
        names: Of the shards, below the prefix.
        place: Their file system's, where they are on a server.
    """

    spec: str
    prefix: str
    names: tuple[str, ...]
    place: Place | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, spec: str, options: Mapping[str, object] | None = None) -> ShardNames:
        """The shards that a specification names.

        Args:
            spec: A path or a URL that fsspec knows; ``{000..009}`` and ``{a,b}`` in it stand for
                each of the names, then ``*``, ``?`` and ``[...]`` for those that are there.
            options: Of the file system, for a URL.

        Raises:
            SettingsError: It names nothing that is there, or too much.
            SourceUnavailable: The file system does not answer.
        """
        if "://" in spec:
            return cls._parse_remote(spec, options)
        absolute = os.path.abspath(spec)  # noqa: PTH100 - resolve() would follow links
        prefix = _to_prefix(absolute)
        paths = [path for pattern in expand_braces(absolute) for path in _glob_here(pattern)]
        if not any(Path(path).is_file() for path in paths):
            raise _nothing_there(to_printable(absolute))
        return cls(absolute, prefix, _unique([path.removeprefix(prefix) for path in paths]))

    @classmethod
    def _parse_remote(cls, spec: str, options: Mapping[str, object] | None) -> ShardNames:
        prefix = _to_prefix(spec)
        place = open_place(prefix, options)
        names: list[str] = []
        for pattern in expand_braces(spec.removeprefix(prefix)):
            names += _glob_below(place, pattern) if _GLOB.search(pattern) else [pattern]
        if not names:
            raise _nothing_there(place.url)
        shown = f"{place.url}/{spec.removeprefix(prefix)}"
        return cls(shown, f"{place.url}/", _unique(names), place)

    def open(self, name: str) -> io.RawIOBase | io.BufferedReader:
        """One of the shards, to be read forward.

        Raises:
            OSError: It cannot be had. A backend raises errors of its own too.
        """
        if self.place is None:
            return open(self.prefix + name, "rb", opener=_open_regular)
        place, path = self.place, self.place.below(name)
        file = attempt(place.filesystem, lambda: place.filesystem.open(path, "rb"))
        return cast("io.RawIOBase", file)

    def to_root_name(self) -> str:
        """A root's name: what the shards' names begin with, or their folder's name."""
        own = self.spec.removeprefix(self.prefix)
        for ending in _ENDINGS:
            own = own.removesuffix(ending)
        begins = _SPECIAL.split(own, maxsplit=1)[0].strip("-_. ")
        return to_name(begins or self.prefix.rstrip("/").rpartition("/")[2])


def _open_regular(path: str, flags: int) -> int:
    """A descriptor of a regular file; a FIFO would keep its reader waiting."""
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return descriptor


def expand_braces(pattern: str) -> list[str]:
    """Every name that a pattern with ``{000..009}`` or ``{a,b}`` in it stands for, in order.

    Raises:
        SettingsError: There are more than :data:`MAX_SHARDS`.
    """
    parts = _BRACES.split(pattern)
    choices = [_to_choices(part) if place % 2 else [part] for place, part in enumerate(parts)]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > MAX_SHARDS:
        raise SettingsError(f"{pattern}: stands for {count:,} shards; give at most {MAX_SHARDS:,}")
    return ["".join(name) for name in product(*choices)]


def _to_choices(inside: str) -> Sequence[str]:
    """What stands between two braces; both, where it is no pattern."""
    if bounds := _RANGE.fullmatch(inside):
        first, last = bounds.groups()
        is_padded = any(bound != "0" and bound.startswith("0") for bound in bounds.groups())
        width = max(len(first), len(last)) if is_padded else 0
        step = 1 if int(first) <= int(last) else -1
        numbers = range(int(first), int(last) + step, step)
        if len(numbers) > MAX_SHARDS:
            raise SettingsError(f"{{{inside}}} stands for more than {MAX_SHARDS:,} shards")
        return [str(number).zfill(width) for number in numbers]
    return inside.split(",") if "," in inside else [f"{{{inside}}}"]


def _to_prefix(spec: str) -> str:
    """The folder above the first name that is a pattern, with its slash."""
    special = _SPECIAL.search(spec)
    return spec[: spec.rfind("/", 0, special.start() if special else len(spec)) + 1]


def _glob_here(pattern: str) -> list[str]:
    """The paths that match, in order; the pattern itself where it is a path."""
    if not _GLOB.search(pattern) or Path(pattern).is_file():
        return [pattern]
    return sorted(glob.glob(pattern), key=os.fsencode)  # noqa: PTH207 - keeps paths as they are


def _glob_below(place: Place, pattern: str) -> list[str]:
    base = place.path.rstrip("/") + "/"
    try:
        found = attempt(place.filesystem, lambda: place.filesystem.glob(base + pattern))
    except Exception as error:
        raise to_root_error(place.url, error) from error
    return sorted(str(path).removeprefix(base) for path in found)


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _nothing_there(shown: str) -> SettingsError:
    return SettingsError(
        f"{shown}: no such shards; give a .tar file, a pattern like shards-{{000..009}}.tar, "
        "or a glob in quotes"
    )
