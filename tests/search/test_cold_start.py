"""What importing search and a first search load, in fresh interpreters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import diptych

MODEL_RUNTIMES = {"torch", "transformers", "sentence_transformers"}

PROBE = """
import json, sys
import onnxruntime

ranks = []

class Watched(onnxruntime.InferenceSession):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        ranks.extend(len(one.shape) for one in self.get_inputs())

onnxruntime.InferenceSession = Watched
import diptych
status = diptych.cli.main(sys.argv[1:], standalone_mode=False)
print(json.dumps({"modules": sorted(sys.modules), "ranks": ranks}), file=sys.stderr)
"""
"""Runs a command and tells what was loaded, and the rank of every input of every ONNX model:
images are of rank 4, token ids of rank 2."""


def loaded_after(statement: str) -> set[str]:
    script = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["search", "search.cli"])
def test_the_front_doors_load_nothing_heavy(module: str) -> None:
    heavy = {*MODEL_RUNTIMES, "numpy", "PIL", "qdrant_client", "onnxruntime", "pydantic"}
    assert not loaded_after(f"import {module}") & heavy


def test_the_library_loads_no_model_runtime_and_for_words_no_pillow() -> None:
    loaded = loaded_after("import search.searcher, search.where, search.table")
    assert not loaded & {*MODEL_RUNTIMES, "onnxruntime", "PIL"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, hinge_weights: None) -> Path:  # noqa: ARG001
    """An index that the offline model built, so that its graphs are in its cache."""
    pytest.importorskip("ingest.encoders.hinge.encoder", reason="the hinge is not there")
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "note.txt").write_text("A cat sleeps on a mat.", encoding="utf-8")
    Image.new("RGB", (64, 48), "navy").save(folder / "corpus" / "night.png")
    ingest = [sys.executable, diptych.__file__, "ingest", "corpus"]
    subprocess.run(ingest, cwd=folder, check=True, capture_output=True, timeout=300)
    return folder


def search_cold(
    folder: Path, *arguments: str
) -> tuple[list[dict[str, object]], set[str], set[int]]:
    """The hits, the modules and the input ranks of a search in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, "search", *arguments, "--json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(diptych.__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stderr.splitlines()[-1])
    return json.loads(done.stdout)["hits"], set(told["modules"]), set(told["ranks"])


def test_a_cold_text_search_loads_the_text_tower_alone(folder: Path) -> None:
    hits, modules, ranks = search_cold(folder, "a sleeping cat")
    assert [hit["modality"] for hit in hits] == ["image", "text"]
    assert ranks == {2}
    assert not modules & {*MODEL_RUNTIMES, "onnx", "PIL", "trafilatura"}


def test_a_cold_image_search_finds_the_photograph_itself(folder: Path) -> None:
    photograph = str(folder / "corpus" / "night.png")
    hits, modules, ranks = search_cold(folder, "--image", photograph, "--target", "image")
    assert hits[0]["location"] == photograph
    assert hits[0]["score"] == pytest.approx(1, abs=1e-5)
    assert 4 in ranks
    assert not modules & MODEL_RUNTIMES
