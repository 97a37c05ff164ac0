"""Files of pairs, judgements and queries, the good and the bad."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from schemas.errors import SettingsError
from schemas.lines import MOST_LINE_CHARACTERS
from schemas.records import Modality
from search.evaluate.catalogue import read_values
from search.evaluate.pairs import read_pairs
from search.evaluate.qrels import read_judged, read_qrels, read_queries
from search.evaluate.questions import Question

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, *lines: object) -> Path:
    written = (one if isinstance(one, str) else json.dumps(one) for one in lines)
    path.write_text("\n".join(written), encoding="utf-8")
    return path


def test_a_pair_is_a_question_for_each_text_and_one_for_the_image(tmp_path: Path) -> None:
    pairs = write(tmp_path / "pairs.jsonl", {"image": "a.png", "text": ["red", " ", "a rose"]})
    origin = f"{pairs}, line 1"
    assert read_pairs(pairs) == [
        Question("1.1", "red", {"a.png": 1}, folder=tmp_path, origin=origin),
        Question("1.2", "a rose", {"a.png": 1}, folder=tmp_path, origin=origin),
        Question(
            "1.image",
            tmp_path / "a.png",
            {"a.png": 1},
            item="a.png",
            folder=tmp_path,
            origin=origin,
        ),
    ]


def test_equal_texts_are_one_question_with_all_their_images(tmp_path: Path) -> None:
    pairs = write(
        tmp_path / "pairs.jsonl",
        {"image": "a.png", "caption": "red"},
        "",
        {"image": "b.png", "captions": ["red"], "caption": "not this"},
        {"image": "b.png", "document": "b.txt"},
    )
    red, first, second = read_pairs(pairs)
    assert (red.query, red.right) == ("red", {"a.png": 1, "b.png": 1})
    assert first.right == {"a.png": 1}
    assert second.right == {"b.png": 1, "b.txt": 1}


def test_questions_of_a_migration_are_read_too(tmp_path: Path) -> None:
    pairs = write(
        tmp_path / "pairs.jsonl",
        {"query": "red", "expected": "a.png", "target": "image"},
        {"image": "a.png", "expected": ["b.txt", "folder://root/c.txt"]},
    )
    words, image = read_pairs(pairs)
    assert (words.query, words.right, words.target) == ("red", {"a.png": 1}, Modality.IMAGE)
    assert (image.query, image.target) == (tmp_path / "a.png", None)
    assert image.right == {"b.txt": 1, "folder://root/c.txt": 1}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ('{"image": "a.png", "text": "\\ud800"}', "is no JSON"),
        ("[]", "is no JSON object"),
        ({"text": "red"}, "image is a path or a source URI, not None"),
        ({"image": 7, "text": "red"}, "image is a path or a source URI, not 7"),
        ({"image": "a\0.png", "text": "red"}, "image is a path"),
        ({"image": "a.png"}, "has no text"),
        ({"image": "a.png", "text": " "}, "has no text"),
        ({"image": "a.png", "text": [1]}, "text is a text or a list of texts"),
        ({"query": "red", "image": "a.png", "expected": "b"}, "either query"),
        ({"query": 5, "expected": "b"}, "query is words, not 5"),
        ({"query": "red", "expected": []}, "expected names nothing"),
        ({"query": "red", "expected": "b", "target": "video"}, "target is image, text or any"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: object, message: str) -> None:
    pairs = write(tmp_path / "pairs.jsonl", {"image": "a.png", "text": "red"}, "", line)
    with pytest.raises(SettingsError, match=message) as caught:
        read_pairs(pairs)
    assert str(caught.value).startswith(f"{pairs}, line 3: ")
    assert len(str(caught.value)) < 400


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.jsonl cannot be read"):
        read_pairs(tmp_path / "gone.jsonl")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_pairs(tmp_path)
    (tmp_path / "latin.jsonl").write_bytes(b'{"image": "caf\xe9"}')
    with pytest.raises(SettingsError, match="UTF-8"):
        read_pairs(tmp_path / "latin.jsonl")
    with pytest.raises(SettingsError, match="has no pair"):
        read_pairs(write(tmp_path / "empty.jsonl", "", " "))
    with pytest.raises(SettingsError, match="line 1: is longer than"):
        read_pairs(write(tmp_path / "long.jsonl", "x" * (MOST_LINE_CHARACTERS + 1)))


def test_judgements_and_queries_become_questions(tmp_path: Path) -> None:
    qrels = write(tmp_path / "qrels", "q2 0 folder://root/a%20b.txt 2", "q1 0 a.png 1", "q1 Q0 b 0")
    queries = write(tmp_path / "queries.tsv", "q1\tred", "q2\timage\tphoto.png", "q3\ttext\t\tx y")
    first, second = read_judged(qrels, queries)
    assert first == Question(
        "q1", "red", {"a.png": 1}, folder=tmp_path, origin=f"{queries}, line 1"
    )
    assert (second.query, second.right) == (
        tmp_path / "photo.png",
        {"folder://root/a%20b.txt": 2},
    )


def test_queries_may_be_json(tmp_path: Path) -> None:
    queries = write(tmp_path / "q.jsonl", {"id": 1, "text": "red"}, {"id": "b", "image": "b.png"})
    found = {key: query for key, (query, _) in read_queries(queries).items()}
    assert found == {"1": "red", "b": tmp_path / "b.png"}


@pytest.mark.parametrize("line", ["q1 0 a.png", "q1 0 my photo.png 1", "q1 0 a.png 1e9"])
def test_a_bad_judgement_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(SettingsError, match="line 2: "):
        read_qrels(write(tmp_path / "qrels", "q1 0 a.png 1", line))


@pytest.mark.parametrize(
    "line", ["q2", "q2\t", "\tred", "q2\tvideo\ta.mp4", '{"id": "q2"}', "q1\tagain", "{"]
)
def test_a_bad_query_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(SettingsError, match="line 2: "):
        read_queries(write(tmp_path / "queries", "q1\tred", line))


def test_judgements_that_contradict_each_other_are_named(tmp_path: Path) -> None:
    qrels = write(tmp_path / "qrels", "q1 0 a.png 1", "q1 0 a.png 1", "q1 0 b.png 0")
    assert read_qrels(qrels) == {"q1": {"a.png": 1}}
    write(qrels, "q1 0 a.png 1", "q1 0 a.png 0")
    with pytest.raises(SettingsError, match=r"line 2: 'a.png' was judged 1 for 'q1' before, now 0"):
        read_qrels(qrels)


def test_slices_read_fields_as_conditions_do() -> None:
    own = {"n": {"d": [1, None, "a"]}, "a.b": True, "my key": "x"}
    payload = {"metadata": own, "language": "en"}
    names = ("metadata.n.d", 'metadata."a.b"', "metadata.my key", "metadata.none", "language")
    values = [read_values(payload, name) for name in names]
    assert values == [("1", "a"), ("true",), ("x",), (), ("en",)]


def test_a_name_that_no_file_can_have_is_a_name(tmp_path: Path) -> None:
    name = "x" * 5_000
    pairs = write(tmp_path / "pairs.jsonl", {"image": name, "text": "red"})
    assert [one.query for one in read_pairs(pairs)] == ["red", tmp_path / name]


def test_judgements_must_go_with_the_queries(tmp_path: Path) -> None:
    queries = write(tmp_path / "queries", "q1\tred")
    with pytest.raises(SettingsError, match=r"queries that .* does not have: 1, such as 'q9'"):
        read_judged(write(tmp_path / "qrels", "q9 0 a.png 1"), queries)
    with pytest.raises(SettingsError, match="judges nothing as right"):
        read_judged(write(tmp_path / "qrels", "q1 0 a.png 0"), queries)
