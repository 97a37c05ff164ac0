"""Source URIs: ``folder://ROOT/percent-encoded/relative/path``.

A relative path is a sequence of bytes on POSIX systems, not always UTF-8. It is percent-encoded
from those bytes, so a URI is pure ASCII, two files never share one, and the path can be had back.
"""

from __future__ import annotations

import os
from urllib.parse import quote, quote_from_bytes, unquote, unquote_to_bytes

SCHEME = "folder://"


def to_source_uri(root: str, relative_path: str) -> str:
    """Canonical URI of a path below a root.

    Args:
        root: Name of the root.
        relative_path: POSIX path below the root as the operating system gives it (bytes that are
            no text stand in it as surrogate escapes); empty for the root itself.
    """
    return f"{SCHEME}{quote(root, safe='')}/{quote_from_bytes(os.fsencode(relative_path))}"


def from_source_uri(source_uri: str) -> tuple[str, str]:
    """``(root, relative_path)`` that :func:`to_source_uri` was given.

    Raises:
        ValueError: It is not such a URI.
    """
    root, separator, quoted = source_uri.removeprefix(SCHEME).partition("/")
    if not source_uri.startswith(SCHEME) or not separator:
        msg = f"not a source URI: {source_uri!r} (expected {SCHEME}ROOT/PATH)"
        raise ValueError(msg)
    return unquote(root), os.fsdecode(unquote_to_bytes(quoted))


def to_printable(path: str) -> str:
    r"""A path as the operating system gives it, with what cannot be printed escaped as ``\xNN``.

    File names may hold line breaks, terminal escapes and bytes that are no text.
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
