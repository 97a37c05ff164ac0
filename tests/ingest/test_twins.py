"""The same bytes are encoded once, however many paths hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qdrant_client import models

from ingest.job import IngestJob
from ingest.sources.folder import FolderSource
from ingest.store.connect import connect
from schemas.collection import to_point_id
from schemas.records import Part
from schemas.settings import load_settings
from tests.ingest.conftest import read_chunks, read_vectors
from tests.legible import VOID_COLOUR, LegibleEncoder
from tests.list_source import ListSource, image, text, to_png

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.store.engine import Engine
    from schemas.records import Record
    from schemas.report import RunReport
    from tests.ingest.conftest import Ingest

RED, BLUE = to_png((255, 0, 0)), to_png((0, 0, 255))
CANARY = 2
"""Images, and texts, that a new collection's canary or its check encodes."""


def test_copies_in_one_run_are_encoded_once(engine: Engine, ingest: Ingest) -> None:
    encoder = LegibleEncoder()
    copies = [image(f"copy {nth}", RED) for nth in range(100)]
    report = ingest(ListSource([*copies, image("blue", BLUE)]), encoder)
    assert encoder.encoded_images == 2 * CANARY + 2
    assert (report.counts.added, report.counts.images, report.counts.reused) == (101, 101, 99)
    vectors = read_vectors(engine)
    assert {tuple(vectors[to_point_id(one.source_uri, 0)]) for one in copies} == {(1, 0, 0, 0, 0)}
    assert ingest(ListSource(copies)).counts.unchanged == 100


def test_a_copy_in_another_root_or_run_is_not_encoded(engine: Engine, ingest: Ingest) -> None:
    long_text = "red green blue " * 20
    ingest(ListSource([image("a", RED), text("t", long_text)]))
    encoder = LegibleEncoder()
    copies = [image("b", RED, root="other"), text("u", long_text, root="other")]
    report = ingest(ListSource(copies, name="other"), encoder)
    assert (encoder.encoded_images, encoder.encoded_texts) == (0, 0)
    assert (report.counts.added, report.counts.reused) == (2, 2)
    chunks = read_chunks(engine)
    ours = [chunk for chunk in chunks.values() if chunk.record.root == "other"]
    theirs = [chunk for chunk in chunks.values() if chunk.record.root == "list"]
    assert sorted(c.text for c in ours) == sorted(c.text for c in theirs)
    assert {(c.ordinal, c.start_char, c.text) for c in ours} == {
        (c.ordinal, c.start_char, c.text) for c in theirs
    }


def test_copies_of_another_pipeline_do_not_hide_those_of_this_one(ingest: Ingest) -> None:
    ingest(ListSource([image(f"{nth:03}", RED) for nth in range(300)]))
    ours = [image(str(nth), RED, root="other") for nth in range(1_000)]
    last = max(ours, key=lambda record: to_point_id(record.source_uri, 0))  # scrolled last
    ingest(ListSource([last], name="other"), frames=3)
    encoder = LegibleEncoder()
    report = ingest(ListSource([image("b", RED, root="third")], name="third"), encoder, frames=3)
    assert (report.counts.reused, encoder.encoded_images) == (1, 0)


def test_one_image_with_five_captions_is_encoded_once(engine: Engine, ingest: Ingest) -> None:
    captions = ["red", "green", "blue", "black", "white"]
    encoder = LegibleEncoder()
    records = [image(caption, RED, caption=caption) for caption in captions]
    ingest(ListSource(records), encoder)
    assert encoder.encoded_images == 2 * CANARY + 1
    assert encoder.encoded_texts == 2 * CANARY + 5
    images = [chunk for chunk in read_chunks(engine).values() if not chunk.text]
    assert sorted(str(chunk.caption) for chunk in images) == sorted(captions)


def test_titles_that_a_source_gave_are_not_lent(engine: Engine, ingest: Ingest) -> None:
    ingest(ListSource([image("a", RED, title="Mine", caption="red")]))
    ingest(ListSource([image("b", RED, root="other")], name="other"))
    other = [c for c in read_chunks(engine).values() if c.record.root == "other"]
    assert [(chunk.title, chunk.caption) for chunk in other] == [(None, None)]


def test_copies_of_what_cannot_be_encoded_fail_each_by_name(engine: Engine, ingest: Ingest) -> None:
    void = to_png(VOID_COLOUR)
    copies = [image(f"void {nth}", void) for nth in range(5)]
    report = ingest(ListSource([*copies, image("red", RED)]))
    assert {failure.source_uri for failure in report.failures} == {c.source_uri for c in copies}
    assert report.counts.balanced
    assert len(read_chunks(engine)) == 1


def test_a_caption_that_fails_costs_its_own_record_alone(engine: Engine, ingest: Ingest) -> None:
    records = [image(caption, RED, caption=caption) for caption in ("void", "red", "blue")]
    report = ingest(ListSource(records))
    assert [failure.location for failure in report.failures] == ["void"]
    assert {chunk.record.location for chunk in read_chunks(engine).values()} == {"red", "blue"}


def test_links_to_images_lead_to_those_beside_each_copy(
    engine: Engine, ingest: Ingest, tmp_path: Path
) -> None:
    colours = {"a": (255, 0, 0), "b": (0, 0, 255), "c": None}
    for name, colour in colours.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "page.md").write_text("red words\n\n![a thing](x.png)\n", "utf-8")
        if colour:
            (tmp_path / name / "x.png").write_bytes(to_png(colour, (80, 60)))
    for kinds in (["*/page.md"], ["*.md"]):  # in one run, and against those of an earlier run
        ingest(FolderSource.open(tmp_path, name=str(len(kinds[0])), include=kinds))
    vectors = read_vectors(engine)
    figures = {
        chunk.record.source_uri[-len("a/page.md") :]: vectors[point_id]
        for point_id, chunk in read_chunks(engine).items()
        if chunk.part is Part.FIGURE
    }
    assert figures == {"a/page.md": [1, 0, 0, 0, 0], "b/page.md": [0, 0, 1, 0, 0]}


def test_tokens_that_were_not_encoded_are_not_counted(ingest: Ingest) -> None:
    records = [text("a", "red green"), text("b", "red green")]
    assert ingest(ListSource(records)).counts.tokens == 2


contents = st.sampled_from([RED, BLUE, to_png((0, 255, 0)), b"broken"])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    items=st.lists(st.tuples(contents, st.sampled_from([None, "red", "blue"])), max_size=8),
    batch_size=st.integers(1, 5),
)
def test_whoever_shares_with_whom_the_points_are_those_of_encoding_each_alone(
    items: list[tuple[bytes, str | None]], batch_size: int
) -> None:
    records = [image(str(nth), content, caption=c) for nth, (content, c) in enumerate(items)]
    chosen = load_settings(url=":memory:", batch_size=batch_size, workers=2)
    together, alone = connect(":memory:"), connect(":memory:")
    encoder = LegibleEncoder()

    def run(engine: Engine, encoder: LegibleEncoder, *given: Record) -> RunReport:
        job = IngestJob(ListSource(given), chosen, show_progress=False)
        return job.run(engine=engine, encoder=encoder)

    report = run(together, encoder, *records)
    run(alone, LegibleEncoder())
    for record in records:
        # In a collection of its own there is nobody to share with.
        with connect(":memory:") as single:
            run(single, LegibleEncoder(), record)
            for point in single.scroll("diptych", with_vectors=True)[0]:
                moved = models.PointStruct(
                    id=point.id, vector=cast("list[float]", point.vector), payload=point.payload
                )
                alone.upsert("diptych", [moved])
    assert report.counts.balanced
    assert read_chunks(together) == read_chunks(alone)
    assert read_vectors(together) == read_vectors(alone)
    kinds = {(content, caption is None) for content, caption in items if content != b"broken"}
    encoded = encoder.encoded_images - (2 * CANARY if kinds else CANARY)
    # While both are under way, an image with and one without a caption do not share.
    assert len({content for content, _ in kinds}) <= encoded <= len(kinds)
