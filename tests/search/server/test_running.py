"""The command: what it refuses, how it starts, how it stops."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, hinge_weights: None) -> Path:
    """A small embedded index of the offline model."""
    del hinge_weights
    folder = tmp_path_factory.mktemp("things")
    Image.new("RGB", (64, 48), (200, 30, 30)).save(folder / "red.png")
    (folder / "bread.txt").write_text("Bread is baked from flour, water and salt.")
    url = tmp_path_factory.mktemp("index") / "index"
    command = [sys.executable, "diptych.py", "ingest", str(folder), "--url", str(url)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return url


def _start(*options: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "diptych.py", "serve", "--port", "0", *options],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def _read_url(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("Serving on "), line + process.stderr.read()
    return line.removeprefix("Serving on ").strip()


@pytest.fixture
def started(index: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    options = ("--url", str(index), "--log-format", "json", "--log-level", "info")
    process = _start(*options, DIPTYCH_SERVE__DRAIN_SECONDS="4")
    try:
        yield process, _read_url(process)
    finally:
        process.kill()
        process.communicate()


def _wait_until_up(client: httpx.Client) -> None:
    due = time.monotonic() + 30
    while time.monotonic() < due:
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("the server did not become ready")


def test_it_answers_drains_and_stops(started: tuple[subprocess.Popen[str], str]) -> None:
    process, url = started
    with httpx.Client(base_url=url, timeout=30) as client:
        _wait_until_up(client)
        page = client.get("/v1/search", params={"q": "baking", "target": "text"})
        assert page.json()["hits"][0]["source_uri"].endswith("bread.txt")
        process.send_signal(signal.SIGTERM)
        while (status := client.get("/readyz").status_code) == 200:
            time.sleep(0.01)  # until the signal has arrived
        assert status == 503
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    lines = [json.loads(line) for line in said.splitlines()]
    searches = [one for one in lines if one.get("route") == "/v1/search"]
    assert [(one["status"], one["method"]) for one in searches] == [(200, "GET")]
    assert "baking" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--host", "0.0.0.0"), 78, "a token is needed"),  # noqa: S104
        (("--workers", "2"), 78, "one process at a time"),
        (("--collection", "none"), 78, "none"),
    ],
)
def test_it_refuses_before_a_port_opens(
    index: Path, options: tuple[str, ...], status: int, said: str
) -> None:
    process = _start("--url", str(index), *options)
    _, error = process.communicate(timeout=60)
    assert process.returncode == status
    assert said in error
    assert "Serving" not in error
    assert "Traceback" not in error


def test_a_port_that_is_taken_is_said(index: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = _start("--url", str(index), "--port", port)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 78
    assert "give another --port" in error
