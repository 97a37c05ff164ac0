"""Hypothesis strategies for records and chunks."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from schemas.records import Chunk, Modality, Part, Place, Record

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)
words = texts.filter(lambda text: bool(text.strip()))
hashes = st.binary(min_size=4, max_size=8).map(lambda b: f"blake3:{b.hex()}")
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts
metadata = st.dictionaries(texts, scalars, max_size=3)
places = st.builds(Place, st.floats(-90, 90), st.floats(-180, 180))


@st.composite
def records(draw: st.DrawFn) -> Record:
    return Record(
        source_uri=draw(words),
        root=draw(words),
        location=draw(words),
        media_type=draw(st.sampled_from(["image/jpeg", "text/plain", "application/pdf"])),
        modality=draw(st.sampled_from(Modality)),
        size_bytes=draw(st.integers(0, 2**50)),
        modified_ns=draw(st.none() | st.integers(0, 4_000_000_000 * 10**9)),
        metadata=draw(metadata),
    )


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    record = draw(records())
    count = draw(st.integers(1, 9))
    ordinals = st.integers(0, count - 1)
    other = Part.CAPTION if record.modality is Modality.IMAGE else Part.FIGURE
    part = draw(st.sampled_from([Part.CONTENT, other]))
    shared: dict[str, Any] = {
        "ordinal": draw(ordinals),
        "count": count,
        "content_hash": draw(hashes),
        "part": part,
        "title": draw(st.none() | words),
        "page": draw(st.none() | st.integers(1, 500)),
        "language": draw(st.none() | st.sampled_from(["en", "pt-BR"])),
        "headings": tuple(draw(st.lists(words, max_size=2))),
        "paired_ordinals": tuple(draw(st.lists(ordinals, max_size=2))),
    }
    if (record.modality is Modality.IMAGE) == (part is Part.CONTENT):
        return draw(_image_chunks(record, shared))
    text, start = draw(words), draw(st.integers(0, 10_000))
    end = start + len(text)
    return Chunk(record, **shared, text=text, start_char=start, end_char=end)


@st.composite
def _image_chunks(draw: st.DrawFn, record: Record, shared: dict[str, Any]) -> Chunk:
    sides = st.none() | st.integers(1, 10_000)
    phrases = st.none() | words
    return Chunk(
        record,
        **shared,
        width_pixels=draw(sides),
        height_pixels=draw(sides),
        caption=draw(phrases),
        alt_text=draw(phrases),
        ocr_text=draw(phrases),
        keywords=tuple(draw(st.lists(words, max_size=2))),
        frame=draw(st.none() | st.integers(1, 99)),
        place=draw(st.none() | places),
    )
