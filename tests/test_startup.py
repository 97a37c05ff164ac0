"""What a first import and ``diptych --help`` may load: not what only some commands need."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

import diptych

HEAVY = {"torch", "transformers", "sentence_transformers", "onnxruntime", "qdrant_client", "numpy"}


def loaded_after(statement: str) -> set[str]:
    """The heavy modules that a fresh interpreter has after a statement."""
    script = f"{statement}\nimport sys; print(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return HEAVY & set(done.stderr.split())


def test_the_probe_sees_a_heavy_module() -> None:
    assert loaded_after("import numpy") == {"numpy"}


@pytest.mark.parametrize(
    "module",
    [
        "diptych",
        "ingest",
        "ingest.bridge",
        "ingest.bridge.cli",
        "ingest.bridge.train_cli",
        "ingest.cli",
        "schemas",
        "schemas.records",
        "search",
        "search.cli",
        "search.evaluate.cli",
        "search.server.mcp_cli",
    ],
)
def test_front_doors_load_nothing_heavy(module: str) -> None:
    assert loaded_after(f"import {module}") == set()


def _commands() -> list[list[str]]:
    """Every command line's words, groups too."""
    found: list[list[str]] = [[]]
    for words in found:
        group = _resolve(words)
        if isinstance(group, click.Group):
            found += [[*words, name] for name in group.list_commands(click.Context(group))]
    return found


def _resolve(words: list[str]) -> click.Command:
    command: click.Command = diptych.cli
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    return command


def test_all_commands_are_known() -> None:
    assert {(), ("search",), ("bridge", "train")} <= {tuple(words) for words in _commands()}


@pytest.mark.parametrize("words", _commands(), ids=lambda words: " ".join(words) or "diptych")
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    statement = (
        "import diptych\n"
        f"try: diptych.cli.main({[*words, '--help']!r}, prog_name='diptych')\n"
        "except SystemExit as stop: assert stop.code == 0"
    )
    assert loaded_after(statement) == set()


@pytest.mark.parametrize(
    "module", ["schemas.settings", "schemas.collection", "search.searcher", "ingest.job"]
)
def test_the_library_loads_no_torch(module: str) -> None:
    assert not loaded_after(f"import {module}") & {"torch", "transformers", "sentence_transformers"}


def test_reading_a_page_for_the_first_time_says_nothing_on_stderr() -> None:
    script = (
        "from ingest.decode.limits import Limits\n"
        "from ingest.decode.text import decode_text\n"
        "page = b'<html><body>' + b'<p>Words of the main text, many of them.</p>' * 40\n"
        "decode_text(page, 'folder://pages/a.html', 'text/html', limits=Limits())\n"
        "import sys; assert 'trafilatura' in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "SOCKS" not in done.stderr
