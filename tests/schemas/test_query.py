"""Queries, targets, hits."""

from __future__ import annotations

import json

import pytest

from schemas.errors import EmptyQuery
from schemas.query import Hit, Page, Query, Target
from schemas.records import Modality


@pytest.mark.parametrize(
    "wrong", [{}, {"text": "a", "image": "b.jpg"}, {"text": ""}, {"text": " \t\n"}]
)
def test_a_query_without_one_content_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(EmptyQuery, match="give"):
        Query(**wrong)


def test_a_query_knows_its_own_modality() -> None:
    assert Query(text="a cat").modality is Modality.TEXT
    assert Query(image=b"bytes").modality is Modality.IMAGE


def test_any_stands_for_both_modalities() -> None:
    assert Target("any").modalities == (Modality.IMAGE, Modality.TEXT)
    assert Target("image").modalities == (Modality.IMAGE,)
    assert Target("text").modalities == (Modality.TEXT,)


def test_a_page_is_json_ready_and_leaves_out_what_does_not_apply() -> None:
    hit = Hit(1, 0.5, "id", "folder://p/a.jpg", "/p/a.jpg", Modality.IMAGE, "image/jpeg")
    page = Page((hit,), Target.IMAGE, "model", "photos__g001", 0.0123456789)
    assert json.loads(json.dumps(page.to_json())) == {
        "target": "image",
        "model_id": "model",
        "collection": "photos__g001",
        "took_seconds": 0.012346,
        "hits": [
            {
                "rank": 1,
                "score": 0.5,
                "point_id": "id",
                "source_uri": "folder://p/a.jpg",
                "location": "/p/a.jpg",
                "modality": "image",
                "media_type": "image/jpeg",
                "part": "content",
                "chunk_ordinal": 0,
                "chunk_count": 1,
            }
        ],
    }
