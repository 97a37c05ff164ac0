"""The payload layout: what goes in comes out, and ids are identities."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from uuid import uuid5

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas.collection import (
    POINT_NAMESPACE,
    from_generation,
    from_payload,
    to_generation,
    to_payload,
    to_point,
    to_point_id,
)
from schemas.payload_indexes import PAYLOAD_INDEXES, TAGS
from schemas.records import Chunk, Modality, Part, Place, Record
from schemas.space import EmbeddingSpace
from schemas.vectors import to_sparse_vector
from schemas.words import to_document_weights
from tests.schemas.strategies import chunks, words

SPACE = EmbeddingSpace(
    model_id="test",
    revision="1",
    dimension=3,
    modalities=tuple(Modality),
    window_tokens=8,
    image_size_pixels=32,
    preprocessing="none",
    padding="longest",
    pooling="mean",
    normalisation="l2",
    dtype="float32",
    decode_version=1,
    chunk_version=1,
)
NOTE = Record(
    source_uri="folder://notes/a.txt",
    root="notes",
    location="/notes/a.txt",
    media_type="text/plain",
    modality=Modality.TEXT,
    size_bytes=11,
    modified_ns=1_700_000_000_123_456_789,
    metadata={"author": "Ann"},
)


@given(chunk=chunks())
def test_a_chunk_survives_the_payload_and_json(chunk: Chunk) -> None:
    payload = json.loads(json.dumps(to_payload(chunk, "blake3:ff")))
    assert from_payload(payload) == chunk


def test_the_payload_of_a_text_chunk_is_flat_and_complete() -> None:
    chunk = Chunk(NOTE, 1, 2, "blake3:ab", text="hello", page=4, start_char=6, end_char=11)
    assert to_payload(chunk, "blake3:ff") == {
        "modality": "text",
        "source_uri": "folder://notes/a.txt",
        "root": "notes",
        "location": "/notes/a.txt",
        "media_type": "text/plain",
        "part": "content",
        "size_bytes": 11,
        "modified_ns": 1_700_000_000_123_456_789,
        "modified_at": "2023-11-14T22:13:20.123456+00:00",
        "chunk_ordinal": 1,
        "chunk_count": 2,
        "content_hash": "blake3:ab",
        "fingerprint": "blake3:ff",
        "text": "hello",
        "page": 4,
        "start_char": 6,
        "end_char": 11,
        "metadata": {"author": "Ann"},
    }


@given(name=st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name))
def test_any_path_can_be_stored_as_json_and_had_back(name: bytes) -> None:
    record = replace(NOTE, location="/notes/" + os.fsdecode(name))
    payload = to_payload(Chunk(record, 0, 1, "blake3:ab", text="hello"), "blake3:ff")
    stored = json.dumps(payload, ensure_ascii=False).encode("utf-8")
    assert from_payload(json.loads(stored)).record.location == record.location


def test_a_point_carries_id_vector_and_fingerprint() -> None:
    chunk = Chunk(NOTE, 0, 1, "blake3:ab", text="hello")
    point = to_point(chunk, np.array([0.0, 0.6, 0.8], np.float32), "blake3:ff")
    assert point.id == to_point_id("folder://notes/a.txt", 0)
    assert isinstance(point.vector, dict)
    assert point.vector[""] == np.array([0.0, 0.6, 0.8], np.float32).tolist()
    assert point.vector["words"] == to_sparse_vector(to_document_weights(["hello"]))
    assert point.payload is not None
    assert point.payload["fingerprint"] == "blake3:ff"


def test_point_ids_never_change_between_releases() -> None:
    assert to_point_id("folder://notes/a.txt", 0) == "68fac77f-2972-5c2f-b9e1-87f00ac8cc86"
    assert to_point_id("folder://notes/a.txt", 1) == "bdb7ff62-abbf-5ec6-ad4f-77a690f0c98d"


@given(uri=st.text(), ordinal=st.integers(0, 99))
def test_point_ids_are_uuids_of_version_5(uri: str, ordinal: int) -> None:
    try:
        expected = uuid5(POINT_NAMESPACE, f"{uri}#{ordinal}")
    except UnicodeEncodeError:
        return
    assert to_point_id(uri, ordinal) == str(expected)


@given(uris=st.lists(words, unique=True, min_size=2, max_size=5))
def test_point_ids_are_as_distinct_as_their_items(uris: list[str]) -> None:
    ids = {to_point_id(uri, ordinal) for uri in uris for ordinal in range(3)}
    assert len(ids) == 3 * len(uris)


def test_modality_is_indexed_first_and_every_indexed_field_is_in_some_payload() -> None:
    assert next(iter(PAYLOAD_INDEXES)) == "modality"
    photo = Record("folder://p/a", "p", "/p/a", "image/png", Modality.IMAGE, 1, 0)
    whole = Chunk(
        photo,
        0,
        1,
        "blake3:ab",
        title="t",
        width_pixels=1,
        height_pixels=1,
        taken_at="2020-01-01",
        keywords=("k",),
        place=Place(48.1, 11.5),
        caption="c",
        alt_text="a",
        ocr_text="o",
    )
    paged = Chunk(
        NOTE, 0, 1, "blake3:ab", text="hello", page=1, language="en", created_at="2020-01-01"
    )
    written = {*to_payload(whole, "f:0"), *to_payload(paged, "f:0")}
    assert set(PAYLOAD_INDEXES) - {TAGS} <= written
    assert TAGS not in written  # so ingestion leaves them alone


def test_a_pair_names_its_other_half_by_point_id() -> None:
    photo = Record("folder://p/a", "p", "/p/a", "image/png", Modality.IMAGE, 1, 0)
    image = Chunk(photo, 0, 2, "blake3:ab", caption="a dog", paired_ordinals=(1,))
    words = Chunk(photo, 1, 2, "blake3:cd", part=Part.CAPTION, text="a dog", paired_ordinals=(0,))
    assert (image.modality, words.modality) == (Modality.IMAGE, Modality.TEXT)
    assert to_payload(image, "f:0")["paired_with"] == [to_point_id("folder://p/a", 1)]
    assert to_payload(words, "f:0")["paired_with"] == [to_point_id("folder://p/a", 0)]


@given(name=words, number=st.integers(1, 5000))
def test_generation_names_are_read_back(name: str, number: int) -> None:
    if re.search(r"[\r\n]", name):
        return
    assert from_generation(to_generation(name, number)) == (name, number)


def test_generations_look_like_the_documentation_says() -> None:
    assert to_generation("photos", 7) == "photos__g007"
    assert from_generation("photos") is None
    assert from_generation("photos__g7") is None
