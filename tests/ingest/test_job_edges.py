"""Runs at the edge: impossible clocks, models of one modality, stops, paths by another name."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from ingest.job import IngestJob
from ingest.report_table import to_table
from ingest.sources.folder import FolderSource
from schemas.errors import StoreError
from schemas.records import Modality
from schemas.settings import load_settings
from tests.legible import LegibleEncoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.report import RunReport
    from schemas.space import Role, Vectors


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """A folder with one photograph and one note."""
    folder = tmp_path / "both"
    folder.mkdir()
    Image.new("RGB", (8, 8), "red").save(folder / "red.png")
    (folder / "note.txt").write_text("a red note", encoding="utf-8")
    return folder


def ingest(
    folder: Path, encoder: LegibleEncoder | None = None, url: str = ":memory:", **options: Any
) -> RunReport:
    job = IngestJob(
        FolderSource.open(folder), load_settings(url=url), show_progress=False, **options
    )
    return job.run(encoder=encoder or LegibleEncoder())


@pytest.mark.parametrize("year", [2_500, 12_000, -3_000])
def test_a_time_beyond_64_bits_costs_nothing(year: int) -> None:
    memory = Path("/dev/shm")  # noqa: S108 - a file system that keeps such times
    if not memory.is_dir():
        pytest.skip("no file system here keeps such times")
    seconds = (year - 1970) * 31_556_952
    with TemporaryDirectory(dir=memory) as folder:
        note = Path(folder, "note.txt")
        note.write_text("a red note", encoding="utf-8")
        os.utime(note, (seconds, seconds))
        assert note.stat().st_mtime == seconds
        assert ingest(Path(folder)).counts.added == 1


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such a name")
def test_the_table_prints_what_any_file_is_called(both: Path) -> None:
    (both / os.fsdecode(b"caf\xe9.png")).write_bytes(b"no image")
    (both / "red\x1b[31m\n.png").write_bytes(b"no image")
    table = to_table(ingest(both))
    assert table.encode("utf-8", "strict")
    assert "caf\\xe9.png: not an image" in table
    assert "red\\x1b[31m\\n.png: not an image" in table


@pytest.mark.parametrize("modality", list(Modality))
def test_what_the_model_does_not_encode_fails_as_that(both: Path, modality: Modality) -> None:
    report = ingest(both, LegibleEncoder(modalities=(modality,)))
    assert (report.counts.added, report.counts.failed) == (1, 1)
    [failure] = report.failures
    assert failure.kind == "UnsupportedModality"
    assert "--exclude" in failure.message


def test_dead_letters_that_cannot_be_written_are_an_error_of_ours(both: Path) -> None:
    with pytest.raises(StoreError, match="--dead-letters"):
        ingest(both, dead_letters=both / "note.txt" / "letters.jsonl")


def test_a_folder_by_another_path_is_the_same_folder(both: Path, tmp_path: Path) -> None:
    index = str(tmp_path / "index")
    ingest(both, url=index)
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    report = ingest(tmp_path / "link" / "both", url=index)
    assert report.counts.unchanged == 2


class _StoppingEncoder(LegibleEncoder):
    """Someone asks to stop while the note is encoded."""

    def __init__(self, stopping: Event) -> None:
        super().__init__()
        self._stopping = stopping

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        if "a red note" in texts:  # not the canary's
            self._stopping.set()
        return super().encode_texts(texts, role)


def test_a_stop_that_comes_too_late_interrupts_nothing(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("a red note", encoding="utf-8")
    stopping = Event()
    report = ingest(tmp_path, _StoppingEncoder(stopping), stopping=stopping)
    assert stopping.is_set()
    assert (report.interrupted, report.counts.added) == (False, 1)
