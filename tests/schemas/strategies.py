"""Hypothesis strategies for records and chunks."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from schemas.records import Chunk, Modality, Record

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)
words = texts.filter(lambda text: bool(text.strip()))
hashes = st.binary(min_size=4, max_size=8).map(lambda b: f"blake3:{b.hex()}")
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts
metadata = st.dictionaries(texts, scalars, max_size=3)


@st.composite
def records(draw: st.DrawFn) -> Record:
    return Record(
        source_uri=draw(words),
        root=draw(words),
        location=draw(words),
        media_type=draw(st.sampled_from(["image/jpeg", "text/plain", "application/pdf"])),
        modality=draw(st.sampled_from(Modality)),
        size_bytes=draw(st.integers(0, 2**50)),
        modified_ns=draw(st.integers(0, 4_000_000_000 * 10**9)),
        metadata=draw(metadata),
    )


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    record = draw(records())
    count = draw(st.integers(1, 9))
    shared: dict[str, Any] = {
        "ordinal": draw(st.integers(0, count - 1)),
        "count": count,
        "content_hash": draw(hashes),
        "title": draw(st.none() | words),
    }
    if record.modality is Modality.IMAGE:
        sides = st.none() | st.integers(1, 10_000)
        return Chunk(record, **shared, width_pixels=draw(sides), height_pixels=draw(sides))
    text, start = draw(words), draw(st.integers(0, 10_000))
    page = draw(st.none() | st.integers(1, 500))
    end = start + len(text)
    return Chunk(record, **shared, text=text, page=page, start_char=start, end_char=end)
