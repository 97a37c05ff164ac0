"""Whatever a server does to a synchronisation's requests, the collection equals the sources."""

from __future__ import annotations

import random
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from blake3 import blake3
from PIL import Image

from ingest.encoders.canary import CANARY_TEXTS, to_canary_images
from ingest.store.collections import LEASES
from ingest.store.connect import connect
from ingest.store.retrying import with_retries
from ingest.sync.job import SyncJob
from ingest.sync.session import SyncOptions
from schemas.errors import StoreUnavailable
from schemas.settings import RootSettings, load_settings
from tests.legible import LegibleEncoder
from tests.loopback.faults import Fault, FaultPlan
from tests.loopback.server import Loopback, serving

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from schemas.space import Role, Vectors
    from schemas.sync_report import SyncReport

RATES = {Fault.BUSY: 0.2, Fault.UNAVAILABLE: 0.2, Fault.RESET: 0.2, Fault.LOST: 0.2}
PATIENCE = "ingest.store.patience.Patience.__init__.__defaults__"
ATTEMPTS = 40  # four of five requests fail, so that one in 7,500 fails for good
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (9, 9, 9))
WORDS = ("a red cat", "green", "blue blue red", "a black door", "nothing of this kind")
CANARY_BYTES = frozenset(image.tobytes() for image in to_canary_images())
MAX_RUNS = 20


class CountingEncoder(LegibleEncoder):
    """Counts what it encodes, the canary aside."""

    encoded = 0

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        self.encoded += sum(image.tobytes() not in CANARY_BYTES for image in images)
        return super().encode_images(images)

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        self.encoded += sum(text not in CANARY_TEXTS for text in texts)
        return super().encode_texts(texts, role)


class Folder:
    """A folder of small files, and what a collection of it must hold.

    Every change is counted by the bytes that nobody has seen before: they are what an encoder may
    be asked for.
    """

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        path.mkdir()
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._written = 0
        for number in range(6):
            self._write(f"{number}{('.png', '.txt')[number % 2]}")

    def change(self) -> None:
        """A few files added, changed, renamed and removed."""
        for _ in range(self._random.randint(1, 4)):
            names = sorted(path.name for path in self.path.iterdir())
            name = self._random.choice(names)
            match self._random.choice(["add", "change", "rename", "remove"]):
                case "add":
                    self._write(f"n{self._written}{self._random.choice(['.png', '.txt'])}")
                case "change":
                    self._write(name)
                case "rename":
                    (self.path / name).rename(self.path / f"r{self._written}{name}"[-40:])
                case _ if len(names) > 3:
                    (self.path / name).unlink()

    def _write(self, name: str) -> None:
        self._written += 1
        path = self.path / name
        if name.endswith(".png"):
            # The size makes the bytes unlike all others.
            size = (4 + self._written, 5)
            Image.new("RGB", size, self._random.choice(COLOURS)).save(path)
        else:
            path.write_text(f"{self._random.choice(WORDS)} {self._written}\n", encoding="utf-8")

    def expected(self) -> dict[str, tuple[str, tuple[float, ...]]]:
        """Content hash and vector of each file, by its name."""
        encoder = LegibleEncoder()
        expected = {}
        for path in self.path.iterdir():
            content = path.read_bytes()
            if path.suffix == ".png":
                with Image.open(path) as image:
                    vectors = encoder.encode_images([image.copy()])
            else:
                vectors = encoder.encode_texts([content.decode()], "document")  # type: ignore[arg-type]
            digest = f"blake3:{blake3(content).hexdigest()}"
            expected[path.name] = (digest, to_rounded(vectors[0]))
        return expected


def to_rounded(vector: Any) -> tuple[float, ...]:
    return tuple(np.round(np.asarray(vector, dtype=np.float64), 4).tolist())


def found(server: Loopback) -> dict[str, tuple[str, tuple[float, ...]]]:
    """What the server holds, past all faults."""
    with server.store.lock:
        points, further = server.store.local.scroll("photos", limit=10_000, with_vectors=[""])
    assert further is None
    held = {}
    for point in points:
        assert point.payload is not None
        name = point.payload["source_uri"].rpartition("/")[2]
        assert name not in held
        held[name] = (point.payload["content_hash"], to_rounded(point.vector))
    return held


def sync(server: Loopback, base: Path, encoder: LegibleEncoder) -> SyncReport:
    settings = load_settings(
        url=server.url,
        collection="photos",
        state_dir=base / "state",
        isolate=False,
        chunk_overlap_tokens=2,
        prefer_grpc=False,
        workers=1,
        decode_workers=1,
        timeout_seconds=1,
    )
    options = SyncOptions(show_progress=False, allow_mass_delete=True)
    job = SyncJob([RootSettings(source=str(base / "photos"))], settings, options=options)
    return job.run(encoder=encoder)


def sync_until_done(server: Loopback, base: Path) -> None:
    """Run by run as a scheduler would, until one of them ends well."""
    for _ in range(MAX_RUNS):
        try:
            report = sync(server, base, CountingEncoder())
        except StoreUnavailable:
            continue
        assert report.exit_code == 0, report.problems
        return
    pytest.fail("no run came to its end")


def applied(server: Loopback) -> dict[str, dict[str, int]]:
    """Writes so far by collection; a run takes its lease in a collection apart."""
    return {
        name: dict(counts) for name, counts in server.store.applied_to.items() if name != LEASES
    }


def check_quiet(server: Loopback, base: Path) -> None:
    """A further run, without faults, writes and encodes nothing."""
    plan, server.plan = server.plan, FaultPlan()
    encoder, before = CountingEncoder(), applied(server)
    report = sync(server, base, encoder)
    assert (encoder.encoded, applied(server)) == (0, before)
    assert report.exit_code == 0
    assert not report.rebuilt
    server.plan = plan


def converges(server: Loopback, base: Path, seed: int, rounds: int = 2) -> None:
    folder = Folder(base / "photos", seed)
    for number in range(rounds):
        if number:
            folder.change()
        sync_until_done(server, base)
        assert found(server) == folder.expected()
        check_quiet(server, base)
    assert server.plan.injected.total() > 0


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PATIENCE, (ATTEMPTS, 60.0, 0.002, 0.01))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("seed", range(15))
def test_the_collection_equals_the_folder_after_faults(tmp_path: Path, seed: int) -> None:
    with serving(FaultPlan(RATES, seed=seed)) as server:
        converges(server, tmp_path, seed)
        assert set(server.plan.injected) == set(RATES)


@pytest.mark.usefixtures("quick")
def test_runs_that_fail_are_made_good_by_later_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PATIENCE, (2, 60.0, 0.002, 0.01))
    with serving(FaultPlan({Fault.LOST: 0.1, Fault.RESET: 0.1}, seed=7)) as server:
        converges(server, tmp_path, seed=7)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("at", [3, 24, 40])
def test_an_outage_in_the_middle_is_outlasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setattr(PATIENCE, (ATTEMPTS, 60.0, 0.02, 0.1))
    script: deque[Fault | None] = deque([*[None] * at, Fault.REFUSED])
    with serving(FaultPlan(script=script, refused_seconds=0.5)) as server:
        folder = Folder(tmp_path / "photos", seed=at)
        encoder = CountingEncoder()
        assert sync(server, tmp_path, encoder).exit_code == 0
        assert server.plan.injected == {Fault.REFUSED: 1}
        assert encoder.encoded == 6
        assert found(server) == folder.expected()
        check_quiet(server, tmp_path)


@pytest.mark.usefixtures("quick")
def test_a_server_that_was_rolled_back_is_caught_up_without_encoding_twice(tmp_path: Path) -> None:
    with serving() as server:
        folder = Folder(tmp_path / "photos", seed=1)
        sync_until_done(server, tmp_path)
        snapshot = server.store.snapshot()
        (tmp_path / "photos" / "0.png").unlink()
        (tmp_path / "photos" / "new.txt").write_text("green new\n", encoding="utf-8")
        sync_until_done(server, tmp_path)
        server.store.restore(snapshot)
        encoder = CountingEncoder()
        report = sync(server, tmp_path, encoder)
        assert report.rebuilt
        assert encoder.encoded == 1  # what the server has forgotten
        assert found(server) == folder.expected()
        check_quiet(server, tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_hundred_histories_of_faults_end_without_a_divergence(
    tmp_path: Path,
) -> None:
    for seed in range(100, 200):
        base = tmp_path / str(seed)
        base.mkdir()
        with serving(FaultPlan(RATES, seed=seed)) as server:
            converges(server, base, seed)


@pytest.mark.slow
def test_half_a_minute_without_a_server_is_outlasted(tmp_path: Path) -> None:
    script: deque[Fault | None] = deque([*[None] * 30, Fault.REFUSED])
    with serving(FaultPlan(script=script, refused_seconds=30)) as server:
        folder = Folder(tmp_path / "photos", seed=3)
        assert sync(server, tmp_path, CountingEncoder()).exit_code == 0
        assert server.plan.injected == {Fault.REFUSED: 1}
        assert found(server) == folder.expected()
        check_quiet(server, tmp_path)


def test_a_patient_engine_is_as_good_as_the_settings_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PATIENCE, (ATTEMPTS, 60.0, 0.002, 0.01))
    with (
        serving(FaultPlan(RATES, seed=5)) as server,
        with_retries(_connected(server)) as engine,
    ):
        folder = Folder(tmp_path / "photos", seed=5)
        settings = load_settings(
            url=server.url, collection="photos", state_dir=tmp_path / "state", isolate=False
        )
        roots = [RootSettings(source=str(folder.path))]
        options = SyncOptions(show_progress=False)
        job = SyncJob(roots, settings, options=options)
        assert job.run(engine=engine, encoder=CountingEncoder()).exit_code == 0
        assert found(server) == folder.expected()


def _connected(server: Loopback) -> Any:
    plan, server.plan = server.plan, FaultPlan()
    engine = connect(server.url, prefer_grpc=False, timeout_seconds=1)
    server.plan = plan
    return engine
