"""Several processes on one port."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[3]

SEARCHES = re.compile(
    r'^diptych_http_requests_total\{method="GET",route="/v1/search",status="200"\} (\S+)$',
    re.MULTILINE,
)

START_SECONDS = 300.0
"""Each process imports everything anew before it listens."""


def test_processes_share_a_port_and_their_metrics(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.search.server.worker_app", str(tmp_path)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        url = process.stderr.readline().removeprefix("Serving on ").strip()
        due = time.monotonic() + START_SECONDS
        answered = 0
        while answered < 20 and process.poll() is None and time.monotonic() < due:
            try:
                answer = httpx.get(f"{url}/v1/search", params={"q": "red"}, timeout=30)
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            assert answer.status_code == 200
            answered += 1
        assert (answered, process.poll()) == (20, None)
        counted = SEARCHES.search(httpx.get(f"{url}/metrics", timeout=30).text)
        assert counted is not None
        assert float(counted[1]) == 20
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "Traceback" not in said
