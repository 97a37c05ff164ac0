"""Labels with descriptions and attributes: read, matched, turned into vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ingest.bridge.class_matching import match_labels, to_classifier_vectors
from ingest.bridge.unseen import choose_seen
from ingest.encoders.bridge.class_vectors import TextRows, Wording, to_label_vectors
from schemas.errors import SettingsError
from schemas.labels import Label, read_labels
from schemas.space import Role
from tests.legible import LegibleEncoder

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = TextRows(lambda texts: LegibleEncoder().encode_texts(texts, Role.QUERY))
ALONE = Wording(("{}",))


def write(folder: Path, *lines: str) -> Path:
    path = folder / "labels.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_label_may_have_all_or_nothing(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "# animals",
        '{"label": " zebra ", "description": ["a horse", " "], "seen": false, "index": 340}',
        "",
        '{"label": "cat", "descriptions": "it purrs", "attributes": {"big": 0.5, "wild": false}}',
        '{"label": "rock", "attributes": null}',
    )
    zebra, cat, rock = read_labels(path)
    origin = f"{path}, line 2"
    assert zebra == Label("zebra", ("a horse",), seen=False, index=340, origin=origin)
    assert cat == Label("cat", ("it purrs",), {"big": 0.5, "wild": 0.0}, origin=cat.origin)
    assert rock == Label("rock", origin=f"{path}, line 5")


def test_a_plain_file_has_names_alone(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("\ufeffcat\n# no\n{red}\ncat\n", encoding="utf-8")
    assert [label.name for label in read_labels(path)] == ["cat", "{red}"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no JSON"),
        ("[1]", "no JSON object"),
        ("[" * 100_000, "no JSON"),
        ('{"label": "\\ud800"}', "no JSON"),
        ('{"name": "zebra"}', "label is the name"),
        ('{"label": " "}', "label is the name"),
        ('{"label": ["zebra"]}', "label is the name"),
        ('{"label": "a", "description": 3}', "description is a text"),
        ('{"label": "a", "description": ["x", null]}', "description is a text"),
        ('{"label": "a", "attributes": ["striped"]}', "attributes are an object"),
        ('{"label": "a", "attributes": {"striped": "very"}}', "from -1 to 1"),
        ('{"label": "a", "attributes": {"striped": NaN}}', "from -1 to 1"),
        ('{"label": "a", "attributes": {"striped": 1e999}}', "from -1 to 1"),
        ('{"label": "a", "attributes": {"striped": 2}}', "from -1 to 1"),
        ('{"label": "a", "attributes": {" ": 1}}', "has no name"),
        ('{"label": "a", "seen": "no"}', "true or false"),
        ('{"label": "a", "index": -1}', "whole number"),
        ('{"label": "a", "index": true}', "whole number"),
        ('{"label": "first"}', "stands in"),
    ],
)
def test_what_is_no_label_is_refused_with_its_line(tmp_path: Path, line: str, reason: str) -> None:
    path = write(tmp_path, '{"label": "first"}', line)
    with pytest.raises(SettingsError, match=reason) as caught:
        read_labels(path)
    assert str(caught.value).startswith(f"{path}, line 2: ")


@pytest.mark.parametrize("content", [b"", b"\n#x\n", b"\xff\xfe\x00"])
def test_a_file_without_labels_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"labels\.jsonl"):
        read_labels(path)


def test_a_class_lies_where_its_attributes_point() -> None:
    labels = [
        Label("one", attributes={"red": 1, "blue": 0}),
        Label("two", attributes={"red": 0, "blue": 1}),
        Label("three"),
    ]
    rows = to_label_vectors([*labels[:2], Label("green")], TEXTS, Wording(("{}",), 1.0))
    red, _, blue = rows[0, :3]
    assert red > 0.5 > -0.5 > blue
    assert_allclose(rows[1, [0, 2]], -rows[0, [0, 2]], atol=1e-6)


def test_a_class_without_attributes_keeps_its_words() -> None:
    labels = [Label("red"), Label("blue"), Label("green", attributes={"red": 1})]
    other = [*labels[:2], Label("green")]
    assert_allclose(
        to_label_vectors(labels, TEXTS, ALONE)[:2], to_label_vectors(other, TEXTS, ALONE)[:2]
    )


def test_attributes_of_weight_nothing_change_nothing() -> None:
    labels = [Label("red", attributes={"green": 1}), Label("blue", attributes={"green": -1})]
    plain = [Label("red"), Label("blue")]
    wording = Wording(("{}",), 0.0)
    assert_allclose(
        to_label_vectors(labels, TEXTS, wording), to_label_vectors(plain, TEXTS, wording)
    )


def test_labels_that_say_the_same_are_refused() -> None:
    same = [Label("cat", origin="x.jsonl, line 1"), Label("dog")]  # legible: both are "other"
    with pytest.raises(SettingsError, match=r"line 1: 'cat' says nothing"):
        to_label_vectors(same, TEXTS, ALONE)
    with pytest.raises(SettingsError, match="at least two"):
        to_label_vectors(same[:1], TEXTS, ALONE)


def test_labels_find_their_classes_by_index_and_by_any_of_their_names() -> None:
    names = [("tabby, tabby cat",), ("crane",), ("crane",), ("Zebra",)]
    labels = [Label("zebra"), Label("Tabby Cat"), Label("crane"), Label("bird", index=1)]
    found = match_labels(labels, names, 4)
    assert {index: label.name for index, label in found.by_class.items()} == {
        3: "zebra",
        0: "Tabby Cat",
        1: "bird",
    }
    assert found.ambiguous == ("crane",)


@pytest.mark.parametrize("indexes", [(4,), (1, 1)])
def test_an_index_is_one_class_of_the_classifier(indexes: tuple[int, ...]) -> None:
    labels = [Label(f"label {n}", index=index) for n, index in enumerate(indexes)]
    with pytest.raises(SettingsError, match="index"):
        match_labels(labels, [], 4)


def test_a_classifier_without_names_needs_labels() -> None:
    labels = [Label("red", index=0), Label("blue", index=2)]
    matching = match_labels(labels, [], 3)
    found = to_classifier_vectors((), 3, matching, TEXTS, ALONE)
    assert found.shape == (3, 5)
    assert_allclose(found[1], 0)
    assert_allclose(found[0], -found[2])
    with pytest.raises(SettingsError, match='"index": 340'):
        to_classifier_vectors((), 3, match_labels(labels[:1], [], 3), TEXTS, ALONE)


@given(st.integers(4, 30), st.floats(0, 0.4), st.integers(0, 99))
def test_the_lot_takes_its_share_and_never_what_is_marked(
    count: int, share: float, seed: int
) -> None:
    labels = [Label(f"label {n}") for n in range(count)]
    labels[0] = Label("label 0", seen=True)
    labels[1] = Label("label 1", seen=False)
    truth = np.arange(count - 1)  # the last one has no image
    seen = choose_seen(labels, truth, share, seed=seed)
    assert seen[0]
    assert not seen[1]
    assert not seen[-1]
    assert seen.sum() == count - 2 - round(share * (count - 3))
