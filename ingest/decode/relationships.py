"""Office documents whose parts refer to parts that are not there.

Office opens them, and writes them too: a picture that was lost is left as a reference to ``NULL``.
The libraries refuse the whole document then.
"""

from __future__ import annotations

import posixpath
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import ZIP_STORED, ZipFile

from ingest.decode.packages import parse_xml

if TYPE_CHECKING:
    from lxml import etree

_SUFFIX = ".rels"


def to_mended(content: bytes, package: ZipFile, source_uri: str) -> bytes:
    """The document without references to what it does not hold; itself when it has none.

    Args:
        content: The whole file.
        package: The same, open and known to be harmless.
        source_uri: What errors call it.
    """
    names = frozenset(package.namelist())
    mended: dict[str, bytes] = {}
    for name in names:
        if name.endswith(_SUFFIX):
            root = parse_xml(package.read(name), name, source_uri)
            if dangling := [each for each in root if _is_dangling(each, name, names)]:
                mended[name] = _without(root, dangling)
    return _rewrite(package, mended) if mended else content


def _is_dangling(relationship: etree._Element, name: str, names: frozenset[str]) -> bool:
    """Whether it refers to a part that is not there; ``name`` is where it stands."""
    if relationship.get("TargetMode") == "External":
        return False
    folder = posixpath.dirname(posixpath.dirname(name))
    target = posixpath.join("/", folder, relationship.get("Target") or "").partition("#")[0]
    return posixpath.normpath(target).lstrip("/") not in names


def _without(root: etree._Element, relationships: list[etree._Element]) -> bytes:
    from lxml import etree

    for relationship in relationships:
        root.remove(relationship)
    return etree.tostring(root)


def _rewrite(package: ZipFile, mended: dict[str, bytes]) -> bytes:
    """The same parts but for the mended ones; not packed, as nobody keeps it."""
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as copy:
        for name in dict.fromkeys(package.namelist()):
            copy.writestr(name, mended.get(name) or package.read(name))
    return buffer.getvalue()
