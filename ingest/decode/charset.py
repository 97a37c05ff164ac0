"""Bytes to characters, when nobody says in which encoding they are."""

from __future__ import annotations

import codecs
import re

from schemas.errors import DecodeError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like UTF-16's, so it is tried first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

ENCODINGS = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258"),
    *("cp874", "koi8_r", "koi8_u", "mac_roman", "cp437", "cp850", "cp866"),
    *("gb18030", "big5", "cp932", "shift_jis", "euc_jp", "cp949", "euc_kr"),
)
"""What is looked for behind UTF-8: what people's files and pages are written in. The full list of
codecs finds EBCDIC and Urdu in short French texts."""

_ALIASES = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
"""Encodings that files declare -> the larger one that they are written in (WHATWG Encoding)."""

_SAMPLE_BYTES = 1 << 16
_FEW_BYTES = 16
"""With fewer non-ASCII bytes statistics only guess; Windows-1252 is the likeliest then."""

_HIRAGANA = re.compile("[\u3041-\u3096]")
_HIRAGANA_SHARE = 0.2
"""No Japanese is without it, and no other text shows it in a Japanese encoding; the statistics take
short Japanese texts for Korean."""

_WIDE_SHARE = 0.3
_BINARY_SHARE = 0.3
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


def decode_charset(content: bytes, source_uri: str, declared: str | None = None) -> str:
    """The characters of a text file.

    In this order: a byte order mark; UTF-8; UTF-16 without a mark; UTF-8 with a little damage; the
    declared encoding; detection by statistics. What is damaged becomes U+FFFD.

    Args:
        content: The whole file.
        source_uri: What errors call it.
        declared: The encoding that the file itself names.

    Raises:
        DecodeError: It is no text, or in no encoding that can be told.
    """
    for mark, marked_encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(marked_encoding, "replace")
    encoding = (
        _find_wide(content)
        or _find_utf8(content)
        or _find_declared(declared)
        or _detect(content, source_uri)
    )
    text = content.decode(encoding, "replace")
    if len(_CONTROLS.findall(text)) > _BINARY_SHARE * len(text):
        raise _no_text(source_uri)
    return text


def _find_wide(content: bytes) -> str | None:
    """UTF-16 by its NUL bytes: every other one in Latin text, and hardly any on the other side."""
    sample = content[:_SAMPLE_BYTES]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) < _WIDE_SHARE * len(sample) / 2 or min(even, odd) * 10 > max(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _find_utf8(content: bytes) -> str | None:
    """UTF-8 if at most a tenth of what is not ASCII is no UTF-8."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace")
        damaged = text.count("\ufffd")
        valid = sum(not character.isascii() for character in text) - damaged
        return "utf-8" if damaged * 10 <= valid else None
    return "utf-8"


def _find_declared(declared: str | None) -> str | None:
    """The codec of a declared encoding, if it is one that files are written in."""
    try:
        name = codecs.lookup(declared or "").name
    except (LookupError, ValueError):
        return None
    codec = _ALIASES.get(name.replace("_", "-"), name.replace("-", "_"))
    return codec if codec in ENCODINGS or codec.startswith("iso8859") else None


def _detect(content: bytes, source_uri: str) -> str:
    """The likeliest of :data:`ENCODINGS`, by a sample from where the text stops being ASCII."""
    from charset_normalizer import from_bytes

    match = _NOT_ASCII.search(content)
    start = max(0, match.start() - _SAMPLE_BYTES // 16) if match else 0
    sample = content[start : start + _SAMPLE_BYTES]
    if len(_CONTROLS.findall(sample.decode("latin-1"))) * 100 > len(sample):
        raise _no_text(source_uri)
    if len(_NOT_ASCII.findall(sample)) < _FEW_BYTES:
        return "cp1252"
    for encoding in ("cp932", "euc_jp"):
        text = sample.decode(encoding, "replace")
        if len(_HIRAGANA.findall(text)) > _HIRAGANA_SHARE * len(text):
            return encoding
    matches = from_bytes(sample, cp_isolation=list(ENCODINGS))
    best = matches.best()
    if best is None:
        raise _no_text(source_uri)
    # French in Windows-1250 has as many letters in words, only the wrong ones.
    likeliest = {match.encoding for match in matches if match.chaos <= best.chaos}
    return "cp1252" if "cp1252" in likeliest else best.encoding


def _no_text(source_uri: str) -> DecodeError:
    return DecodeError(
        source_uri, "not text in any known encoding; save it as UTF-8, or remove it if it is binary"
    )
