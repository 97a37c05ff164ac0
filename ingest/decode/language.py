"""Which language a document is in: as it declares it, else as its words tell."""

from __future__ import annotations

import re
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_TAG = re.compile(
    r"(?P<language>[A-Za-z]{2,3})(?:[-_](?P<script>[A-Za-z]{4}))?"
    r"(?:[-_](?P<region>[A-Za-z]{2}|\d{3}))?(?![A-Za-z0-9])"
)
"""Language, script and region of RFC 5646; what follows them is left out."""

_UNSAID = frozenset({"und", "mul", "zxx", "mis"})
"""ISO 639-2: undetermined, several, no language, uncoded."""

_SAMPLE_CHARS = 600
"""Enough to be sure; identifying them takes a quarter of a millisecond or less."""

_MIN_WORDS = 20
_MIN_WIDE_CHARS = 40
"""Chinese and Japanese write no spaces: about two characters a word."""

_WIDE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_MIN_PROBABILITY = 0.9
_LOADING = Lock()


def to_language_tag(declared: str | None) -> str | None:
    """A declared language as BCP 47 writes it (``en``, ``pt-BR``, ``zh-Hant``), if it is one."""
    match = _TAG.match((declared or "").strip())
    if match is None or match["language"].lower() in _UNSAID:
        return None
    script, region = match["script"], match["region"]
    parts = (match["language"].lower(), script and script.title(), region and region.upper())
    return "-".join(part for part in parts if part)


def detect_language(text: str) -> str | None:
    """The language of the first 600 characters; None for a few words, and when it is not sure.

    Safe to call from several threads. None too where the package py3langid is not installed.
    """
    sample = text[:_SAMPLE_CHARS]
    if len(sample.split()) < _MIN_WORDS and len(_WIDE.findall(sample)) < _MIN_WIDE_CHARS:
        return None
    identifier = _load()
    if identifier is None:
        return None
    language, probability = identifier.classify(sample)
    return to_language_tag(language) if probability >= _MIN_PROBABILITY else None


def _load() -> LanguageIdentifier | None:
    """The identifier, loaded once; identifying changes nothing in it."""
    with _LOADING:
        return _load_once()


@cache
def _load_once() -> LanguageIdentifier | None:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        return None
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
