from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from schemas.errors import (
    DecodeError,
    EmptyQuery,
    InvalidVector,
    QueryError,
    SourceTooLarge,
    UnreadableSource,
    UnsupportedFormat,
    UnsupportedModality,
)
from schemas.query import Query
from schemas.records import Modality
from search.composition import to_query
from search.query import encode_query, iter_windows
from tests.legible import LegibleEncoder

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

HALF = 2**-0.5


def encode(query: Any, encoder: LegibleEncoder | None = None) -> list[float]:
    vector = encode_query(to_query(query), encoder or LegibleEncoder())
    assert vector.dtype == np.float32
    assert vector.shape == (5,)
    return [round(float(x), 6) for x in vector]


def to_png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_a_str_is_words_even_when_it_names_a_file(tmp_path: Path) -> None:
    path = tmp_path / "red.png"
    Image.new("RGB", (4, 4), "red").save(path)
    assert to_query(str(path)) == Query(text=str(path))
    assert to_query(path) == Query(image=path)
    assert to_query(b"x") == Query(image=b"x")


@pytest.mark.parametrize("wrong", [None, 3, ["a cat"], {"text": "a cat"}])
def test_what_is_neither_text_nor_image_is_refused(wrong: Any) -> None:
    with pytest.raises(QueryError, match=f"cannot search with a {type(wrong).__name__}"):
        to_query(wrong)


@pytest.mark.parametrize("blank", ["", "  \n"])
def test_a_blank_text_is_an_empty_query(blank: str) -> None:
    with pytest.raises(EmptyQuery):
        to_query(blank)


def test_a_text_of_one_window_is_encoded_as_it_is() -> None:
    assert encode("a red cat") == [1, 0, 0, 0, 0]
    assert encode("red green") == [round(HALF, 6), round(HALF, 6), 0, 0, 0]


def test_a_longer_text_is_the_mean_of_its_windows_and_not_cut() -> None:
    # Two windows of two words, one on each axis: half way between them.
    assert encode("red red blue blue", LegibleEncoder(window_tokens=2)) == [
        round(HALF, 6),
        0,
        round(HALF, 6),
        0,
        0,
    ]


def test_windows_of_a_long_text_are_encoded_a_few_at_a_time() -> None:
    encoder = LegibleEncoder(window_tokens=1)
    assert encode("red " * 20 + "green " * 20, encoder) == [round(HALF, 6), round(HALF, 6), 0, 0, 0]
    assert encoder.encoded_texts == 40


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.integers(1, 5))
def test_windows_are_the_text_and_fit(text: str, window_tokens: int) -> None:
    encoder = LegibleEncoder(window_tokens=window_tokens)
    windows = list(iter_windows(text, encoder))
    assert all(len(encoder.token_spans(window)) <= window_tokens for window in windows)
    assert "".join(windows).split() == text.split()


def test_a_text_without_a_token_is_empty() -> None:
    class Deaf(LegibleEncoder):
        def token_spans(self, text: str) -> list[tuple[int, int]]:  # noqa: ARG002
            return []

    with pytest.raises(EmptyQuery, match="no word that the model knows"):
        encode("\u200b", Deaf())
    with pytest.raises(EmptyQuery):
        encode("\x01")


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(QueryError, match="not valid Unicode at character 5"):
        encode("red \udcff")


def test_a_text_is_normalised_as_documents_are() -> None:
    class Seen(LegibleEncoder):
        def encode_texts(self, texts: Any, role: Any) -> Any:
            assert list(texts) == ["caf\u00e9"]
            return super().encode_texts(texts, role)

    assert encode("cafe\u0301", Seen()) == [0, 0, 0, 0, 1]


def test_parts_that_cancel_out_are_refused() -> None:
    class Torn(LegibleEncoder):
        def encode_texts(self, texts: Any, role: Any) -> Any:
            return super().encode_texts(texts, role) * np.array([[1], [-1]], dtype=np.float32)

    with pytest.raises(InvalidVector, match="cancel each other"):
        encode("red red", Torn(window_tokens=1))


def test_an_image_may_come_in_any_form(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 30), (0, 255, 0))
    path = tmp_path / "green.png"
    image.save(path)
    with Image.open(path) as opened:
        for form in [path, Query(image=str(path)), path.read_bytes(), image, opened]:
            assert encode(form) == [0, 1, 0, 0, 0]


def test_an_opened_image_goes_through_the_policy_and_stays_as_it_was(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (9, 7), (255, 0, 0, 0))
    assert encode(clear) == encode(Image.new("RGB", (9, 7), "white"))
    assert clear.mode == "RGBA"
    path = tmp_path / "large.jpg"
    Image.new("RGB", (900, 700), "red").save(path)
    with Image.open(path) as opened:
        encode(opened)
        assert opened.size == (900, 700)


def test_a_link_to_a_photograph_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "red.png"
    Image.new("RGB", (4, 4), "red").save(path)
    link = tmp_path / "link"
    link.symlink_to(path)
    assert encode(link) == [1, 0, 0, 0, 0]


@pytest.mark.parametrize("name", ["gone.png", "\0"])
def test_a_path_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource) as caught:
        encode(tmp_path / name)
    assert caught.value.source_uri == str(tmp_path / name)


def test_a_folder_and_an_image_over_a_limit_are_refused(tmp_path: Path) -> None:
    from ingest.decode.limits import Limits

    with pytest.raises(UnreadableSource, match=r"not a regular file|Is a directory"):
        encode(tmp_path)
    content = to_png(Image.new("RGB", (30, 30)))
    with pytest.raises(SourceTooLarge):
        encode_query(Query(image=content), LegibleEncoder(), limits=Limits(max_image_pixels=100))


def test_bytes_that_are_no_image_are_refused() -> None:
    png = to_png(Image.effect_noise((64, 64), 50))
    with pytest.raises(DecodeError, match="query image"):
        encode(png[:200])
    with pytest.raises(DecodeError, match="empty"):
        encode(b"")
    with pytest.raises(UnsupportedFormat):
        encode(b"plain words, no image at all")


def test_a_modality_that_the_encoder_lacks_is_refused() -> None:
    reader = LegibleEncoder(modalities=(Modality.TEXT,))
    with pytest.raises(UnsupportedModality, match="encodes no images"):
        encode(Image.new("RGB", (4, 4)), reader)
