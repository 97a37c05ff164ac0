"""What a first import and ``diptych --help`` may load: not what only some commands need."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

import diptych

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def _iter_commands(command: click.Command, *words: str) -> Iterator[tuple[str, ...]]:
    """The words of every command line, that of a group before those of its commands."""
    yield words
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _iter_commands(found, *words, name)


COMMANDS = list(_iter_commands(diptych.cli))


def test_all_commands_are_known() -> None:
    assert {(), ("search",), ("bridge", "train")} <= set(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "diptych")
def test_help_loads_nothing_heavy(words: tuple[str, ...]) -> None:
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
