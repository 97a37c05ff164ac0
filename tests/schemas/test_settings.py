"""Settings: flags > environment > file > defaults, and errors that name the field."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import SettingsError
from schemas.settings import load_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_each_source_wins_over_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().top_k == 10
    Path("diptych.toml").write_text("top_k = 20\nmodel = 'from-file'\n", encoding="utf-8")
    assert load_settings().top_k == 20
    monkeypatch.setenv("DIPTYCH_TOP_K", "30")
    assert load_settings().top_k == 30
    settings = load_settings(top_k=40, url=None)
    assert (settings.top_k, settings.model, settings.url) == (40, "from-file", "diptych-index")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"top_k": 0}, "top_k"),
        ({"collection": "a/b"}, "collection"),
        ({"timeout_seconds": -1}, "timeout_seconds"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_flag_is_named(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError, match=f"settings: {named}: .*given"):
        load_settings(**wrong)


def test_a_wrong_environment_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIPTYCH_BATCH_SIZE", "many")
    with pytest.raises(SettingsError, match=r"batch_size: .*'many'"):
        load_settings()


@pytest.mark.parametrize("content", [b"top_k = ", b"\xff\xfe", b"unknown = 1"])
def test_a_broken_settings_file_is_an_error(content: bytes) -> None:
    Path("diptych.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"diptych\.toml|unknown"):
        load_settings()


def test_the_api_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIPTYCH_API_KEY", "swordfish")
    assert "swordfish" not in repr(load_settings())
    with pytest.raises(SettingsError) as caught:
        load_settings(api_key=["swordfish"])
    assert "swordfish" not in str(caught.value)


@pytest.mark.parametrize("field", ["columns", "allow_hosts", "storage_options"])
def test_a_list_or_table_in_the_environment_that_is_no_json_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    monkeypatch.setenv(f"DIPTYCH_{field.upper()}", "{hush")
    with pytest.raises(SettingsError, match=f"DIPTYCH_{field.upper()}: is no JSON") as caught:
        load_settings()
    assert "hush" not in str(caught.value)


def test_storage_options_are_secrets_in_messages() -> None:
    assert "hush" not in repr(load_settings(storage_options={"secret": "hush"}))
    with pytest.raises(SettingsError, match="storage_options") as caught:
        load_settings(storage_options="hush")
    assert "hush" not in str(caught.value)
