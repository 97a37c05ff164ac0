"""Logs: plain lines or JSON, on stderr in either case."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any

import pytest


def run(
    script: str, *, form: str = "json", level: str = "info"
) -> subprocess.CompletedProcess[str]:
    """What a process writes that installs logging and then does something."""
    first = (
        "import logging, sys, warnings\n"
        "from ingest.logs import *\n"
        f"install_logs(level={level!r}, as_json={form == 'json'})\n"
        "log = logging.getLogger('ingest.sync.job')\n"
    )
    return subprocess.run(
        [sys.executable, "-c", first + script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_a_line_has_time_level_logger_message_run_and_extras() -> None:
    (line,) = lines(
        run(
            "with log_fields(run_id='r1', collection='c'):\n"
            "    log.warning('%d of\\n%s', 2, 'a-\\udcff', extra={'root': 'photos', 'count': 2})"
        )
    )
    assert list(line)[:4] == ["timestamp", "level", "logger", "message"]
    at = datetime.fromisoformat(line.pop("timestamp"))
    assert at.utcoffset() == timedelta(0)
    assert line == {
        "level": "WARNING",
        "logger": "ingest.sync.job",
        "message": "2 of\na-\udcff",
        "run_id": "r1",
        "collection": "c",
        "root": "photos",
        "count": 2,
    }


def test_fields_end_with_their_run_and_reach_every_thread() -> None:
    script = (
        "from threading import Thread\n"
        "with log_fields(run_id='r1'):\n"
        "    with log_fields(run_id='r2'):\n"
        "        thread = Thread(target=log.info, args=('a',)); thread.start(); thread.join()\n"
        "    log.info('b')\n"
        "log.info('c')"
    )
    assert [(line["message"], line.get("run_id")) for line in lines(run(script))] == [
        ("a", "r2"),
        ("b", "r1"),
        ("c", None),
    ]


def test_the_level_is_that_of_our_own_loggers() -> None:
    script = (
        "log.debug('a'); log.info('b'); log.error('c')\n"
        "logging.getLogger('httpx').info('d'); logging.getLogger('httpx').warning('e')"
    )
    told = {
        level: [line["message"] for line in lines(run(script, level=level))]
        for level in ("debug", "info", "warning", "error")
    }
    assert told == {
        "debug": ["a", "b", "c", "e"],
        "info": ["b", "c", "e"],
        "warning": ["c", "e"],
        "error": ["c", "e"],
    }


def test_warnings_and_what_ends_the_process_are_json_as_well() -> None:
    done = run("warnings.warn('old')\nsay_error('no room')\nraise RuntimeError('broken')")
    old, room, broken = lines(done)
    assert (old["level"], old["logger"]) == ("WARNING", "py.warnings")
    assert (room["level"], room["message"]) == ("ERROR", "no room")
    assert (broken["level"], broken["message"]) == ("CRITICAL", "RuntimeError: broken")
    assert "Traceback" in broken["exc_info"]
    assert done.returncode == 1


def test_a_signal_handler_has_a_line_of_its_own() -> None:
    script = "import os\nwith log_fields(run_id='r1'): os.write(2, to_line('Stopping'))"
    (line,) = lines(run(script))
    assert (line["message"], line["run_id"]) == ("Stopping", "r1")
    assert run(script, form="text").stderr == "Stopping\n"


def test_text_is_the_message_alone() -> None:
    done = run("log.info('a')\nlog.warning('b')\nsay_error('c')", form="text", level="warning")
    assert (done.stdout, done.stderr) == ("", "b\nError: c\n")


def test_installing_again_replaces_what_was_installed() -> None:
    assert run("install_logs()\nlog.warning('once')", form="json").stderr == "once\n"


@pytest.mark.parametrize(("form", "loaded"), [("text", False), ("json", True)])
def test_the_library_is_loaded_for_json_alone(form: str, *, loaded: bool) -> None:
    assert run("print('pythonjsonlogger' in sys.modules)", form=form).stdout == f"{loaded}\n"
