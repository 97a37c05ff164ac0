from __future__ import annotations

import pytest

from ingest.sources.columns import ROLES, USUAL_NAMES, Columns
from schemas.errors import SettingsError


@pytest.mark.parametrize(
    ("role", "name"),
    [(role, name) for role, names in USUAL_NAMES.items() for name in names],
)
def test_every_usual_name_is_found_whatever_its_case(role: str, name: str) -> None:
    binary = [name.upper()] if role == "content" else []
    columns = Columns.guess(["year", name.upper()], {}, binary=binary)
    assert columns.to_roles() == {role: name.upper()}


def test_the_likeliest_of_several_names_wins_wherever_it_stands() -> None:
    columns = Columns.guess(["alt", "caption", "body", "text", "_id", "id"], {})
    assert columns == Columns(caption="caption", text="text", id="id")


def test_what_is_given_wins_and_is_taken_for_nothing_else() -> None:
    columns = Columns.guess(["text", "body", "path"], {"caption": "text", "id": "path"})
    assert columns == Columns(caption="text", text="body", id="path")


def test_an_empty_column_takes_a_role_away() -> None:
    columns = Columns.guess(["id", "text", "caption"], {"id": "", "caption": ""})
    assert columns == Columns(text="text")


def test_one_column_may_have_two_roles() -> None:
    columns = Columns.guess(["file"], {"path": "file", "id": "file"})
    assert columns == Columns(path="file", id="file")


def test_an_image_column_is_bytes_or_a_path_by_what_it_holds() -> None:
    assert Columns.guess(["image"], {}) == Columns(content="image")
    assert Columns.guess(["image"], {}, binary=["image"]) == Columns(content="image")
    assert Columns.guess(["image"], {}, binary=[]) == Columns(path="image")
    assert Columns.guess(["content"], {}, binary=[]) == Columns(text="content")
    assert Columns.guess(["text"], {}, binary=["text"]) == Columns()


def test_vectors_are_taken_only_when_they_are_asked_for() -> None:
    assert Columns.guess(["embedding", "vector"], {}) == Columns()
    assert Columns.guess(["embedding"], {"vector": "embedding"}) == Columns(vector="embedding")


def test_an_unknown_role_is_refused_with_all_that_there_are() -> None:
    with pytest.raises(SettingsError, match="no role is called 'picture'") as caught:
        Columns.guess(["a"], {"picture": "a"})
    assert str(caught.value).endswith(f"roles: {', '.join(ROLES)}")


def test_a_column_that_is_not_there_is_refused_with_all_that_are() -> None:
    with pytest.raises(SettingsError) as caught:
        Columns.guess(["file", "lab\x1bel"], {"path": "image_file"})
    expected = "columns: path=image_file: no such column; columns: file, lab\\x1bel"
    assert str(caught.value) == expected
