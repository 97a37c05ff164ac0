"""What a root may be called: its name is the first part of every source URI below it."""

from __future__ import annotations

import re
from unicodedata import normalize

from schemas.errors import SettingsError

_MAX_NAME_CHARS = 100
_UNSAFE = re.compile(r"[^\w.@+=,() -]")


def to_name(text: str) -> str:
    """A root name from a file's or a folder's own; ``root`` where nothing of it is left."""
    return _UNSAFE.sub("_", normalize("NFC", text))[:_MAX_NAME_CHARS].strip() or "root"


def check_name(name: str) -> str:
    """The name.

    Raises:
        SettingsError: It cannot stand in a URI or on one line.
    """
    if not name or _UNSAFE.search(name) or name != name.strip() or len(name) > _MAX_NAME_CHARS:
        raise SettingsError(
            f"{name!r} cannot name a root: use at most {_MAX_NAME_CHARS} letters, digits, "
            "spaces and _.@+=,()- without spaces at the ends"
        )
    return name
