"""Cross-encoders and multi-vector models from folders, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="rerankers run on torch (extra models)")

from ingest.encoders.reranker import load_reranker, read_kind
from schemas.errors import EncoderError, ModelUnavailable, SettingsError
from tests.model_fixtures import save_cross_encoder, save_minilm, save_multi_vector

if TYPE_CHECKING:
    from pathlib import Path


def test_a_cross_encoder_scores_each_text_whatever_its_neighbours(tmp_path: Path) -> None:
    saved = save_cross_encoder(tmp_path)
    reranker = load_reranker(str(saved))
    texts = ["two dogs run along the beach", "salt", "a red bicycle"]
    together = reranker.score("a red bicycle", texts)
    assert (together.shape, str(together.dtype)) == ((3,), "float32")
    alone = [float(reranker.score("a red bicycle", [text])[0]) for text in texts]
    assert together.tolist() == pytest.approx(alone, abs=1e-6)
    assert reranker.score("a red bicycle", []).tolist() == []
    assert reranker.model_id == "cross-encoder"


def test_a_cross_encoder_is_known_by_its_architecture(tmp_path: Path) -> None:
    """As models were saved before they said what they are."""
    save_cross_encoder(tmp_path)
    assert read_kind(tmp_path / "bert") == "CrossEncoder"
    new, old = (load_reranker(str(tmp_path / name)) for name in ("cross-encoder", "bert"))
    assert old.score("a", ["salt"]).tolist() == pytest.approx(new.score("a", ["salt"]).tolist())


def test_a_multi_vector_model_counts_the_tokens_that_are_found(tmp_path: Path) -> None:
    reranker = load_reranker(str(save_multi_vector(tmp_path)))
    itself, other = reranker.score("a red bicycle", ["a red bicycle", "two dogs run"])
    assert itself == pytest.approx(round(float(itself)), abs=1e-5)  # a cosine of 1 for each token
    assert itself > other


def test_a_lack_of_memory_is_told_in_our_words(tmp_path: Path) -> None:
    import torch
    from torch.nn.modules.module import register_module_forward_pre_hook

    reranker = load_reranker(str(save_cross_encoder(tmp_path)))

    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    hook = register_module_forward_pre_hook(fail)
    try:
        with pytest.raises(EncoderError, match=r"no memory .*CUDA out of memory\): close"):
            reranker.score("salt", ["a red bicycle"])
    finally:
        hook.remove()


def test_the_last_model_is_kept(tmp_path: Path) -> None:
    saved = str(save_cross_encoder(tmp_path))
    assert load_reranker(saved) is load_reranker(saved)


def test_a_model_with_several_scores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="gives 3 scores"):
        load_reranker(str(save_cross_encoder(tmp_path, labels=3)))


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    """It would be given a head of random weights."""
    with pytest.raises(ModelUnavailable, match="is SentenceTransformer"):
        load_reranker(str(save_minilm(tmp_path)))
    with pytest.raises(ModelUnavailable, match="no kind"):
        load_reranker(str(tmp_path / "bert"))


@pytest.mark.parametrize("damage", ["{", "[]", json.dumps({"model_type": None})])
def test_what_cannot_be_read_says_nothing(tmp_path: Path, damage: str) -> None:
    (tmp_path / "config_sentence_transformers.json").write_text(damage)
    (tmp_path / "config.json").write_text(damage)
    assert read_kind(tmp_path) is None


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    saved = save_cross_encoder(tmp_path)
    (saved / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        load_reranker(str(saved))


def test_a_hub_id_needs_its_commit_and_a_name_its_folder(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="full commit hash"):
        load_reranker("someone/cross-encoder")
    with pytest.raises(ModelUnavailable, match="no folder here"):
        load_reranker(str(tmp_path / "none"))
    with pytest.raises(ModelUnavailable, match="could not be fetched"):
        load_reranker(f"someone/cross-encoder@{'0' * 40}")
