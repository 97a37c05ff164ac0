"""A tokenizer without a fast backend knows no offsets; its texts are encoded all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingest.encoders.load import load_encoder
from schemas.space import Role

if TYPE_CHECKING:
    from schemas.space import Encoder


@pytest.fixture(scope="module")
def encoder(model_runtime: None, tmp_path_factory: pytest.TempPathFactory) -> Encoder:  # noqa: ARG001
    pytest.importorskip("sentencepiece", reason="the first SigLIP's tokenizer needs sentencepiece")
    pytest.importorskip("google.protobuf", reason="and protobuf")
    from tests.model_fixtures import save_siglip_with_sentencepiece

    folder = save_siglip_with_sentencepiece(tmp_path_factory.mktemp("slow") / "siglip")
    return load_encoder(str(folder), dtype="float32")


def test_each_word_is_shared_among_its_tokens(encoder: Encoder) -> None:
    text = "the unheard-of\n bicycle"
    spans = encoder.token_spans(text)
    assert spans[0] == (0, 3)
    assert [start for start, _ in spans] == sorted(start for start, _ in spans)
    covered = {index for start, end in spans for index in range(start, end)}
    assert covered == {index for index, letter in enumerate(text) if not letter.isspace()}


def test_its_texts_are_plain_and_independent_of_their_batch(encoder: Encoder) -> None:
    texts = ["", "the rain", "</s> the rain", "rain \ud83d", "two dogs run along the beach " * 9]
    together = encoder.encode_texts(texts, Role.DOCUMENT)
    alone = np.concatenate([encoder.encode_texts([text], Role.DOCUMENT) for text in texts])
    np.testing.assert_allclose((together * alone).sum(axis=1), 1, atol=1e-5)
    assert together[2] @ together[0] < 0.99999
    assert encoder.space.padding == "max_length:16"
