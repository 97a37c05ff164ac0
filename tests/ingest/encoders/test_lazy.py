"""A run with nothing to do loads no model, and believes nothing that has changed since."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingest.encoder_choice import choose_encoder
from ingest.encoders.known_space import MOST_KEPT, PACKAGES
from ingest.encoders.lazy import LazyEncoder
from ingest.job import IngestJob
from ingest.sources.folder import FolderSource
from ingest.store.collections import find_live
from ingest.store.connect import open_store
from ingest.sync.job import SyncJob
from ingest.sync.session import SyncOptions
from schemas.errors import ModelUnavailable, SpaceMismatch
from schemas.settings import RootSettings, Settings, load_settings
from tests.legible import LegibleEncoder
from tests.sync_rig import Rig, paint, read_points

if TYPE_CHECKING:
    from schemas.space import Encoder

PROGRAM = """
import shlex, sys
import diptych
for line in sys.argv[1:]:
    assert diptych.cli.main(shlex.split(line), standalone_mode=False) == 0, line
print("torch", "torch" in sys.modules)
"""


@pytest.fixture(scope="module")
def settings(model_folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Of an index whose model's space is known."""
    return fill(tmp_path_factory.mktemp("world"), model_folders["clip"])


@pytest.fixture
def own_settings(model_folders: dict[str, Path], tmp_path: Path) -> Settings:
    """The same for one test, that may change what there is."""
    return fill(tmp_path, model_folders["clip"])


def fill(base: Path, model: Path) -> Settings:
    """An index that was filled with a model in a folder of its own, a while after it came."""
    copied = shutil.copytree(model, base / "clip")
    (base / "photos").mkdir()
    paint(base / "photos" / "red.png", (255, 0, 0))
    settings = load_settings(url=str(base / "index"), model=str(copied), isolate=False)
    let_time_pass(copied)
    for _ in range(2):  # the first makes the index
        to_sync(settings).run()
    return settings


def let_time_pass(folder: Path) -> None:
    """Until the stamps of the files in it are old enough to be believed."""
    youngest = max(file.stat().st_ctime for file in folder.iterdir())
    while time.time() < youngest + 2.1:
        time.sleep(0.05)


def to_sync(settings: Settings) -> SyncJob:
    photos = Path(settings.url).parent / "photos"
    options = SyncOptions(show_progress=False)
    return SyncJob([RootSettings(source=str(photos))], settings, options=options)


def choose(settings: Settings) -> Encoder:
    with open_store(settings) as engine:
        return choose_encoder(find_live(engine, settings.collection), settings)


def run(settings: Settings, *lines: str) -> str:
    given = {"URL": settings.url, "MODEL": settings.model, "ISOLATE": "false"}
    environment = os.environ | {f"DIPTYCH_{name}": value for name, value in given.items()}
    program = [sys.executable, "-c", PROGRAM, *lines]
    done = subprocess.run(
        program, env=environment, check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_nothing_to_do_loads_no_torch_and_something_does(own_settings: Settings) -> None:
    photos = Path(own_settings.url).parent / "photos"
    idle = [f"{command} {photos}" for command in ("sync", "sync --plan", "ingest")]
    assert run(own_settings, *idle, "verify", "status") == "torch False"
    paint(photos / "green.png", (0, 255, 0))
    assert run(own_settings, f"sync {photos}") == "torch True"
    with open_store(own_settings) as engine:
        assert engine.count("diptych").count == 2


def test_the_space_is_the_recorded_one_and_the_vectors_are_the_models(settings: Settings) -> None:
    lazy = choose(settings)
    assert isinstance(lazy, LazyEncoder)
    assert lazy.rows == 0
    shutil.rmtree(Path(settings.url) / "ledger")
    loaded = choose(settings)
    assert not isinstance(loaded, LazyEncoder)
    assert lazy.space == loaded.space
    assert lazy.token_spans("two dogs") == loaded.token_spans("two dogs")
    assert lazy.workers == loaded.workers  # type: ignore[attr-defined]
    assert isinstance(choose(settings), LazyEncoder)


def test_other_weights_under_the_same_size_and_time_are_noticed(own_settings: Settings) -> None:
    weights = Path(own_settings.model) / "model.safetensors"
    was = weights.stat()
    content = bytearray(weights.read_bytes())
    content[-2] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=(was.st_atime_ns, was.st_mtime_ns))
    with pytest.raises(SpaceMismatch, match="revision"):
        to_sync(own_settings).run()
    let_time_pass(weights.parent)  # what was loaded then is kept, and is not the collection's
    for _ in range(2):
        with pytest.raises(SpaceMismatch, match="revision"):
            to_sync(own_settings).run()


def test_weights_that_came_a_moment_ago_are_not_believed_again(own_settings: Settings) -> None:
    new = Path(own_settings.model) / "README.md"
    new.write_text("a new file")
    os.utime(new, (time.time() + 3600,) * 2)  # a moment ago, however long loading takes
    assert not isinstance(choose(own_settings), LazyEncoder)
    assert not isinstance(choose(own_settings), LazyEncoder)
    os.utime(new, (time.time() - 3600,) * 2)
    let_time_pass(Path(own_settings.model))
    assert not isinstance(choose(own_settings), LazyEncoder)
    assert isinstance(choose(own_settings), LazyEncoder)


@pytest.mark.parametrize("package", ["torch", "pillow"])
def test_another_version_of_a_package_is_noticed(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    assert package in PACKAGES
    info = tmp_path / "newer" / f"{package}-999.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 999.0\n")
    choose(settings)
    assert isinstance(choose(settings), LazyEncoder)
    monkeypatch.syspath_prepend(str(info.parent))
    assert not isinstance(choose(settings), LazyEncoder)


@pytest.mark.parametrize("change", [{"dtype": "float16"}, {"backend": "onnx"}, {"revision": "?"}])
def test_another_request_is_not_answered_by_the_last(
    settings: Settings, change: dict[str, str]
) -> None:
    from ingest.encoders.known_space import EncoderRequest, KnownSpaces

    choose(settings)
    spaces = KnownSpaces(Path(settings.url) / "ledger")
    asked = {"revision": None, "backend": None, "dtype": None}
    fixed = {"model": settings.model, "threads": 1, "check": True}
    assert spaces.find(EncoderRequest(**fixed, **asked)) is not None  # type: ignore[arg-type]
    assert spaces.find(EncoderRequest(**fixed, **{**asked, **change})) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"grounds": 1}'])
def test_a_damaged_note_costs_a_load(settings: Settings, damage: str) -> None:
    (note,) = (Path(settings.url) / "ledger").glob("encoder-*.json")
    note.write_text(damage)
    assert not isinstance(choose(settings), LazyEncoder)
    assert isinstance(choose(settings), LazyEncoder)


def test_a_model_that_is_another_after_all_is_refused_before_any_write(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    for name in ("red", "blue"):
        paint(rig.folder / f"{name}.png", (255, 0, 0) if name == "red" else (0, 0, 255))
    rig.sync()
    before, metadata = read_points(rig.memory), rig.memory.read_metadata("diptych")
    (rig.folder / "blue.png").rename(rig.folder / "azure.png")  # needs no encoding
    (rig.folder / "red.png").unlink()
    other = LegibleEncoder("another-1")
    lazy = LazyEncoder(LegibleEncoder().space, lambda: other)
    options = SyncOptions(show_progress=False, allow_mass_delete=True)
    sync = SyncJob([RootSettings(source=str(rig.folder))], rig.settings(), options=options)
    with pytest.raises(SpaceMismatch, match="legible-1 has changed"):
        sync.run(engine=rig.memory, encoder=lazy)
    ingest = IngestJob(FolderSource.open(rig.folder), rig.settings(), show_progress=False)
    with pytest.raises(SpaceMismatch, match="legible-1 has changed"):
        ingest.run(engine=rig.memory, encoder=lazy)
    assert read_points(rig.memory) == before
    assert rig.memory.read_metadata("diptych") == metadata
    assert other.encoded_images == other.encoded_texts == 0
    rig.close()


def test_a_lazy_encoder_loads_once_and_tries_again_what_failed() -> None:
    loads: list[LegibleEncoder] = []

    def load() -> LegibleEncoder:
        loads.append(LegibleEncoder())
        if len(loads) == 1:
            raise ModelUnavailable("a disk is not mounted")
        return loads[-1]

    lazy = LazyEncoder(LegibleEncoder().space, load, on_gpu=True)
    assert (lazy.workers, loads) == (1, [])
    with pytest.raises(ModelUnavailable, match="mounted"):
        lazy.confirm()
    assert lazy.token_spans("a red cat") == [(0, 1), (2, 5), (6, 9)]
    lazy.confirm()
    assert len(loads) == 2


def test_notes_of_models_long_gone_do_not_pile_up(own_settings: Settings) -> None:
    folder = Path(own_settings.url) / "ledger"
    for number in range(40):
        note = folder / f"encoder-{number:016}.json"
        note.write_text("{}")
        os.utime(note, (number, number))
    for note in folder.glob("encoder-*.json"):
        if note.stat().st_mtime > 40:
            note.unlink()
    choose(own_settings)
    assert len(list(folder.glob("encoder-*.json"))) == MOST_KEPT
    assert isinstance(choose(own_settings), LazyEncoder)
