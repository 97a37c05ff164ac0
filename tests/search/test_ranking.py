from __future__ import annotations

from typing import Any

from qdrant_client import models

from schemas.collection import to_payload
from schemas.query import Hit
from schemas.records import Modality, Part
from search.candidates import Found
from search.hits import to_hit
from search.ranking import Candidate, to_candidates, to_ranking
from tests.search.corpus import to_image_chunk, to_text_chunks


def to_scored(point_id: int | str, score: float) -> models.ScoredPoint:
    payload = to_payload(to_image_chunk(f"{point_id}.png"), "blake3:space")
    return models.ScoredPoint(id=point_id, version=0, score=score, payload=payload)


def to_hits(points: list[models.ScoredPoint]) -> tuple[Hit, ...]:
    candidates = to_candidates([Found(point, (point,)) for point in points], Modality.IMAGE, None)
    return tuple(to_hit(one, rank) for rank, one in enumerate(candidates, start=1))


def to_candidate(
    name: str, cosine: float, calibrated: float | None = None, modality: Modality = Modality.IMAGE
) -> Candidate:
    point = to_scored(name, cosine)
    return Candidate(point, (point,), modality, cosine, calibrated)


def test_a_score_never_leaves_the_interval_of_a_cosine() -> None:
    assert [hit.score for hit in to_hits([to_scored(1, 1.0000002), to_scored(2, -1.1)])] == [1, -1]


def test_a_hit_says_everything_the_payload_knows() -> None:
    chunk = to_text_chunks(
        "a.txt",
        "One  two\nthree.",
        title="T",
        page=2,
        start_char=5,
        end_char=20,
        metadata={"author": "Ann"},
    )[0]
    point = models.ScoredPoint(id=7, version=0, score=0.25, payload=to_payload(chunk, "blake3:s"))
    assert to_hits([point]) == (
        Hit(
            rank=1,
            score=0.25,
            point_id="7",
            source_uri="folder://root/a.txt",
            location="/photos/a.txt",
            modality=Modality.TEXT,
            media_type="text/plain",
            title="T",
            snippet="One two three.",
            page=2,
            start_char=5,
            end_char=20,
            metadata={"author": "Ann"},
            modified_at="2024-05-31T12:00:00+00:00",
            content_hash="blake3:00",
        ),
    )


def test_an_image_hit_has_a_size_and_no_snippet() -> None:
    (hit,) = to_hits([to_scored(1, 0.5)])
    assert (hit.snippet, hit.width_pixels, hit.height_pixels) == (None, 8, 6)
    assert "snippet" not in hit.to_json()
    assert hit.to_json()["part"] == "content"


def to_only_hit(**fields: Any) -> Hit:
    payload = to_payload(to_image_chunk("a.png", **fields), "blake3:space")
    (hit,) = to_hits([models.ScoredPoint(id=1, version=0, score=0.5, payload=payload)])
    return hit


def test_a_figure_says_where_it_stands_and_what_is_said_of_it() -> None:
    hit = to_only_hit(
        part=Part.FIGURE,
        page=3,
        caption="Figure 1: A cat.",
        alt_text="Whiskers",
        headings=("Pets", "Cats"),
        language="en",
        created_at="2024",
    )
    assert hit.to_json() | {"location": "", "source_uri": "", "score": 0} == {
        "rank": 1,
        "score": 0,
        "point_id": "1",
        "source_uri": "",
        "location": "",
        "modality": "image",
        "media_type": "image/png",
        "part": "figure",
        "snippet": "Figure 1: A cat.",
        "caption": "Figure 1: A cat.",
        "alt_text": "Whiskers",
        "headings": ("Pets", "Cats"),
        "page": 3,
        "chunk_ordinal": 0,
        "chunk_count": 1,
        "width_pixels": 8,
        "height_pixels": 6,
        "created_at": "2024",
        "language": "en",
        "modified_at": "2024-05-31T12:00:00+00:00",
        "content_hash": "blake3:00",
    }


def test_the_snippet_of_an_image_is_the_first_words_that_stand_with_it() -> None:
    words = {"caption": "A caption.", "alt_text": "An alt text.", "ocr_text": "READ\nHERE"}
    assert to_only_hit(**words).snippet == "A caption."
    assert to_only_hit(**{**words, "caption": None}).snippet == "An alt text."
    assert to_only_hit(ocr_text="READ\nHERE").snippet == "READ HERE"


def test_a_photograph_keeps_its_keywords_and_a_frame_its_number() -> None:
    hit = to_only_hit(keywords=("sea", "night"), frame=4)
    assert (hit.keywords, hit.frame) == (("sea", "night"), 4)


def to_ids(ranking: list[Candidate]) -> list[str]:
    return [one.point_id for one in ranking]


def test_without_a_background_modalities_take_turns() -> None:
    images = [to_candidate("i1", 0.3), to_candidate("i2", 0.2), to_candidate("i3", 0.1)]
    texts = [to_candidate("t1", 0.9, modality=Modality.TEXT)]
    assert to_ids(to_ranking([images, texts])) == ["i1", "t1", "i2", "i3"]
    assert to_ranking([[], []]) == []
    assert to_ranking([[], texts]) == texts


def test_with_a_background_the_calibrated_score_decides_and_then_the_id() -> None:
    images = [to_candidate("i1", 0.3, 9.0), to_candidate("i2", 0.2, 5.0)]
    texts = [
        to_candidate("t1", 0.9, 7.0, Modality.TEXT),
        to_candidate("a2", 0.8, 5.0, Modality.TEXT),
    ]
    assert to_ids(to_ranking([images, texts])) == ["i1", "t1", "a2", "i2"]


def test_no_modality_is_crowded_out() -> None:
    images = [to_candidate(f"i{number}", 0.9, 90.0 - number) for number in range(9)]
    texts = [to_candidate(f"t{number}", 0.1, 9.0 - number, Modality.TEXT) for number in range(3)]
    merged = to_ids(to_ranking([images, texts]))
    # Two of the first five, the third of eight; then there is no more.
    assert merged == ["i0", "i1", "t0", "i2", "t1", "i3", "i4", "t2", "i5", "i6", "i7", "i8"]
    given = {Modality.IMAGE: 3, Modality.TEXT: 2}
    assert to_ids(to_ranking([images[3:], texts[2:]], given)) == merged[5:]
