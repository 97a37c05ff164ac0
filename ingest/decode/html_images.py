"""The images of a page: where each lies, and what the page says of it."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urljoin

if TYPE_CHECKING:
    from lxml.html import HtmlElement

    from ingest.decode.figures import Figures

_LAZY = ("data-src", "data-original", "data-lazy-src")
"""Where pages keep the address of an image that a script loads once it comes into view."""

_CANDIDATE = re.compile(r"\s*(?P<location>\S+?)(?:\s+(?P<size>[\d.]+)[wx])?\s*(?:,\s|,?$)")
"""One of a ``srcset``, of which a location may hold commas but no white space."""

_DECORATION = frozenset({"none", "presentation"})
_MAX_SRCSET_CHARS = 10_000
_MAX_CAPTION_PIECES = 100


def to_location(element: HtmlElement, base: str | None, figures: Figures) -> str | None:
    """The path, URL or ``data:`` URI of an ``<img>``; None when it only decorates.

    Args:
        element: It.
        base: What locations are relative to, where the page says so.
        figures: Tells which sizes are figures.
    """
    attributes = element.attrib
    if attributes.get("role") in _DECORATION or attributes.get("aria-hidden") == "true":
        return None
    width, height = _to_pixels(attributes.get("width")), _to_pixels(attributes.get("height"))
    # A side that is not said may be any.
    if not figures.is_large_enough(width or 10_000, height or 10_000):
        return None
    location = (attributes.get("src") or "").strip()
    if not location or location[:5].lower() == "data:":
        lazy = next((attributes[name] for name in _LAZY if attributes.get(name)), None)
        location = lazy or _to_largest(attributes.get("srcset")) or location
    return _join(base, location.strip())


def is_beside_the_text(element: HtmlElement) -> bool:
    """Whether an image is in a menu, a side note or a footer."""
    return next(element.iterancestors("nav", "aside", "footer"), None) is not None


def to_alt_text(element: HtmlElement) -> str | None:
    """What the page says of an image for those who cannot see it."""
    for name in ("alt", "aria-label", "title"):
        if (text := (element.get(name) or "").strip()) != "":
            return text
    return None


def find_caption(element: HtmlElement) -> str | None:
    """The ``<figcaption>`` of the nearest ``<figure>`` around an image."""
    figure = next(element.iterancestors("figure"), None)
    caption = None if figure is None else figure.find("figcaption")
    if caption is None:
        return None
    return "".join(islice(caption.itertext(), _MAX_CAPTION_PIECES))


def find_base(tree: HtmlElement) -> str | None:
    """What ``<base>`` says the page's locations are relative to."""
    for element in tree.iter("base"):
        if location := (element.get("href") or "").strip():
            return location
    return None


def _to_pixels(text: str | None) -> int | None:
    match = re.fullmatch(r"\s*(\d{1,5})(?:\.\d+)?\s*(?:px)?\s*", text or "")
    return int(match[1]) if match else None


def _to_largest(srcset: str | None) -> str | None:
    """The candidate of the largest width or density."""
    best, best_size = None, -1.0
    for match in _CANDIDATE.finditer((srcset or "")[:_MAX_SRCSET_CHARS]):
        try:
            size = float(match["size"] or 1)
        except ValueError:
            continue
        if size > best_size:
            best, best_size = match["location"], size
    return best


def _join(base: str | None, location: str) -> str | None:
    try:
        return (urljoin(base, location) if base else location) or None
    except ValueError:  # a malformed host
        return None
