"""Labels: read, put into sentences, averaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from numpy.testing import assert_allclose

from schemas.errors import QueryError
from search.annotate.labels import DEFAULT_TEMPLATES, encode_labels, read_labels
from search.annotate.neutral_words import NEUTRAL_WORDS
from tests.legible import LegibleEncoder

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_has_a_label_a_line(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("\ufeffcat\n\n# animals\n  a dog \r\ncat\n", encoding="utf-8")
    assert read_labels(path) == ("cat", "a dog")


@pytest.mark.parametrize("content", [b"", b"# nothing\n\n", b"\xff\xfe\x00", None])
def test_a_file_without_labels_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "labels.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(QueryError, match=r"labels\.txt"):
        read_labels(path)


def test_a_label_is_the_mean_of_its_sentences() -> None:
    rows = encode_labels(["green", "blue"], LegibleEncoder(), ["{}", "red {}"])
    # of green and (red + green) / sqrt(2): (0.3536, 0.8536) of length 0.9239
    assert_allclose(rows[0], [0.3826834, 0.9238795, 0, 0, 0], atol=1e-6)
    assert_allclose(rows[1], [0.3826834, 0, 0.9238795, 0, 0], atol=1e-6)


@pytest.mark.parametrize("template", ["a photo", "{} and {}", "{name}", "{0}", "{"])
def test_a_template_has_one_place_for_the_label(template: str) -> None:
    with pytest.raises(QueryError, match="exactly one"):
        encode_labels(["cat"], LegibleEncoder(), [template])


def test_labels_and_templates_are_needed() -> None:
    with pytest.raises(QueryError, match="labels"):
        encode_labels([], LegibleEncoder())
    with pytest.raises(QueryError, match="template"):
        encode_labels(["cat"], LegibleEncoder(), [])


def test_braces_in_a_label_are_its_own() -> None:
    assert encode_labels(["{red}"], LegibleEncoder(), DEFAULT_TEMPLATES).shape == (1, 5)


def test_neutral_words_are_many_and_different() -> None:
    assert len(NEUTRAL_WORDS) == len(set(NEUTRAL_WORDS)) > 250
