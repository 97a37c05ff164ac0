"""Every file that breaks careless indexers ends as an item or as its one error, and in time."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from ingest.chunk import hash_content, iter_text_chunks, to_image_chunk
from ingest.decode.image import decode_image
from ingest.decode.limits import Limits
from ingest.decode.text import decode_text
from ingest.sources.folder import FolderSource
from ingest.sources.read import read_bytes
from ingest.sources.uris import from_source_uri
from schemas.errors import SourceError
from schemas.records import Chunk, Modality, Record
from tests import hostile_images
from tests.hostile import INDEXED, NOT_LISTED, write_hostile_corpus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

LIMITS = Limits()
ITEM_SECONDS = 30
"""Of one item, on a busy machine; a hang lasts for ever."""


class HungError(BaseException):
    """No error that a decoder may catch."""


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise HungError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("hostile") / "corpus"
    folder.mkdir()
    return folder, write_hostile_corpus(folder)


def words(text: str) -> list[tuple[int, int]]:
    spans, end = [], 0
    for word in text.split():
        start = text.index(word, end)
        end = start + len(word)
        spans.append((start, end))
    return spans


def to_chunks(record: Record) -> list[Chunk]:
    content = read_bytes(record, LIMITS.max_source_bytes)
    content_hash = hash_content(content)
    if record.modality is Modality.IMAGE:
        image = decode_image(content, record.source_uri, limits=LIMITS, side_pixels=224)
        assert image.image.size[0] * image.image.size[1] < 10_000_000
        return [to_image_chunk(record, image, content_hash)]
    document = decode_text(content, record.source_uri, record.media_type, limits=LIMITS)
    cut = iter_text_chunks(
        record, document, content_hash, token_spans=words, window_tokens=254, overlap_tokens=32
    )
    return list(cut)


def to_end(item: Record | SourceError) -> str:
    error = item if isinstance(item, SourceError) else to_error(item)
    if error is None:
        return INDEXED
    assert error.source_uri == item.source_uri
    assert len(error.reason) > 20  # says what is wrong and what to do
    return error.kind


def to_error(record: Record) -> SourceError | None:
    try:
        with time_limit(ITEM_SECONDS):
            chunks = to_chunks(record)
    except SourceError as error:
        return error
    assert chunks
    return None


def test_each_item_ends_as_it_should(corpus: tuple[Path, dict[str, str]]) -> None:
    folder, ends = corpus
    found = dict.fromkeys(ends, NOT_LISTED)
    for item in FolderSource.open(folder).iter_records():
        found[from_source_uri(item.source_uri)[1]] = to_end(item)
    assert found == ends
    assert len(found) > 130


def test_listing_them_twice_gives_the_same(corpus: tuple[Path, dict[str, str]]) -> None:
    first, second = (list(FolderSource.open(corpus[0]).iter_records()) for _ in range(2))
    assert first == second


DECODE_AND_MEASURE = """
import resource, sys
from pathlib import Path
from ingest.decode.image import decode_image
from ingest.decode.limits import Limits
from schemas.errors import SourceError

def peak():
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit

decode_image(Path(sys.argv[1]).read_bytes(), "small", limits=Limits(), side_pixels=224)
before = peak()
try:
    decode_image(Path(sys.argv[2]).read_bytes(), "bomb", limits=Limits(), side_pixels=224)
    print("decoded", peak() - before)
except SourceError as error:
    print(error.kind, peak() - before)
"""


@pytest.mark.parametrize(
    ("name", "end", "most_mib"),
    [
        ("bomb.png", "SourceTooLarge", 20),
        ("bomb_below_pillows_ceiling.png", "SourceTooLarge", 20),
        ("text_bomb.png", "DecodeError", 40),
        ("20000x1.png", "decoded", 20),
    ],
)
def test_bombs_take_little_memory(
    corpus: tuple[Path, dict[str, str]], name: str, end: str, most_mib: int
) -> None:
    found, mebibytes = _measure(corpus[0] / "plain.jpg", corpus[0] / name)
    assert found == end
    assert mebibytes < most_mib


def test_the_largest_allowed_image_takes_a_few_bytes_a_pixel(
    corpus: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    largest = tmp_path / "largest.png"
    largest.write_bytes(hostile_images.bomb_png(10_000, 5_000))
    found, mebibytes = _measure(corpus[0] / "plain.jpg", largest)
    assert found == "decoded"
    assert mebibytes < 400


def _measure(small: Path, bomb: Path) -> tuple[str, int]:
    """How decoding the bomb ends, and by how many MiB it raises the peak of a fresh process."""
    command = [sys.executable, "-c", DECODE_AND_MEASURE, str(small), str(bomb)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    end, mebibytes = output.split()
    return end, int(mebibytes)
