"""Many threads share a few children."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from ingest.decode.image import decode_image
from ingest.decode.limits import Limits
from ingest.decode.sandbox_pool import SandboxPool, shared_pool
from schemas.errors import DecodeError
from tests.hostile_images import encoded, picture

LIMITS = Limits()
SLOW = b"- a\n" * 74_000


def test_eight_threads_share_three_children() -> None:
    files = [encoded(picture(30 + n, 20 + n), "PNG") for n in range(96)]

    def decode(n: int) -> bool:
        if n % 12 == 5:
            with pytest.raises(DecodeError, match=f"^{n}: "):
                pool.decode_image(files[n][:60], str(n), limits=LIMITS, side_pixels=224)
            return True
        if n % 12 == 7:
            return pool.decode_text(b"a %d" % n, "u", "text/plain", limits=LIMITS).text == f"a {n}"
        there = pool.decode_image(files[n], str(n), limits=LIMITS, side_pixels=224)
        here = decode_image(files[n], str(n), limits=LIMITS, side_pixels=224)
        return there.image.tobytes() == here.image.tobytes()

    with SandboxPool(3) as pool, ThreadPoolExecutor(8) as threads:
        assert not pool.pids
        assert all(threads.map(decode, range(len(files))))
        assert 1 <= len(pool.pids) <= 3
        pids = pool.pids
    assert pool.pids == ()
    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def test_children_are_started_only_as_they_are_needed_and_kept() -> None:
    with SandboxPool(4) as pool:
        for _ in range(3):
            pool.decode_text(b"a", "u", "text/plain", limits=LIMITS)
        (first,) = pool.pids
        with pool.sandbox() as one, pool.sandbox() as two:
            for sandbox in (one, two):
                sandbox.decode_text(b"a", "u", "text/plain", limits=LIMITS)
            assert one.pid == first
        assert len(pool.pids) == 2


def test_a_thread_waits_for_a_sandbox_until_there_is_one() -> None:
    pool = SandboxPool(1)
    taken, release = Barrier(2), Event()

    def hold() -> None:
        with pool.sandbox():
            taken.wait()
            release.wait()

    with ThreadPoolExecutor() as threads:
        holding = threads.submit(hold)
        taken.wait()
        waiting = threads.submit(pool.decode_text, b"a", "u", "text/plain", limits=LIMITS)
        assert not waiting.done()
        pool.allow(2)
        assert waiting.result().text == "a"
        release.set()
        holding.result()
    pool.close()


def test_closing_breaks_off_what_is_under_way() -> None:
    pool = SandboxPool(2)
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(pool.decode_text, SLOW, "u", "text/markdown", limits=LIMITS)
        while not pool.pids:
            assert not slow.done()
        pool.close()
        with pytest.raises(RuntimeError, match="closed during a call"):  # no item's fault
            slow.result()
    pool.close()
    assert pool.pids == ()
    with pytest.raises(RuntimeError, match="closed"):
        pool.decode_text(b"a", "u", "text/plain", limits=LIMITS)


def test_a_pool_that_is_forgotten_leaves_no_child() -> None:
    pool = SandboxPool(1)
    pool.decode_text(b"a", "u", "text/plain", limits=LIMITS)
    (pid,) = pool.pids
    del pool
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def test_jobs_share_a_pool_that_grows() -> None:
    pool = shared_pool(1, timeout_seconds=50)
    assert shared_pool(2, timeout_seconds=50) is pool
    assert shared_pool(2, timeout_seconds=40) is not pool
    with pool.sandbox() as one, pool.sandbox() as two:
        assert one is not two
