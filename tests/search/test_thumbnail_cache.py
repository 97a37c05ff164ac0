"""The thumbnail cache: what is kept, what is dropped, what is refused."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from search.thumbnail_cache import ThumbnailCache

if TYPE_CHECKING:
    from pathlib import Path


def to_key(number: int) -> str:
    return f"{number:08x}"


def to_total(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_what_is_kept_is_found_by_another_process(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path)
    assert cache.read(to_key(1)) is None
    cache.write(to_key(1), b"one")
    cache.write(to_key(1), b"uno")
    assert ThumbnailCache(tmp_path).read(to_key(1)) == b"uno"
    assert to_total(tmp_path) == 3


def test_the_least_recently_used_is_dropped(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path, most_bytes=1_000)
    for number in range(10):
        cache.write(to_key(number), bytes(100))
        os.utime(tmp_path / to_key(number)[:2] / f"{to_key(number)}.webp", (number, number))
    assert cache.read(to_key(0))  # used now
    cache.write(to_key(10), bytes(100))
    assert cache.read(to_key(0))
    assert cache.read(to_key(1)) is None
    assert cache.read(to_key(10))
    assert to_total(tmp_path) == 1_000


def test_what_a_killed_process_left_counts_and_goes(tmp_path: Path) -> None:
    left = tmp_path / "00" / ".half.new"
    left.parent.mkdir()
    left.write_bytes(bytes(2_000))
    os.utime(left, (1, 1))
    ThumbnailCache(tmp_path, most_bytes=1_000).write(to_key(1), b"one")
    assert not left.exists()
    assert to_total(tmp_path) == 3


def test_threads_write_and_drop_at_once(tmp_path: Path) -> None:
    caches = [ThumbnailCache(tmp_path, most_bytes=5_000) for _ in range(2)]

    def use(number: int) -> bool:
        cache, key = caches[number % 2], to_key(number % 40)
        cache.write(key, bytes([number % 40]) * 500)
        return cache.read(key) in (None, bytes([number % 40]) * 500)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(use, range(400)))
    assert to_total(tmp_path) <= 5_000 + 2 * (5_000 // 16 + 500)


def test_a_folder_that_cannot_be_used_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = ThumbnailCache(tmp_path / "file")
    cache.write(to_key(1), b"one")
    assert cache.read(to_key(1)) is None


@pytest.mark.parametrize("key", ["../../etc/passwd", "", "0" * 65, "0123456G", "/0123456"])
def test_a_key_is_no_path(tmp_path: Path, key: str) -> None:
    cache = ThumbnailCache(tmp_path)
    with pytest.raises(ValueError, match="no key"):
        cache.read(key)
    with pytest.raises(ValueError, match="no key"):
        cache.write(key, b"one")
