"""The front door: commands, versions, errors and exit codes, as a shell sees them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import diptych
from tests.shell import call

FULL = Path("/dev/full")
"""A device that takes nothing; Linux has it."""


def test_help_lists_every_command_with_its_summary(tmp_path: Path) -> None:
    done = call("--help", cwd=tmp_path)
    assert done.returncode == 0
    words = " ".join(done.stdout.split())
    assert "ingest Index a folder of images and documents." in words
    assert "search Find images and documents by words or by an image." in words


def test_no_command_an_unknown_one_and_an_unknown_option_are_usage_errors(tmp_path: Path) -> None:
    assert call("find", cwd=tmp_path).returncode == 2
    wrong = call("ingest", "--colour", "red", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "No such option" in wrong.stderr


def test_a_missing_folder_is_one_line_and_exit_78(tmp_path: Path) -> None:
    done = call("ingest", "nowhere", cwd=tmp_path)
    assert done.returncode == 78
    assert done.stderr.startswith("Error: ")
    assert "nowhere does not exist" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_wrong_setting_is_one_line_and_exit_78(tmp_path: Path) -> None:
    (tmp_path / "diptych.toml").write_text("top_k = 'many'\n", encoding="utf-8")
    done = call("ingest", ".", cwd=tmp_path)
    assert done.returncode == 78
    assert "top_k" in done.stderr


@pytest.mark.skipif(not FULL.exists(), reason="the system has no full device")
def test_an_answer_that_finds_no_room_is_one_line_and_exit_74() -> None:
    with FULL.open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, diptych.__file__, "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 74
    assert done.stderr.startswith("Error: reading or writing failed: ")
    assert done.stderr.count("\n") == 1


def test_searching_an_index_that_is_not_there_says_so(tmp_path: Path) -> None:
    done = call("search", "a cat", cwd=tmp_path)
    assert done.returncode == 78
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "diptych-index").exists()


def test_an_unknown_model_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("a note", encoding="utf-8")
    done = call("ingest", ".", "--model", "no/such-model", cwd=tmp_path)
    assert done.returncode == 78
    assert "no/such-model" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("hinge_weights")
def test_the_report_is_json_when_asked(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "note.txt").write_text("a cat on a mat", encoding="utf-8")
    (tmp_path / "corpus" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = call("ingest", "corpus", "--json", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    report = json.loads(done.stdout)
    assert report["model_id"] == "hinge-en-2"
    assert report["counts"]["added"] == report["counts"]["failed"] == 1
    assert report["failures"][0]["kind"] == "DecodeError"
    again = call("ingest", "corpus", cwd=tmp_path)
    assert again.returncode == 3
    assert "unchanged  1" in again.stdout
    found = call("search", "a cat", "--json", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["hits"][0]["source_uri"] == "folder://corpus/note.txt"
