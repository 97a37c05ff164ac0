"""A bridge's folder wherever a model may be named."""

from __future__ import annotations

import json
import logging
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import diptych
from ingest.bridge import BridgeOptions, train_bridge
from ingest.encoders import known_space
from ingest.encoders.bridge.recipe import Objective
from ingest.encoders.bridge.side import Base
from ingest.encoders.canary import canary_vectors
from ingest.encoders.known_space import EncoderRequest
from ingest.encoders.load import load_encoder
from ingest.encoders.query_encoder import QueryEncoder, load_query_encoder
from schemas.records import Modality
from schemas.space import Role

if TYPE_CHECKING:
    from pathlib import Path

RIDGE = {"objective": Objective.RIDGE, "base": Base.NONE}


def train(pictures: Path, output: Path, encoder: str, dtype: str | None = None) -> str:
    options = BridgeOptions(validation_pairs=pictures / "second.jsonl", dtype=dtype)
    return train_bridge(
        pictures / "first.jsonl", output, image_encoder=encoder, recipe=RIDGE, options=options
    ).revision


def diptych_says(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert not diptych.cli.main(list(arguments), standalone_mode=False)
    return capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("hinge_cache")
def test_it_is_ingested_with_searched_migrated_to_and_evaluated(
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On the hinge: first another generation's model, then the collection's."""
    monkeypatch.chdir(tmp_path)
    revision = train(pictures, tmp_path / "colours", "hinge-en-2")
    diptych_says(capsys, "ingest", str(pictures), "--include", "*.png", "--name", "p")
    moved = json.loads(diptych_says(capsys, "migrate", "--model", "colours", "--force", "--json"))
    assert moved["model_id"] == "colours"
    again = json.loads(diptych_says(capsys, "sync", "--json"))
    assert again["roots"][0]["counts"]["unchanged"] == 48
    found = json.loads(diptych_says(capsys, "search", "pale teal", "--json"))
    encoder = load_encoder(str(tmp_path / "colours"))
    assert encoder.space.revision == revision
    with Image.open(pictures / found["hits"][0]["source_uri"].rpartition("/")[2]) as image:
        image_rows = encoder.encode_images([image.convert("RGB")])
    cosine = float((encoder.encode_texts(["pale teal"], Role.QUERY) @ image_rows.T)[0, 0])
    assert found["hits"][0]["score"] == pytest.approx(cosine, abs=1e-3)
    pairs = str(pictures / "second.jsonl")
    report = json.loads(diptych_says(capsys, "evaluate", "--pairs", pairs, "--json", "-"))
    assert report["collection"] == again["collection"]
    assert report["model_id"] == "colours"


def test_other_files_under_it_are_noticed(pictures: Path, clip: Path, tmp_path: Path) -> None:
    """What was known of its space is forgotten, as its own files say nothing of it."""
    shutil.copytree(clip, tmp_path / "clip")
    train(pictures, tmp_path / "colours", str(tmp_path / "clip"))
    request = EncoderRequest(str(tmp_path / "colours"), None, 1, None, None, check=False)
    before = known_space._to_digest(request)
    config = tmp_path / "clip" / "config.json"
    config.write_text(config.read_text("utf-8") + "\n", encoding="utf-8")
    assert known_space._to_digest(request) != before


def test_words_are_searched_by_the_kept_tower_of_its_text_encoder(
    pictures: Path, clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("onnxscript", reason="the extra 'models' is not installed")
    train(pictures, tmp_path / "colours", str(clip), dtype="float32")
    request = EncoderRequest(str(tmp_path / "colours"), None, None, None, "float32", check=False)
    by_torch = request.load()
    canary = canary_vectors(by_torch, list(Modality))
    with caplog.at_level(logging.WARNING):
        assert not isinstance(load_query_encoder(request, by_torch.space, canary), QueryEncoder)
        load_encoder(str(clip), backend="onnx", check=False)
        found = load_query_encoder(request, by_torch.space, canary)
    assert isinstance(found, QueryEncoder)
    assert caplog.messages == []
    words = ["pale teal", "dark red paint"]
    np.testing.assert_allclose(
        found.encode_texts(words, Role.QUERY), by_torch.encode_texts(words, Role.QUERY), atol=1e-4
    )
    images = [Image.new("RGB", (40, 40), "teal")]
    np.testing.assert_array_equal(found.encode_images(images), by_torch.encode_images(images))
