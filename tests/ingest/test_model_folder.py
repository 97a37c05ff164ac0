"""A model from a folder is found again by whoever goes on with the collection."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch", reason="models from folders run on torch")

from ingest.encoders.catalogue import HINGE_MODEL_ID
from ingest.encoders.load import load_encoder
from ingest.encoders.recorded import to_recorded_request
from ingest.job import IngestJob
from ingest.migrate.job import MigrateJob, MigrationOptions
from ingest.sources.folder import FolderSource
from ingest.store.collections import resolve_collection
from ingest.store.model_folder import MODEL_FOLDER
from ingest.sync.job import SyncJob
from ingest.sync.session import SyncOptions
from schemas.errors import ModelUnavailable, SpaceMismatch
from schemas.records import Modality
from search.searcher import Searcher
from tests.model_fixtures import save_clip
from tests.sync_rig import CountingEncoder, Rig, paint, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemas.settings import Settings
    from schemas.sync_report import SyncReport


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clip(tmp_path_factory.mktemp("models") / "own-clip")


@pytest.fixture
def rig(tmp_path: Path, saved: Path) -> Iterator[Rig]:
    shutil.copytree(saved, tmp_path / "models" / saved.name)
    rig = Rig(tmp_path)
    paint(rig.folder / "a.png", (255, 0, 0))
    write(rig.folder / "b.txt", "two dogs run along the beach")
    yield rig
    rig.close()


@pytest.fixture
def model(tmp_path: Path, saved: Path) -> Path:
    return tmp_path / "models" / saved.name


def sync(rig: Rig, settings: Settings | None = None) -> SyncReport:
    options = SyncOptions(show_progress=False)
    job = SyncJob([], settings or rig.settings(), options=options)
    return job.run(engine=rig.memory)


def migrate_to(rig: Rig, model: Path) -> SyncReport:
    rig.sync()
    options = MigrationOptions(show_progress=False, evaluates=False)
    job = MigrateJob(rig.settings(model=str(model)), options=options)
    return job.run(engine=rig.memory, live_encoder=CountingEncoder())


def test_after_a_migration_schedules_and_searches_take_it_from_where_it_was(
    rig: Rig, model: Path
) -> None:
    report = migrate_to(rig, model)
    assert any(str(model) in note for note in report.notes)
    assert rig.memory.read_metadata("diptych")[MODEL_FOLDER] == str(model)
    paint(rig.folder / "late.png", (0, 0, 255))
    assert sync(rig).counts.added == 1
    options = MigrationOptions(show_progress=False, evaluates=False)
    MigrateJob(rig.settings(chunk_overlap_tokens=1), options=options).run(engine=rig.memory)
    assert rig.memory.read_metadata("diptych__g003")[MODEL_FOLDER] == str(model)


def test_searches_take_it_from_where_it_was(rig: Rig, model: Path, tmp_path: Path) -> None:
    index = {"url": str(tmp_path / "index")}
    settings = rig.settings(model=str(model)).model_copy(update=index)
    IngestJob(FolderSource.open(rig.folder), settings, show_progress=False).run()
    with Searcher.open(settings=rig.settings().model_copy(update=index)) as searcher:
        assert len(searcher.search("two dogs").hits) == 2


def test_it_is_remembered_by_whichever_command_fills_the_collection(rig: Rig, model: Path) -> None:
    source = FolderSource.open(rig.folder)
    job = IngestJob(source, rig.settings(model=str(model)), show_progress=False)
    job.run(engine=rig.memory)
    assert rig.memory.read_metadata("diptych")[MODEL_FOLDER] == str(model)


def test_where_it_is_now_goes_before_where_it_was(rig: Rig, model: Path, tmp_path: Path) -> None:
    migrate_to(rig, model)
    moved = tmp_path / "elsewhere" / model.name
    moved.parent.mkdir()
    model.rename(moved)
    paint(rig.folder / "late.png", (0, 0, 255))
    assert sync(rig, rig.settings(model=str(moved))).counts.added == 1
    assert rig.memory.read_metadata("diptych")[MODEL_FOLDER] == str(moved)
    paint(rig.folder / "later.png", (0, 255, 255))
    assert sync(rig).counts.added == 1


@pytest.mark.parametrize("is_empty", [False, True])
def test_one_that_is_gone_is_asked_for(rig: Rig, model: Path, *, is_empty: bool) -> None:
    """To migrate to a folder that holds no model would be refused."""
    migrate_to(rig, model)
    shutil.rmtree(model)
    if is_empty:
        model.mkdir()
    with pytest.raises(ModelUnavailable, match="name the folder's path as the model") as refused:
        sync(rig)
    assert str(model) in str(refused.value)


@pytest.mark.parametrize("is_beside", [False, True])
def test_one_that_was_trained_again_says_how_to_go_on(
    rig: Rig, model: Path, monkeypatch: pytest.MonkeyPatch, *, is_beside: bool
) -> None:
    """Also where the folder lies in the working directory, so that the name alone leads to it."""
    migrate_to(rig, model)
    (model / "further.json").write_text("{}")
    assert load_encoder(str(model), check=False).space.modalities == tuple(Modality)
    if is_beside:
        monkeypatch.chdir(model.parent)
    with pytest.raises(ModelUnavailable) as refused:
        sync(rig)
    assert str(refused.value).endswith(f"migrate --model {model} --no-evaluate --url :memory:")
    with pytest.raises(SpaceMismatch, match="`diptych migrate --model`"):
        sync(rig, rig.settings(model=str(model)))

    options = MigrationOptions(show_progress=False, evaluates=False)
    MigrateJob(rig.settings(model=str(model)), options=options).run(engine=rig.memory)
    paint(rig.folder / "late.png", (0, 0, 255))
    assert sync(rig).counts.added == 1


def test_the_way_out_names_the_index_as_a_shell_reads_it(
    rig: Rig, model: Path, tmp_path: Path
) -> None:
    """Another index, or another collection of it, is not to be built anew."""
    url = str(tmp_path / "an index")
    update = {"url": url, "collection": "some"}
    settings = rig.settings(model=str(model)).model_copy(update=update)
    IngestJob(FolderSource.open(rig.folder), settings, show_progress=False).run()
    (model / "further.json").write_text("{}")
    with pytest.raises(ModelUnavailable) as refused:
        Searcher.open(url, collection="some", settings=rig.settings())
    assert str(refused.value).endswith(f" --no-evaluate --url '{url}' --collection some")


def test_a_folder_called_like_the_default_is_not_taken_for_it(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever lies in the working directory, and even where it was once remembered."""
    (tmp_path / HINGE_MODEL_ID).mkdir()
    monkeypatch.chdir(tmp_path)
    job = IngestJob(FolderSource.open(rig.folder), rig.settings(), show_progress=False)
    job.run(engine=rig.memory)
    live = resolve_collection(rig.memory, "diptych")
    assert MODEL_FOLDER not in live.metadata
    folder = str(tmp_path / HINGE_MODEL_ID)
    assert to_recorded_request(live.space, rig.settings(), folder=folder).model == HINGE_MODEL_ID


def test_the_recorded_files_are_taken_from_beside_where_the_folder_has_others(
    rig: Rig, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate_to(rig, model)
    shutil.copytree(model, tmp_path / "kept" / model.name)
    (model / "further.json").write_text("{}")
    monkeypatch.chdir(tmp_path / "kept")
    paint(rig.folder / "late.png", (0, 0, 255))
    assert sync(rig).counts.added == 1
