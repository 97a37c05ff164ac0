"""What failed is remembered, tried again only for a reason, and forgotten once it is indexed."""

from __future__ import annotations

import json
from threading import Event
from typing import TYPE_CHECKING

import pytest

from schemas.errors import ModelUnavailable, SourceUnavailable, StoreError, UnreadableSource
from tests.legible import LegibleEncoder
from tests.list_source import ListSource, image, text, to_png

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from PIL.Image import Image

    from schemas.records import Record
    from schemas.space import Vectors
    from tests.ingest.conftest import Ingest

RED = to_png((255, 0, 0))


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    return tmp_path / "dead-letters.jsonl"


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_letter_says_what_why_how_often_and_in_which_pipeline(
    ingest: Ingest, letters: Path
) -> None:
    record = image("bad", RED[:40])
    report = ingest(ListSource([record]), dead_letters=letters)
    (letter,) = read(letters)
    assert letter["source_uri"] == record.source_uri
    assert (letter["kind"], letter["attempts"]) == ("DecodeError", 1)
    assert "truncated" in str(letter["message"])
    assert str(letter["content_hash"]).startswith("blake3:")
    assert str(letter["fingerprint"]).startswith("blake3:")
    assert report.exit_code == 3


def test_what_failed_is_not_tried_again_as_long_as_it_is_the_same(
    ingest: Ingest, letters: Path
) -> None:
    void = text("void", "void")
    ingest(ListSource([void]), dead_letters=letters)
    encoder = LegibleEncoder()
    report = ingest(ListSource([void]), encoder, dead_letters=letters)
    assert encoder.encoded_texts == 0
    assert (report.counts.failed, report.exit_code) == (1, 3)
    assert read(letters)[0]["attempts"] == 1


def test_it_is_tried_again_on_request_and_the_attempts_are_counted(
    ingest: Ingest, letters: Path
) -> None:
    void = text("void", "void")
    for attempts in (1, 2, 3):
        ingest(ListSource([void]), dead_letters=letters, retry_failed=True)
        assert read(letters)[0]["attempts"] == attempts


def test_it_is_tried_again_when_its_bytes_or_the_pipeline_change(
    ingest: Ingest, letters: Path
) -> None:
    ingest(ListSource([text("a", "void"), text("b", "void")]), dead_letters=letters)
    report = ingest(ListSource([text("a", "red"), text("b", "void")]), dead_letters=letters)
    assert (report.counts.added, report.counts.failed) == (1, 1)
    assert [letter["source_uri"] for letter in read(letters)] == ["manifest://list/b"]
    encoder = LegibleEncoder()
    ingest(ListSource([text("b", "void")]), encoder, dead_letters=letters, chunk_overlap_tokens=3)
    assert read(letters)[0]["attempts"] == 1


def test_formats_that_an_extra_would_read_are_tried_in_every_run(
    ingest: Ingest, letters: Path
) -> None:
    unknown = image("x", b"neither an image nor anything")
    for attempts in (1, 2):
        ingest(ListSource([unknown]), dead_letters=letters)
        (letter,) = read(letters)
        assert (letter["kind"], letter["attempts"]) == ("UnsupportedFormat", attempts)


def test_letters_of_other_roots_and_of_items_not_reached_stay(
    ingest: Ingest, letters: Path
) -> None:
    ingest(ListSource([text("a", "void", root="one")], name="one"), dead_letters=letters)
    two = [text(f"{nth:03}", "void", root="two") for nth in range(3)]
    two += [image(f"{nth:03}", to_png((nth, 9, 9)), root="two") for nth in range(3, 200)]
    two.append(text("last", "void", root="two"))
    ingest(ListSource(two, name="two"), dead_letters=letters)
    assert len(read(letters)) == 5
    stopping = Event()
    mended = [text("000", "red", root="two"), *two[1:]]

    def stop(listed: int) -> None:
        if listed == 50:
            stopping.set()

    source = ListSource(mended, name="two", on_list=stop)
    ingest(source, dead_letters=letters, stopping=stopping)
    assert {letter["source_uri"] for letter in read(letters)} == {
        "manifest://one/a",
        "manifest://two/001",
        "manifest://two/002",
        "manifest://two/last",
    }
    ingest(ListSource([], name="two"), dead_letters=letters)
    assert [letter["source_uri"] for letter in read(letters)] == ["manifest://one/a"]


def test_what_is_over_a_limit_is_tried_again_and_copies_count_as_tried(
    ingest: Ingest, letters: Path
) -> None:
    copies = [image(key, to_png((255, 0, 0), (20, 20))) for key in "abc"]
    for attempts in (1, 2):
        ingest(ListSource(copies), dead_letters=letters, max_image_pixels=100)
        assert [(one["kind"], one["attempts"]) for one in read(letters)] == [
            ("SourceTooLarge", attempts)
        ] * 3
    assert ingest(ListSource(copies), dead_letters=letters).counts.added == 3
    assert read(letters) == []


def test_copies_of_what_cannot_be_decoded_are_all_left_alone(
    ingest: Ingest, letters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = [image(key, RED[:40]) for key in "abc"]
    ingest(ListSource(copies), dead_letters=letters)
    monkeypatch.setattr("ingest.prepare.Preparer.iter_pieces", None)  # nothing is decoded
    assert ingest(ListSource(copies), dead_letters=letters).counts.failed == 3


def test_what_killed_its_decoder_is_tried_three_times(ingest: Ingest, letters: Path) -> None:
    record = image("slow", to_png((255, 0, 0), (3000, 3000)))
    for attempts in (1, 2, 3, 3):
        ingest(ListSource([record]), dead_letters=letters, decode_timeout_seconds=0.001)
        (letter,) = read(letters)
        assert (letter["kind"], letter["attempts"]) == ("DecoderDied", attempts)
    assert ingest(ListSource([record]), dead_letters=letters).counts.failed == 1
    assert ingest(ListSource([record]), dead_letters=letters, retry_failed=True).counts.added == 1


def test_what_failed_for_its_caption_is_tried_again_with_another(
    ingest: Ingest, letters: Path
) -> None:
    record = image("a", RED, caption="void")
    assert ingest(ListSource([record]), dead_letters=letters).counts.failed == 1
    mended = image("a", RED, caption="red")
    assert ingest(ListSource([mended]), dead_letters=letters).counts.added == 1


def test_what_failed_before_an_outage_is_listed(ingest: Ingest, letters: Path) -> None:
    def listed() -> Iterator[Record]:
        yield text("a", "void")
        yield from (text(str(nth), f"red {nth}") for nth in range(2_000))
        raise SourceUnavailable("the bucket does not answer")

    with pytest.raises(SourceUnavailable):
        ingest(ListSource(listed()), dead_letters=letters)
    assert [letter["source_uri"] for letter in read(letters)] == ["manifest://list/a"]


def test_every_error_of_a_listing_has_its_line(ingest: Ingest, letters: Path) -> None:
    errors = [UnreadableSource("manifest://list/x", reason) for reason in ("one", "two")]
    ingest(ListSource(errors), dead_letters=letters)
    assert [letter["message"] for letter in read(letters)] == ["one", "two"]


class Unavailable(LegibleEncoder):
    """Loses its weights once the canary is encoded."""

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        if images[0].size == (8, 6):
            raise ModelUnavailable("the weights are gone")
        return super().encode_images(images)


def test_a_model_that_goes_away_is_no_items_fault(ingest: Ingest, letters: Path) -> None:
    with pytest.raises(ModelUnavailable):
        ingest(ListSource([image("a", RED)]), Unavailable(), dead_letters=letters)
    assert read(letters) == []


@pytest.mark.parametrize(
    "field", [{"source_uri": ["a"]}, {"source_uri": 1}, {"attempts": "x"}, {"content_hash": None}]
)
def test_fields_of_another_type_cost_a_second_try_and_no_run(
    ingest: Ingest, letters: Path, field: dict[str, object]
) -> None:
    void = text("void", "void")
    ingest(ListSource([void]), dead_letters=letters)
    letters.write_text(json.dumps({**read(letters)[0], **field}) + "\n", encoding="utf-8")
    ingest(ListSource([void]), dead_letters=letters)
    assert [letter["attempts"] for letter in read(letters)] == [1]


def test_lines_of_another_form_cost_a_second_try_and_no_run(ingest: Ingest, letters: Path) -> None:
    letters.write_text('not json\n{"uri": "x"}\n[]\n', encoding="utf-8")
    assert ingest(ListSource([image("a", RED)]), dead_letters=letters).exit_code == 0
    assert read(letters) == []


def test_letters_that_cannot_be_read_end_the_run_before_it_begins(
    ingest: Ingest, letters: Path
) -> None:
    letters.write_bytes(b"\xff\xfe")
    with pytest.raises(StoreError, match="mend or remove"):
        ingest(ListSource([image("a", RED)]), dead_letters=letters)
