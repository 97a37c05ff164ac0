"""``Searcher.open`` with everything real: an embedded index and a CLIP of few, random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from schemas.collection import to_point
from schemas.errors import LockHeld, ModelUnavailable, SpaceMismatch
from schemas.records import Modality
from schemas.settings import load_settings
from search.searcher import Searcher
from tests.search.corpus import to_image_chunk, to_text_chunks, to_text_points

if TYPE_CHECKING:
    from pathlib import Path

    from qdrant_client import models

    from schemas.space import Encoder


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sentence_transformers", reason="needs the extra `models`")
    from tests.model_fixtures import save_clip

    return save_clip(tmp_path_factory.mktemp("models") / "tiny-clip")


@pytest.fixture(scope="module")
def index(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photographs and a note, indexed with the CLIP under the name "diptych"."""
    from ingest.encoders.canary import canary_vectors
    from ingest.encoders.load import load_encoder
    from ingest.store.collections import ensure_collection
    from ingest.store.connect import connect

    folder = tmp_path_factory.mktemp("index")
    encoder = load_encoder(str(clip), threads=1)
    canary = canary_vectors(encoder, Modality)
    with connect(str(folder / "index")) as engine:
        collection = ensure_collection(engine, "diptych", encoder.space, canary)
        points = to_text_points(encoder, to_text_chunks("note.txt", "a red bicycle"))
        engine.upsert(collection.name, points + [to_photograph(folder, n, encoder) for n in (1, 2)])
    return folder / "index"


def to_photograph(folder: Path, number: int, encoder: Encoder) -> models.PointStruct:
    path = folder / f"{number}.png"
    Image.effect_noise((64, 48), 40 * number).convert("RGB").save(path)
    with Image.open(path) as image:
        vector = encoder.encode_images([image])[0]
    return to_point(to_image_chunk(path.name, path), vector, encoder.space.fingerprint)


def test_a_photograph_finds_itself_through_the_given_model(index: Path, clip: Path) -> None:
    with Searcher.open(str(index), model=str(clip)) as searcher:
        assert searcher.encoder.space.model_id == "tiny-clip"
        for number in (1, 2):
            page = searcher.search(index.parent / f"{number}.png", target="image")
            assert page.hits[0].location == str(index.parent / f"{number}.png")
            assert page.hits[0].score == pytest.approx(1, abs=1e-5)
            assert len(page.hits) == 2
        assert searcher.search("a red bicycle", target="text").hits[0].score > 0.99


def test_a_model_in_a_folder_is_found_where_the_settings_say(index: Path, clip: Path) -> None:
    settings = load_settings(url=str(index), model=str(clip))
    with Searcher.open(settings=settings) as searcher:
        assert searcher.collection.name == "diptych__g001"
        assert searcher.search("bicycle", target="image").hits
        with pytest.raises(LockHeld):
            Searcher.open(settings=settings)


def test_a_model_that_is_not_here_is_named_and_the_index_let_go(index: Path) -> None:
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="tiny-clip"):
            Searcher.open(str(index))


def test_another_model_is_refused(index: Path, tmp_path: Path) -> None:
    from tests.model_fixtures import save_minilm

    with pytest.raises(SpaceMismatch, match="built with tiny-clip"):
        Searcher.open(str(index), model=str(save_minilm(tmp_path / "tiny-minilm")))


def test_another_model_is_refused_by_name_before_it_is_fetched(index: Path) -> None:
    with pytest.raises(SpaceMismatch, match="was built with tiny-clip, not with no/such-model"):
        Searcher.open(str(index), model="no/such-model")
