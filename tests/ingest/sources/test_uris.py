from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.uris import from_source_uri, to_printable, to_source_uri

NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name)
PATHS = st.lists(NAMES.map(lambda name: name.replace(b"/", b"_")), min_size=1, max_size=4).map(
    lambda names: os.fsdecode(b"/".join(names))
)
ROOTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(ROOTS, PATHS)
def test_a_uri_gives_root_and_path_back_for_any_bytes(root: str, path: str) -> None:
    assert from_source_uri(to_source_uri(root, path)) == (root, path)


@given(ROOTS, PATHS, PATHS)
def test_two_files_never_share_a_uri(root: str, path: str, other: str) -> None:
    assert (to_source_uri(root, path) == to_source_uri(root, other)) == (path == other)


@given(ROOTS, PATHS)
def test_a_uri_is_printable_ascii_without_spaces(root: str, path: str) -> None:
    uri = to_source_uri(root, path)
    assert uri.isascii()
    assert uri.isprintable()
    assert " " not in uri


@given(PATHS)
def test_a_shown_path_can_be_printed_and_encoded(path: str) -> None:
    shown = to_printable(path)
    assert shown.isprintable()
    assert shown.encode()


def test_uris_read_as_people_expect() -> None:
    assert to_source_uri("my photos", "2024/a b.jpg") == "folder://my%20photos/2024/a%20b.jpg"
    assert to_printable("café.jpg") == "café.jpg"
    assert to_printable(os.fsdecode(b"caf\xe9\n.jpg")) == r"caf\xe9\n.jpg"


@pytest.mark.parametrize("uri", ["", "folder://", "folder://root", "https://a/b", "folder:/a/b"])
def test_what_is_no_source_uri_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="not a source URI"):
        from_source_uri(uri)
