"""What a process cannot do any more once it has withdrawn."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these means")

ATTEMPTS = {
    "write": "open(folder + '/new', 'w')",
    "overwrite": "open(folder + '/old', 'a')",
    "truncate": "os.truncate(folder + '/old', 0)",
    "delete": "os.unlink(folder + '/old')",
    "rename": "os.rename(folder + '/old', folder + '/newer')",
    "make a folder": "os.mkdir(folder + '/sub')",
    "link": "os.symlink('/etc', folder + '/link')",
    "execute": "os.execv('/bin/true', ['true'])",
    "connect": "socket.create_connection(('127.0.0.1', port), timeout=5)",
    "listen": "socket.create_server(('127.0.0.1', 0))",
    "signal the parent": "os.kill(os.getppid(), signal.SIGTERM)",
}
SCRIPT = """
import os, resource, signal, socket, sys
from ingest.decode.confinement import limit_resources, withdraw
folder, port = sys.argv[1], int(sys.argv[2])
lifeline, _keep = os.pipe()
withdraw(lifeline)
try:
    {attempt}
except PermissionError:
    print("refused", end="")
"""
SINCE = {"truncate": 3, "connect": 4, "listen": 4, "signal the parent": 6}


def landlock_version() -> int:
    libc = ctypes.CDLL(None)
    return int(libc.syscall(444, None, ctypes.c_size_t(0), 1))


def run(attempt: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(attempt=attempt), str(folder), "9"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", ATTEMPTS)
def test_nothing_is_changed_run_or_reached(name: str, tmp_path: Path) -> None:
    if landlock_version() < SINCE.get(name, 1):
        pytest.skip("the kernel's Landlock does not know that yet")
    (tmp_path / "old").write_text("old")
    assert run(ATTEMPTS[name], tmp_path) == "refused"
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text() == "old"


def test_reading_and_importing_go_on(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    attempt = "import PIL.Image, lxml.etree; print(open(folder + '/old').read())"
    assert run(attempt, tmp_path) == "old\n"


def test_temporary_files_without_a_name_need_no_folder(tmp_path: Path) -> None:
    attempt = """import tempfile
    from ingest.decode.confinement import keep_temporary_files_in_memory
    keep_temporary_files_in_memory()
    with tempfile.TemporaryFile(suffix=".npz") as file:
        file.write(b"a\\nb")
        file.seek(0)
        print(file.readlines())"""
    assert run(attempt, tmp_path) == "[b'a\\n', b'b']\n"


def test_memory_files_and_their_sizes_are_limited_for_good(tmp_path: Path) -> None:
    attempt = """limit_resources(64 << 20)
    small = bytes(32 << 20)
    try: bytes(100 << 20)
    except MemoryError: print("no memory")
    kept = []
    try:
        while True: kept.append(os.dup(0))
    except OSError: print("no descriptors", len(kept) < 64)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))"""
    assert run(attempt, tmp_path) == "no memory\nno descriptors True\n"
