"""The pages' Python examples run as they stand, on the demo's own files and the offline model."""

from __future__ import annotations

import re
import shutil
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from ingest.job import IngestJob
from ingest.sources.folder import FolderSource
from schemas.settings import RootSettings, load_settings

ROOT = Path(__file__).resolve().parent.parent
# A block of ``py`` needs more than Diptych, e.g. a generated client, and is tried by hand.
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [
    page
    for page in ("README.md", *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/**/*.md")))
    if PYTHON_BLOCK.search((ROOT / page).read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def reader_folder(hinge_weights: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 - a condition, not a value
    """What a reader of the pages has: some files, and an index of them in the working folder."""
    pytest.importorskip("skimage", reason="the demo's photographs come with the extra `demo`")
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "examples" / "documents", folder / "examples" / "documents")
    with as_file(files("skimage") / "data") as photographs:
        shutil.copy(photographs / "chelsea.png", folder / "cat.png")
        shutil.copy(photographs / "rocket.jpg", folder / "holiday.jpg")
    settings = load_settings(url=str(folder / "diptych-index"))
    root = RootSettings(source=str(folder))
    job = IngestJob(FolderSource.open(folder), settings, show_progress=False, root=root)
    report = job.run()
    assert report.counts.failed == 0
    return folder


def test_there_are_pages_with_examples() -> None:
    assert {"README.md", "docs/ingest.md", "docs/search.md"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run(
    page: str,
    reader_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],  # by descriptor: an example starts a process
) -> None:
    monkeypatch.chdir(reader_folder)
    names: dict[str, object] = {}
    for block in PYTHON_BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
        exec(compile(block, page, "exec"), names)  # noqa: S102 - our own pages
    if "print(" in (ROOT / page).read_text(encoding="utf-8"):
        assert capfd.readouterr().out
