"""An image with its caption: two points that know each other; and records with vectors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from schemas.collection import to_point_id
from schemas.records import Modality, Part
from tests.ingest.conftest import read_chunks, read_vectors
from tests.legible import LegibleEncoder
from tests.list_source import ListSource, image, text, to_png

if TYPE_CHECKING:
    from ingest.store.engine import Engine
    from tests.ingest.conftest import Ingest

RED, BLUE = to_png((255, 0, 0)), to_png((0, 0, 255))


def test_a_captioned_image_is_two_points_that_name_each_other(
    engine: Engine, ingest: Ingest
) -> None:
    record = image("a", RED, caption="a red thing", title="Red", metadata={"by": "Ann"})
    report = ingest(ListSource([record]))
    assert (report.counts.images, report.counts.texts, report.counts.added) == (1, 1, 1)
    chunks = read_chunks(engine)
    first, second = (to_point_id(record.source_uri, ordinal) for ordinal in (0, 1))
    assert {chunks[first].part, chunks[second].part} == {Part.CONTENT, Part.CAPTION}
    assert chunks[first].modality is Modality.IMAGE
    assert (chunks[second].modality, chunks[second].text) == (Modality.TEXT, "a red thing")
    assert chunks[first].paired_ordinals == (1,)
    assert chunks[second].paired_ordinals == (0,)
    assert {chunk.title for chunk in chunks.values()} == {"Red"}
    assert chunks[first].caption == "a red thing"
    assert [chunk.record.metadata for chunk in chunks.values()] == [{"by": "Ann"}] * 2
    payload = engine.retrieve("diptych", [first])[0].payload or {}
    assert payload["paired_with"] == [second]


def test_a_long_caption_is_several_passages_of_the_same_image(
    engine: Engine, ingest: Ingest
) -> None:
    ingest(ListSource([image("a", RED, caption="red " * 20)]))
    chunks = sorted(read_chunks(engine).values(), key=lambda chunk: chunk.ordinal)
    assert len(chunks) == chunks[0].count > 2
    assert chunks[0].paired_ordinals == tuple(range(1, len(chunks)))
    assert {chunk.paired_ordinals for chunk in chunks[1:]} == {(0,)}


def test_another_caption_encodes_the_caption_and_not_the_image(
    engine: Engine, ingest: Ingest
) -> None:
    ingest(ListSource([image("a", RED, caption="red " * 20)]))
    encoder = LegibleEncoder()
    report = ingest(ListSource([image("a", RED, caption="blue")]), encoder)
    assert (report.counts.updated, encoder.encoded_images, encoder.encoded_texts) == (1, 2, 3)
    # Two images and two texts of these are the canary's.
    assert sorted(chunk.text for chunk in read_chunks(engine).values()) == ["", "blue"]


def test_a_pair_that_is_as_it_was_costs_nothing(engine: Engine, ingest: Ingest) -> None:
    records = [image("a", RED, caption="red"), image("b", BLUE, caption="  ")]
    ingest(ListSource(records))
    before = read_chunks(engine)
    encoder = LegibleEncoder()
    report = ingest(ListSource(records), encoder)
    assert (report.counts.unchanged, encoder.encoded_images, encoder.encoded_texts) == (2, 0, 0)
    assert read_chunks(engine) == before
    assert sum(chunk.record.source_uri.endswith("/b") for chunk in before.values()) == 1


def test_new_metadata_of_the_same_bytes_is_recorded_without_encoding(
    engine: Engine, ingest: Ingest
) -> None:
    ingest(ListSource([image("a", RED, metadata={"year": 2020})]))
    encoder = LegibleEncoder()
    ingest(ListSource([image("a", RED, metadata={"place": "Bern"})]), encoder)
    (chunk,) = read_chunks(engine).values()
    assert chunk.record.metadata == {"place": "Bern"}
    ingest(ListSource([image("a", RED)]), encoder)
    (chunk,) = read_chunks(engine).values()
    assert chunk.record.metadata == {}
    assert (encoder.encoded_images, encoder.encoded_texts) == (0, 0)


def test_a_failing_caption_fails_its_item_and_no_other(engine: Engine, ingest: Ingest) -> None:
    records = [image("a", RED, caption="void"), image("b", BLUE, caption="blue")]
    report = ingest(ListSource(records))
    assert [failure.kind for failure in report.failures] == ["InvalidVector"]
    assert {chunk.record.source_uri for chunk in read_chunks(engine).values()} == {
        records[1].source_uri
    }


def test_given_vectors_are_stored_as_unit_vectors_and_nothing_is_encoded(
    engine: Engine, ingest: Ingest
) -> None:
    encoder = LegibleEncoder()
    records = [
        image("a", b"", vector=[3.0, 0.0, 4.0, 0.0, 0.0]),
        text("b", "a passage", vector=[0.0, 2.0, 0.0, 0.0, 0.0]),
    ]
    report = ingest(ListSource(records), encoder)
    assert (encoder.encoded_images, encoder.encoded_texts) == (2, 2)  # the new canary's
    assert (report.counts.images, report.counts.texts) == (1, 1)
    vectors = read_vectors(engine)
    assert vectors[to_point_id(records[0].source_uri, 0)] == [0.6, 0, 0.8, 0, 0]
    assert vectors[to_point_id(records[1].source_uri, 0)] == [0, 1, 0, 0, 0]
    texts = {chunk.text for chunk in read_chunks(engine).values()}
    assert texts == {"", "a passage"}
    again = ingest(ListSource(records))
    assert again.counts.unchanged == 2
    changed = image("a", b"", vector=[1.0, 0.0, 0.0, 0.0, 0.0])
    assert ingest(ListSource([changed])).counts.updated == 1


@pytest.mark.parametrize(
    "vector", [[0.0] * 5, [float("nan")] + [1.0] * 4, [1.0] * 4], ids=["zero", "nan", "short"]
)
def test_a_vector_that_cannot_be_found_again_costs_its_item(
    engine: Engine, ingest: Ingest, vector: list[float]
) -> None:
    records = [image("a", b"", vector=vector), image("b", b"", vector=[1.0] * 5)]
    report = ingest(ListSource(records))
    assert [(one.source_uri, one.kind) for one in report.failures] == [
        (records[0].source_uri, "InvalidVector")
    ]
    assert len(read_chunks(engine)) == 1


def test_what_looks_like_a_file_is_a_caption_all_the_same(engine: Engine, ingest: Ingest) -> None:
    captions = ["%PDF-1.4 is how red files begin", "<html><body><p>red</p></body></html>"]
    report = ingest(ListSource([image(one, RED, caption=one) for one in captions]))
    assert report.counts.failed == 0
    assert {chunk.text for chunk in read_chunks(engine).values() if chunk.text} == set(captions)


@pytest.mark.parametrize("caption", ["  ", "\x00", "\ufeff\n"])
def test_a_caption_without_words_is_none(engine: Engine, ingest: Ingest, caption: str) -> None:
    assert ingest(ListSource([image("a", RED, caption=caption)])).counts.texts == 0
    assert [chunk.caption for chunk in read_chunks(engine).values()] == [None]


def test_another_title_or_kind_of_the_same_bytes_is_an_update(
    engine: Engine, ingest: Ingest
) -> None:
    words = text("t", "# red\n\n*words*", title="Old")
    ingest(ListSource([image("i", RED, title="Old"), replace(words, media_type="text/html")]))
    encoder = LegibleEncoder()
    records = [image("i", RED, title="New"), replace(words, media_type="text/markdown")]
    report = ingest(ListSource(records), encoder)
    assert (report.counts.updated, encoder.encoded_images) == (2, 2)  # the canary's
    chunks = read_chunks(engine).values()
    assert {(c.title, c.record.media_type) for c in chunks} == {
        ("New", "image/png"),
        ("Old", "text/markdown"),
    }
    assert ingest(ListSource(records)).counts.unchanged == 2
