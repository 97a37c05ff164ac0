"""What all roots of one synchronisation have in common."""

from __future__ import annotations

import json
import logging
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from ingest.assembly import to_fingerprints
from ingest.dead_letters import DeadLetters, write_dead_letters
from ingest.encoders.lazy import confirm_space
from ingest.ledger.database import LedgerDamaged, set_aside
from ingest.ledger.ledger import Ledger
from ingest.store.connect import to_index_path
from ingest.store.generations import BUILDING, STATE
from ingest.store.words import ensure_words
from ingest.store.write_guard import SYNC_TOKEN, WriteGuard
from ingest.sync.run_lock import only_run
from ingest.sync.state import to_dead_letters_path, to_ledger_path, to_state_dir
from schemas.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event

    from ingest.ledger.ledger import RootState
    from ingest.sources.source import Source
    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from schemas.settings import Settings
    from schemas.space import Encoder

T = TypeVar("T")

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """What a run was asked for beyond the settings.

    Attributes:
        allow_mass_delete: Whether any share of a root may vanish.
        checksum: Whether to hash every file, whatever its stamp says.
        retry_failed: Whether to try again what failed before and has not changed since.
        show_progress: Whether to draw a bar; by default only on a terminal.
        reads_only: Whether the run only looks: nothing is written to the collection, and the
            ledger agrees with it as much as it did.
    """

    allow_mass_delete: bool = False
    checksum: bool = False
    retry_failed: bool = False
    show_progress: bool | None = None
    reads_only: bool = False


@dataclass(slots=True)
class Session:
    """One run on one generation.

    Attributes:
        settings: Limits, policies.
        options: What was asked for.
        engine: The store.
        encoder: Loads its towers when something must be encoded.
        collection: The generation.
        ledger: Of that generation.
        letters: What failed in earlier runs.
        guard: Stands before every write.
        stopping: Set to end the run early but whole.
        letters_path: Where failures are listed; None for nowhere.
        agreed: What the ledger and the collection agree on, by root.
        covered: How the source URIs of roots begin that were gone through to their end.
        rebuilt: Roots whose rows were read anew from the payloads.
        lender: Another generation of the same space, whose vectors may be taken.
        live: The generation that this one is to take the place of: what that has lost as well is
            not lost here. None where it is the live one itself.
    """

    settings: Settings
    options: SyncOptions
    engine: Engine
    encoder: Encoder
    collection: ConcreteCollection
    ledger: Ledger
    letters: DeadLetters
    guard: WriteGuard
    stopping: Event
    letters_path: Path | None = None
    agreed: dict[str, RootState] = field(default_factory=dict)
    covered: set[str] = field(default_factory=set)
    rebuilt: set[str] = field(default_factory=set)
    lender: str | None = None
    live: str | None = None

    def __post_init__(self) -> None:
        """Roots that the ledger may be believed on."""
        token = self.collection.metadata.get(SYNC_TOKEN)
        states = self.ledger.read_roots() if token else {}
        self.agreed = {name: state for name, state in states.items() if state.token == token}

    @property
    def is_embedded(self) -> bool:
        """Whether the index is a folder, and so this process's alone."""
        return to_index_path(self.settings.url) is not None

    def seal(self) -> None:
        """End: everything is flushed, and the ledger agrees with the collection.

        Raises:
            StoreUnavailable: The store went away; the next run reads the collection anew.
        """
        if not self.options.reads_only:
            self.ledger.seal(self.guard.seal(), self.agreed)

    def list_failures(self) -> None:
        """Write the dead-letter file anew from the ledger.

        Raises:
            StoreError: The file cannot be written.
        """
        if self.letters_path is not None and not self.options.reads_only:
            covered = tuple(self.covered)  # of roots not gone through, what was listed stays
            before = self.letters.failures.items()
            failures = {uri: one for uri, one in before if not uri.startswith(covered)}
            failures |= {uri: failure for uri, (_, failure) in self.ledger.read_failed("").items()}
            write_dead_letters(self.letters_path, failures.values())

    def to_context(self, source: Source) -> str:
        """Digest of where a root is and what its items' points depend on besides their bytes."""
        from blake3 import blake3

        made = to_fingerprints(self.settings, self.encoder.space)
        said = [source.location, *made.to_choices()]
        return blake3(json.dumps(said).encode()).hexdigest()


def with_sound_ledger(run: Callable[[], T], settings: Settings, generation: str) -> T:
    """Run something that opens a session; once more where its ledger turns out to be damaged.

    Args:
        run: What to run.
        settings: Where the ledger is.
        generation: Whose it is.
    """
    try:
        return run()
    except LedgerDamaged as error:
        _LOG.warning("%s; it is set aside and made anew", error)
        if (state_dir := to_state_dir(settings)) is not None:
            set_aside(to_ledger_path(state_dir, generation))
        return run()


@contextmanager
def open_session(
    engine: Engine,
    encoder: Encoder,
    collection: ConcreteCollection,
    *,
    settings: Settings,
    options: SyncOptions,
    stopping: Event,
) -> Iterator[Session]:
    """Everything a run on one generation needs, its lock held until the end.

    When the block ends without an error, the ledger is sealed and the dead letters are written.

    Raises:
        LockHeld: Another run is under way, or took over from this one.
        StoreError: The ledger or the dead letters cannot be read or written.
    """
    with ExitStack() as stack:
        state_dir = to_state_dir(settings)
        is_building = collection.metadata.get(STATE) == BUILDING
        generation = collection.name if is_building else None
        letters_path = to_dead_letters_path(state_dir, settings, generation) if state_dir else None
        if state_dir is None:
            state_dir = Path(stack.enter_context(TemporaryDirectory(prefix="diptych-")))
        check = stack.enter_context(
            only_run(engine, collection.name, settings, state_dir, stopping=stopping)
        )
        path = to_ledger_path(state_dir, collection.name)
        ledger = stack.enter_context(closing(Ledger(path)))
        if blamed := ledger.blame():
            _LOG.warning("the last run died with %d items under way; they are tried alone", blamed)
        # What it says may have changed before the lock was ours.
        collection = replace(collection, metadata=engine.read_metadata(collection.name))
        token = collection.metadata.get(SYNC_TOKEN)
        if not options.reads_only:
            ensure_words(engine, collection.name)
        session = Session(
            settings=settings,
            options=options,
            engine=engine,
            encoder=encoder,
            collection=collection,
            ledger=ledger,
            letters=DeadLetters.read(letters_path, retry=options.retry_failed),
            guard=WriteGuard(
                engine,
                collection.name,
                check=check,
                token=token,
                confirm=partial(confirm_space, encoder),
            ),
            stopping=stopping,
            letters_path=letters_path,
        )
        try:
            yield session
            session.seal()
        except BaseException:
            with suppress(StoreError):  # what ended the run is the news
                _wind_up(session)
            raise
        _wind_up(session)


def _wind_up(session: Session) -> None:
    session.ledger.withdraw()
    session.list_failures()
