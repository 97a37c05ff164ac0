"""Texts through real models: whatever a document spells, one finite unit row that is its own."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ingest.encoders.transformer.texts import ModelTexts, RecipeTexts
from schemas.errors import UnsupportedModality
from schemas.records import Modality
from schemas.space import Encoder, Role
from tests.model_fixtures import CORPUS

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("clip", "siglip", "minilm")
SPECIAL = (
    "<|endoftext|>",
    "<|startoftext|>",
    "<eos>",
    "<pad>",
    "<bos>",
    "[SEP]",
    "[PAD]",
    "[CLS]",
)
HOSTILE = [*SPECIAL, " ", "rain", "\x00", "\u200d", "\ufb01", "\U0001f469\u200d\U0001f467"]
TEXTS = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.text(st.characters(categories=["Cs", "Cc", "So", "Mn", "Zs"]), max_size=20),
        st.lists(st.sampled_from(HOSTILE), max_size=12).map("".join),
        st.sampled_from(CORPUS),
    ),
    min_size=1,
    max_size=5,
)
quick = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("name", NAMES)
@quick
@given(texts=TEXTS)
def test_any_texts_give_finite_unit_rows_that_batching_never_changes(
    encoders: dict[str, Encoder], name: str, texts: list[str]
) -> None:
    encoder = encoders[name]
    together = encoder.encode_texts(texts, Role.DOCUMENT)
    assert together.shape == (len(texts), encoder.space.dimension)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([encoder.encode_texts([text], Role.DOCUMENT) for text in texts])
    np.testing.assert_allclose((together * alone).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@quick
@given(text=TEXTS.map("".join))
def test_token_spans_are_ordered_inside_the_text_and_leave_no_letter_out(
    encoders: dict[str, Encoder], name: str, text: str
) -> None:
    spans = encoders[name].token_spans(text)
    starts = [start for start, _ in spans]
    assert starts == sorted(starts)
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    covered = {index for start, end in spans for index in range(start, end)}
    letters = {i for i, letter in enumerate(text) if letter.isascii() and letter.isalnum()}
    assert letters <= covered


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("special", SPECIAL)
def test_a_spelled_special_token_is_plain_text(
    encoders: dict[str, Encoder], name: str, special: str
) -> None:
    encoder = encoders[name]
    empty, hello, spelled = encoder.encode_texts(
        ["", "the rain", f"{special} the rain"], Role.DOCUMENT
    )
    assert spelled @ empty < 0.99999
    assert spelled @ hello < 0.99999
    assert len(encoder.token_spans(special)) > 1


@pytest.mark.parametrize("name", NAMES)
def test_lone_surrogates_are_replacement_characters(
    encoders: dict[str, Encoder], name: str
) -> None:
    lone, replaced = encoders[name].encode_texts(["rain \ud83d sea", "rain � sea"], Role.QUERY)
    np.testing.assert_array_equal(lone, replaced)


@pytest.mark.parametrize("name", NAMES)
def test_the_window_is_what_the_space_says(encoders: dict[str, Encoder], name: str) -> None:
    """The last token within it counts, the next one does not."""
    encoder = encoders[name]
    window = encoder.space.window_tokens
    texts = [
        "9" * window,
        "9" * (window - 1) + "8",
        "9" * (window + 1),
        "9" * window + "8",
    ]
    if name == "minilm":
        # Its pieces are words: single letters that it knows, with spaces.
        texts = [" ".join(text).replace("9", "a").replace("8", "o") for text in texts]
    assert [len(encoder.token_spans(text)) for text in texts] == [
        window,
        window,
        window + 1,
        window + 1,
    ]
    whole, changed_inside, longer, changed_beyond = encoder.encode_texts(texts, Role.DOCUMENT)
    assert whole @ changed_inside < 0.99999
    np.testing.assert_allclose(longer @ whole, 1, atol=1e-5)
    np.testing.assert_allclose(changed_beyond @ whole, 1, atol=1e-5)


@pytest.mark.parametrize("name", ["clip", "siglip"])
def test_a_text_that_reads_like_a_path_or_url_is_neither_opened_nor_fetched(
    encoders: dict[str, Encoder], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = encoders[name]
    photograph = tmp_path / "rain.png"
    image = Image.new("RGB", (40, 40), "red")
    image.save(photograph)
    tower = encoder._parts.towers[Modality.TEXT]  # type: ignore[attr-defined]
    trap = tower._model.preprocess([str(photograph)])
    assert trap["modality"] == "image", "sentence-transformers no longer opens bare strings"

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was opened or fetched")

    monkeypatch.setattr(Image, "open", refuse)
    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    texts = [str(photograph), "https://127.0.0.1:9/rain.png", "data:image/png;base64,AAAA"]
    vectors = encoder.encode_texts(texts, Role.QUERY)
    pictured = encoder.encode_images([image])[0]
    assert (vectors @ pictured < 0.999).all()
    assert (np.tril(vectors @ vectors.T, -1) < 0.99999).all()


@pytest.mark.parametrize("name", NAMES)
def test_threads_get_the_vectors_that_one_caller_gets(
    encoders: dict[str, Encoder], name: str
) -> None:
    encoder = encoders[name]
    batches = [
        [" ".join(CORPUS[start % 4].split()[: 1 + start % 13]), CORPUS[start % 3]]
        for start in range(32)
    ]
    serial = [encoder.encode_texts(batch, Role.DOCUMENT) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(lambda batch: encoder.encode_texts(batch, Role.DOCUMENT), batches))
    for one, other in zip(serial, parallel, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_more_texts_than_one_forward_pass_come_back_in_order(encoders: dict[str, Encoder]) -> None:
    encoder = encoders["minilm"]
    texts = [" ".join(CORPUS[i % 4].split()[: 1 + (7 * i) % 13]) for i in range(70)]
    together = encoder.encode_texts(texts, Role.DOCUMENT)
    alone = np.concatenate([encoder.encode_texts([text], Role.DOCUMENT) for text in texts])
    np.testing.assert_allclose((together * alone).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_counts_are_those_of_the_spans(encoders: dict[str, Encoder], name: str) -> None:
    texts = ["", *CORPUS, *SPECIAL, "\ud83d"]
    encoder: Any = encoders[name]
    assert encoder.token_counts(texts) == [len(encoder.token_spans(text)) for text in texts]


@pytest.mark.parametrize("name", NAMES)
@quick
@given(texts=TEXTS)
def test_our_tokenizing_gives_the_models_own_input(
    encoders: dict[str, Encoder], name: str, texts: list[str]
) -> None:
    encoder: Any = encoders[name]
    ours = encoder._parts.texts
    assert isinstance(ours, RecipeTexts)
    theirs = ModelTexts(encoder._parts.towers[Modality.TEXT]._model, ours.limits)
    ((members, mine),) = ours.iter_passes(texts, Role.QUERY, lambda: 32)
    length = mine["input_ids"].shape[1]
    expected = theirs.to_features([texts[index] for index in members], Role.QUERY, length)
    for field, values in mine.items():
        np.testing.assert_array_equal(values, expected[field].numpy())


def test_no_texts_are_no_rows(encoders: dict[str, Encoder]) -> None:
    assert encoders["clip"].encode_texts([], Role.QUERY).shape == (0, 16)
    assert encoders["clip"].encode_images([]).shape == (0, 16)


def test_a_text_model_refuses_images(encoders: dict[str, Encoder]) -> None:
    with pytest.raises(UnsupportedModality, match="encodes no images"):
        encoders["minilm"].encode_images([Image.new("RGB", (8, 8))])


def test_siglip_pads_to_full_length_without_a_mask(encoders: dict[str, Encoder]) -> None:
    encoder = encoders["siglip"]
    assert encoder.space.padding == "max_length:16"
    texts = encoder._parts.texts  # type: ignore[attr-defined]
    ((_, features),) = texts.iter_passes(["rain"], Role.QUERY, lambda: 1)
    assert features["input_ids"].shape == (1, 16)
    assert "attention_mask" not in features
