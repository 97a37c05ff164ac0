"""What an address or a key must look like before anything is sent to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingest.store.connect import connect, to_index_path
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://:6333",
        "http://[::1",
        "https://[zz]:1",
        "http://here:99999",
        "http://here:0",
        "http://here:abc",
        "http://here and there",
        "HTTP://here\n",
    ],
)
def test_an_address_that_cannot_be_parsed_is_a_setting_to_mend(url: str) -> None:
    with pytest.raises(SettingsError, match="is not an address; write http://host:6333"):
        connect(url)


@pytest.mark.parametrize("key", ["two\nlines", "schlüssel"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(SettingsError, match="api_key") as caught:
        connect("http://127.0.0.1:1", api_key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("url", [":memory:", "http://host:6333", "HTTPS://host"])
def test_an_address_that_is_no_folder_has_no_path(url: str) -> None:
    assert to_index_path(url) is None


def test_a_folder_has_the_path_that_connecting_to_it_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert to_index_path("~/index") == to_index_path("index") == tmp_path / "index"
