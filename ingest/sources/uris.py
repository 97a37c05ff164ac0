"""Source URIs: ``SCHEME://ROOT/percent-encoded/path``, e.g. ``folder://photos/2024/a%20b.jpg``.

A relative path is a sequence of bytes on POSIX systems, not always UTF-8. It is percent-encoded
from those bytes, so a URI is pure ASCII, two files never share one, and the path can be had back.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from urllib.parse import quote, quote_from_bytes, unquote, unquote_to_bytes

FOLDER = "folder"
"""Scheme of files in folders. Each kind of source has its own, so that none mistakes another's."""

MANIFEST = "manifest"
"""Scheme of rows of a table: the path is the row's id."""

DATASET = "dataset"
"""Scheme of rows of a Hugging Face dataset."""

SHARD = "shard"
"""Scheme of samples in tar shards: the path is the shard's name and the sample's key."""

REMOTE = "remote"
"""Scheme of files on a remote file system."""

_SCHEMES = f"{FOLDER}|{MANIFEST}|{DATASET}|{SHARD}|{REMOTE}"
_FORM = re.compile(rf"(?:{_SCHEMES})://(?P<root>[^/]*)/(?P<path>.*)", re.DOTALL)


def to_source_uri(root: str, relative_path: str, scheme: str = FOLDER) -> str:
    """Canonical URI of an item of a root.

    Args:
        root: Name of the root.
        relative_path: POSIX path below the root as the operating system gives it (bytes that are
            no text stand in it as surrogate escapes), or another key of the item; empty for the
            root itself.
        scheme: Of the kind of source.
    """
    return f"{scheme}://{quote(root, safe='')}/{quote_path(relative_path)}"


def quote_path(relative_path: str) -> str:
    """A path, or a part of one, as it stands in a source URI; the parts of one are quoted alike."""
    return quote_from_bytes(os.fsencode(relative_path))


def from_source_uri(source_uri: str) -> tuple[str, str]:
    """``(root, relative_path)`` that :func:`to_source_uri` was given.

    Raises:
        ValueError: It is not such a URI.
    """
    match = _FORM.fullmatch(source_uri)
    if match is None:
        msg = f"not a source URI: {source_uri!r} (expected SCHEME://ROOT/PATH)"
        raise ValueError(msg)
    return unquote(match["root"]), os.fsdecode(unquote_to_bytes(match["path"]))


def to_root(source_uri: str) -> str:
    """The root of :func:`from_source_uri`; empty where it is not such a URI."""
    with suppress(ValueError):
        return from_source_uri(source_uri)[0]
    return ""


def to_printable(path: str) -> str:
    r"""A path as the operating system gives it, with what cannot be printed escaped as ``\xNN``.

    File names may hold line breaks, terminal escapes and bytes that are no text.
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
