"""A dry run tells what a run would do and writes nothing; tuning picks what it measured."""

from __future__ import annotations

import shutil
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from ingest.cli import ingest as ingest_command
from ingest.encoders.canary import CANARY_TEXTS
from ingest.forecast import make_forecast
from ingest.forecast_table import to_forecast_table, to_size, to_tuning_table
from ingest.job import IngestJob
from ingest.recorded_policy import to_policy_metadata
from ingest.sample import SAMPLE_IMAGES, Sample
from ingest.sources.folder import FolderSource
from ingest.tune import BATCH_SIZES, tune
from schemas.errors import ModelUnavailable, SettingsError, SpaceMismatch, UnreadableSource
from schemas.forecast import Forecast, ForecastRow
from schemas.records import Modality
from schemas.report import RunReport
from schemas.settings import load_settings
from tests.ingest.conftest import read_chunks
from tests.legible import LegibleEncoder
from tests.list_source import ListSource, image, text, to_png

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ingest.store.engine import Engine
    from schemas.errors import SourceError
    from schemas.records import Record
    from tests.ingest.conftest import Ingest

SETTINGS = load_settings(url=":memory:", workers=2, batch_size=4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for nth in range(3):
        (folder / f"{nth}.png").write_bytes(to_png((nth, 0, 0)))
    (folder / "note.txt").write_text("red", encoding="utf-8")
    (folder / "film.mp4").write_bytes(b"0")
    return folder


def forecast(engine: Engine, folder: Path, encoder: LegibleEncoder | None = None) -> Forecast:
    source = FolderSource.open(folder)
    return make_forecast(source, SETTINGS, engine=engine, encoder=encoder or LegibleEncoder())


def test_everything_is_new_to_a_missing_collection_and_nothing_is_made(
    engine: Engine, folder: Path
) -> None:
    told = forecast(engine, folder)
    png_bytes = sum(path.stat().st_size for path in folder.glob("*.png"))
    assert told.rows == (
        ForecastRow("image/png", new=3, todo_bytes=png_bytes),
        ForecastRow("text/plain", new=1, todo_bytes=3),
    )
    assert (told.collection, told.todo, told.sampled) == ("", 4, 4)
    assert told.skipped == {".mp4": 1}
    assert told.estimated_seconds is not None
    assert engine.get_collections().collections == []


def test_it_tells_new_changed_unchanged_and_gone(
    engine: Engine, folder: Path, ingest: Ingest
) -> None:
    ingest(FolderSource.open(folder), chunk_overlap_tokens=SETTINGS.chunk_overlap_tokens)
    before = read_chunks(engine)
    (folder / "note.txt").write_text("blue, and longer", encoding="utf-8")
    (folder / "0.png").unlink()
    (folder / "new.png").write_bytes(to_png((0, 0, 99)))
    told = forecast(engine, folder)
    rows = {row.media_type: (row.new, row.changed, row.unchanged) for row in told.rows}
    assert rows == {"image/png": (1, 0, 2), "text/plain": (0, 1, 0)}
    assert (told.gone, told.todo, told.collection) == (1, 2, "diptych__g001")
    assert read_chunks(engine) == before
    table = to_forecast_table(told)
    assert "1 indexed items are no longer there" in table
    assert table.endswith("Nothing was written.")


def test_the_estimate_of_what_was_only_moved_encodes_nothing(
    engine: Engine, folder: Path, ingest: Ingest, tmp_path: Path
) -> None:
    ingest(FolderSource.open(folder))
    moved = tmp_path / "elsewhere" / folder.name
    moved.parent.mkdir()
    folder.rename(moved)
    encoder = LegibleEncoder()
    settings = load_settings(url=":memory:", workers=1, chunk_overlap_tokens=2)
    told = make_forecast(FolderSource.open(moved), settings, engine=engine, encoder=encoder)
    assert (told.todo, told.sampled) == (4, 4)
    assert told.estimated_seconds is not None
    canaries = 2 * len(CANARY_TEXTS)  # of the two samples' collections
    assert (encoder.encoded_images, encoder.encoded_texts) == (canaries, canaries)


def test_another_choice_of_frames_or_figures_is_work_to_do(
    engine: Engine, folder: Path, ingest: Ingest
) -> None:
    (folder / "page.md").write_text("green", encoding="utf-8")
    source = FolderSource.open(folder)
    ingest(source)

    def changed(**options: object) -> dict[str, int]:
        settings = load_settings(url=":memory:", workers=1, chunk_overlap_tokens=2, **options)
        told = make_forecast(source, settings, engine=engine, encoder=LegibleEncoder())
        return {row.media_type: row.changed for row in told.rows if row.changed}

    assert changed() == {}
    assert changed(frames=3) == {"image/png": 3}
    assert changed(figures=False) == {"text/markdown": 1}
    assert changed(ocr=True) == {"image/png": 3, "text/markdown": 1}


def test_what_a_migration_chose_is_forecast_as_ingest_would_do_it(
    engine: Engine, folder: Path, ingest: Ingest
) -> None:
    (folder / "page.md").write_text("green", encoding="utf-8")
    source = FolderSource.open(folder)
    chosen: dict[str, Any] = {"chunk_overlap_tokens": 2, "frames": 3, "figures": False}
    ingest(source, **chosen)
    built = load_settings(url=":memory:", **chosen)
    engine.update_collection("diptych__g001", metadata=to_policy_metadata(built))

    def forecast_and_run(**options: object) -> tuple[int, int]:
        settings = load_settings(url=":memory:", workers=1, **options)
        told = make_forecast(source, settings, engine=engine, encoder=LegibleEncoder())
        job = IngestJob(source, settings, show_progress=False)
        return told.todo, job.run(engine=engine, encoder=LegibleEncoder()).counts.updated

    assert forecast_and_run() == (0, 0)
    assert forecast_and_run(frames=1) == (3, 3)


def test_a_name_that_stands_for_another_place_is_refused_as_a_run_would(
    engine: Engine, folder: Path, ingest: Ingest
) -> None:
    ingest(FolderSource.open(folder))
    rival = folder.parent / "elsewhere" / folder.name
    shutil.copytree(folder, rival)
    with pytest.raises(SettingsError, match="already stands for"):
        forecast(engine, rival)


def test_tuning_goes_by_the_collection_s_own_model(folder: Path, tmp_path: Path) -> None:
    settings = load_settings(url=str(tmp_path / "index"), workers=1)
    job = IngestJob(FolderSource.open(folder), settings, show_progress=False)
    job.run(encoder=LegibleEncoder(model_id="/nowhere/at-all"))
    with pytest.raises(ModelUnavailable, match="nowhere"):
        job.tune()


def test_without_a_model_in_the_settings_the_collection_s_own_is_used(
    engine: Engine, folder: Path, ingest: Ingest
) -> None:
    ingest(FolderSource.open(folder), LegibleEncoder(model_id="/nowhere/at-all"))
    with pytest.raises(ModelUnavailable, match="nowhere"):
        make_forecast(FolderSource.open(folder), SETTINGS, engine=engine)


def test_a_changed_caption_or_text_of_a_row_is_work_to_do(engine: Engine, ingest: Ingest) -> None:
    red, note = image("a", to_png((255, 0, 0)), caption="red"), text("b", "blue")
    ingest(ListSource([red, note]), chunk_overlap_tokens=SETTINGS.chunk_overlap_tokens)

    def changed(*records: Record) -> int:
        source = ListSource(records)
        told = make_forecast(source, SETTINGS, engine=engine, encoder=LegibleEncoder())
        return sum(row.changed for row in told.rows)

    assert changed(red, note) == 0
    assert changed(replace(red, caption="green"), note) == 1
    assert changed(replace(red, caption=None), note) == 1
    assert changed(red, text("b", "cyan")) == 1


def test_a_collection_of_another_model_is_refused_as_a_run_would(
    engine: Engine, folder: Path, ingest: Ingest
) -> None:
    ingest(FolderSource.open(folder))
    with pytest.raises(SpaceMismatch):
        forecast(engine, folder, LegibleEncoder(model_id="another"))


def test_unreadable_samples_give_no_estimate(engine: Engine) -> None:
    items: list[Record | SourceError] = [
        image("a", b"no image"),
        UnreadableSource("manifest://list/b", "gone"),
    ]
    source = ListSource(items)
    told = make_forecast(source, SETTINGS, engine=engine, encoder=LegibleEncoder())
    assert (told.estimated_seconds, told.unlisted) == (None, 1)
    assert "no time can be told" in to_forecast_table(told)


def test_tuning_measures_every_configuration_and_keeps_the_quickest() -> None:
    records = [image(str(nth), to_png((nth, 5, 5))) for nth in range(40)] + [text("t", "red")]
    source = ListSource(records)
    tuning = tune(source, SETTINGS, LegibleEncoder())
    tried = {(trial.workers, trial.batch_size) for trial in tuning.trials}
    assert {size for _, size in tried} == set(BATCH_SIZES)
    assert len(tried) == len(tuning.trials)
    seconds = [trial.seconds for trial in tuning.trials]
    assert seconds == sorted(seconds)
    chosen = tuning.applied_to(SETTINGS)
    best = tuning.trials[0]
    assert (chosen.workers, chosen.batch_size) == (best.workers, best.batch_size)
    assert f"batch_size = {best.batch_size}" in to_tuning_table(tuning)


def test_without_an_item_there_is_nothing_to_tune_with() -> None:
    tuning = tune(ListSource([]), SETTINGS, LegibleEncoder())
    assert tuning.applied_to(SETTINGS) == SETTINGS
    assert "Nothing to tune with" in to_tuning_table(tuning)


@given(count=st.integers(0, 400))
def test_a_sample_is_some_of_what_was_offered_and_knows_how_much_more_there_is(count: int) -> None:
    sample = Sample()
    offered = [image(str(nth), b"x") for nth in range(count)]
    for record in offered:
        sample.offer(record)
    drawn = sample.of(Modality.IMAGE)
    assert len(drawn) == min(count, SAMPLE_IMAGES)
    assert len({record.source_uri for record in drawn}) == len(drawn)
    if drawn:
        assert sample.scale(Modality.IMAGE) == pytest.approx(count / len(drawn))


def test_documents_are_scaled_by_their_bytes() -> None:
    sample = Sample()
    sample.offer(text("a", "x" * 100))
    sample.offer(text("b", "x" * 5_000_000))
    assert [record.location for record in sample.of(Modality.TEXT)] == ["a"]
    assert sample.scale(Modality.TEXT) == pytest.approx(50_001)


def test_sizes_are_decimal() -> None:
    assert [to_size(n) for n in (0, 999, 1_500, 2_000_000)] == ["0 B", "999 B", "1.5 kB", "2.0 MB"]


def test_another_title_is_a_change(engine: Engine, ingest: Ingest) -> None:
    record = image("a", to_png((9, 9, 9)), title="Old")
    ingest(ListSource([record]))
    source = ListSource([replace(record, title="New")])
    told = make_forecast(source, SETTINGS, engine=engine, encoder=LegibleEncoder())
    assert [(row.changed, row.unchanged) for row in told.rows] == [(1, 0)]


@pytest.mark.parametrize(
    ("options", "handled"), [(["--plan"], False), (["--tune"], True), ([], True)]
)
def test_what_only_measures_is_interrupted_at_once(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *, options: list[str], handled: bool
) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    seen: dict[str, bool] = {}

    def note(name: str) -> Callable[..., Any]:
        def look(*_: object, **__: object) -> Any:
            seen[name] = signal.getsignal(signal.SIGINT) != before[signal.SIGINT]
            return {"run": RunReport("", "", "", "", "", "", seconds={"total": 0.0})}.get(name, 0)

        return look

    monkeypatch.setattr("ingest.cli._show_plan", note("plan"))
    monkeypatch.setattr("ingest.cli._show_tuning", note("tune"))
    monkeypatch.setattr("ingest.job.IngestJob.run", note("run"))
    try:
        result = CliRunner().invoke(ingest_command, [str(folder), *options])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert result.exception is None
    assert seen.pop("run", False) is handled
    assert not any(seen.values())
