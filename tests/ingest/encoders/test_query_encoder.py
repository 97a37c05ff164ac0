"""Searching in words by an exported tower, with torch only where it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from ingest.encoders.backends import has_fast_bfloat16
from ingest.encoders.canary import canary_vectors
from ingest.encoders.known_space import EncoderRequest
from ingest.encoders.load import load_encoder
from ingest.encoders.query_encoder import QueryEncoder, load_query_encoder
from ingest.job import IngestJob
from ingest.sources.folder import FolderSource
from schemas.errors import SpaceMismatch
from schemas.records import Modality
from schemas.settings import load_settings
from schemas.space import Role
from tests.model_fixtures import CORPUS

if TYPE_CHECKING:
    from schemas.space import EmbeddingSpace, Encoder

    Canary = dict[str, list[list[float]]]

REPOSITORY = Path(__file__).parents[3]


def to_request(folder: Path, dtype: str = "float32", backend: str | None = None) -> EncoderRequest:
    return EncoderRequest(str(folder), None, None, backend, dtype, check=False)


@pytest.fixture
def by_torch(model_folders: dict[str, Path]) -> Encoder:
    return load_encoder(str(model_folders["clip"]), dtype="float32")


@pytest.fixture
def canary(by_torch: Encoder) -> Canary:
    return canary_vectors(by_torch, list(Modality))


@pytest.mark.usefixtures("exported")
def test_both_halves_give_the_models_vectors(
    model_folders: dict[str, Path], by_torch: Encoder, canary: Canary
) -> None:
    found = load_query_encoder(to_request(model_folders["clip"]), by_torch.space, canary)
    assert isinstance(found, QueryEncoder)
    assert found.space == by_torch.space
    images = [Image.new("RGB", (50, 40), "teal")]
    np.testing.assert_allclose(
        found.encode_texts(CORPUS, Role.QUERY),
        by_torch.encode_texts(CORPUS, Role.QUERY),
        atol=1e-5,
    )
    np.testing.assert_array_equal(found.encode_images(images), by_torch.encode_images(images))
    assert found.token_spans("red rain") == by_torch.token_spans("red rain")


@pytest.mark.skipif(not has_fast_bfloat16(), reason="this processor has no bfloat16")
@pytest.mark.usefixtures("exported")
def test_bfloat16_is_computed_by_openvino(model_folders: dict[str, Path]) -> None:
    pytest.importorskip("openvino", reason="the extra 'openvino' is not installed")
    by_torch = load_encoder(str(model_folders["clip"]), dtype="bfloat16")
    canary = canary_vectors(by_torch, [Modality.TEXT])
    request = to_request(model_folders["clip"], "bfloat16")
    found = load_query_encoder(request, by_torch.space, canary)
    assert isinstance(found, QueryEncoder)
    cosines = (
        found.encode_texts(CORPUS, Role.QUERY) * by_torch.encode_texts(CORPUS, Role.QUERY)
    ).sum(axis=1)
    assert cosines.min() > 0.999


@pytest.mark.parametrize("case", ["nothing exported", "float16", "a backend is named"])
def test_otherwise_the_model_itself_is_loaded(
    model_folders: dict[str, Path],
    by_torch: Encoder,
    canary: Canary,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
) -> None:
    if case == "nothing exported":
        monkeypatch.setenv("DIPTYCH_CACHE_DIR", str(tmp_path))
    else:
        request.getfixturevalue("exported")
    asked = {
        "nothing exported": to_request(model_folders["clip"]),
        "float16": to_request(model_folders["clip"], "float16"),
        "a backend is named": to_request(model_folders["clip"], backend="torch"),
    }[case]
    assert not isinstance(load_query_encoder(asked, by_torch.space, canary), QueryEncoder)
    if case == "nothing exported":
        assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("exported")
def test_a_tower_whose_texts_are_off_is_not_used(
    model_folders: dict[str, Path],
    by_torch: Encoder,
    canary: Canary,
    caplog: pytest.LogCaptureFixture,
) -> None:
    off = {**canary, "text": [list(reversed(row)) for row in canary["text"]]}
    found = load_query_encoder(to_request(model_folders["clip"]), by_torch.space, off)
    assert not isinstance(found, QueryEncoder)
    (message,) = caplog.messages
    assert message.startswith("the exported text tower is not used: ")


@pytest.mark.usefixtures("exported")
def test_a_tower_of_another_space_is_not_used(
    model_folders: dict[str, Path], by_torch: Encoder, canary: Canary
) -> None:
    def load(folder: Path, space: EmbeddingSpace) -> Encoder:
        return load_query_encoder(to_request(folder), space, canary)

    minilm = model_folders["minilm"]
    assert not isinstance(load(minilm, by_torch.space), QueryEncoder)


def test_searching_in_words_loads_no_torch(
    model_folders: dict[str, Path], by_torch: Encoder, exported: Path, tmp_path: Path
) -> None:
    """From the command line, as it is used."""
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "rain.txt").write_text("rain on the roof", encoding="utf-8")
    index = str(tmp_path / "index")
    IngestJob(
        FolderSource(notes, "notes"), load_settings(url=index, isolate=False), show_progress=False
    ).run(encoder=by_torch)
    shown = "import sys, diptych\ntry: diptych.main()\nfinally: print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", shown, "search", "rain", "--url", index],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "DIPTYCH_CACHE_DIR": str(exported),
            "DIPTYCH_MODEL": str(model_folders["clip"]),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "rain.txt" in done.stdout
    assert done.stdout.splitlines()[-1] == "False"


def test_a_model_that_changed_is_refused_at_the_first_image(
    model_folders: dict[str, Path], by_torch: Encoder, exported: Path, canary: Canary
) -> None:
    assert exported.is_dir()
    found = load_query_encoder(to_request(model_folders["clip"]), by_torch.space, canary)
    other = load_encoder(str(model_folders["minilm"]), dtype="float32")
    assert isinstance(found, QueryEncoder)
    found._images._load = lambda: other  # type: ignore[attr-defined]
    with pytest.raises(SpaceMismatch, match="has changed since"):
        found.encode_images([Image.new("RGB", (50, 40))])
