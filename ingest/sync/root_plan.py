"""What a synchronisation would do with one root; reads only what stamps do not settle."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingest.comparison import check_modality, find_difference, read_content, to_version
from ingest.dead_letters import DeadLetters
from ingest.ledger.ledger import RootState
from ingest.ledger.rows import is_set_aside
from ingest.plan import read_root
from ingest.refresh import check_rival, to_other_kind
from ingest.sources.uris import to_source_uri
from ingest.sync.selection import Selection
from ingest.sync.sweep import check_sweep, take_twin
from schemas.errors import MassDeleteRefused, SourceError, UnsupportedModality
from schemas.sync_plan import PlanAction, PlanEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ingest.fingerprint import Fingerprints, Version
    from ingest.ledger.rows import Deaths
    from ingest.plan import Known
    from ingest.sources.source import Source
    from ingest.sync.session import Session, SyncOptions
    from schemas.records import Record
    from schemas.report import Failure
    from schemas.settings import Settings

_Decision = tuple[PlanAction, str]


@dataclass(slots=True)
class RootMemory:
    """What earlier runs left of a root; nothing for one that is new.

    Attributes:
        known: What the collection holds, by URI.
        stamps: Stamp of each indexed item.
        failed: Stamp and failure of each item that failed.
        deaths: The items with which the process died.
        letters: What failed in any root.
        state: Of the root as a whole.
        is_same_place: Whether root and pipeline are what they were, so that stamps mean something.
    """

    known: Mapping[str, Known] = field(default_factory=dict)
    stamps: dict[str, str | None] = field(default_factory=dict)
    failed: Mapping[str, tuple[str | None, Failure]] = field(default_factory=dict)
    deaths: Mapping[str, Deaths] = field(default_factory=dict)
    letters: DeadLetters = field(default_factory=DeadLetters)
    state: RootState = field(default_factory=RootState)
    is_same_place: bool = False


def read_memory(source: Source, session: Session) -> RootMemory:
    """From the ledger where that agrees with the collection, else from the payloads.

    Raises:
        SettingsError: The root's name stands for another place that is still there, or for another
            kind of source.
        StoreUnavailable: The store did not answer.
    """
    ledger, name = session.ledger, source.name
    prefix = to_source_uri(name, "", source.scheme)
    stamps = ledger.read_stamps(prefix)
    known: Mapping[str, Known] = ledger
    if name in session.agreed:
        has_others = ledger.has_others(name, prefix)
    else:
        known = read_root(session.engine, session.collection.name, name)
        has_others = any(not uri.startswith(prefix) for uri in known)
        stamps = {uri: stamps.get(uri) if ledger.get(uri) == known[uri] else None for uri in known}
    if has_others:
        raise to_other_kind(source)
    state = ledger.read_root(name)
    is_same_place = state.context == session.to_context(source)
    first = min(stamps, default=None)
    if first is not None and not is_same_place:
        check_rival(source, first, known[first].location)
    return RootMemory(
        known=known,
        stamps=stamps,
        failed=ledger.read_failed(prefix),
        deaths=ledger.read_deaths(prefix),
        letters=session.letters,
        state=state,
        is_same_place=is_same_place,
    )


class RootPlan:
    """Plans one root. For one pass: :meth:`list_items`, :meth:`find_moved`, :meth:`to_entries`.

    Args:
        source: The root.
        memory: What earlier runs left.
        fingerprints: Of the pipeline.
        settings: Limits.
        options: What the run would be asked for.

    Attributes:
        added: How many items of each content hash would be added and excuse none that vanished yet.
        refusal: Why the sweep would be refused.
    """

    def __init__(
        self,
        source: Source,
        memory: RootMemory,
        fingerprints: Fingerprints,
        settings: Settings,
        options: SyncOptions,
    ) -> None:
        """Nothing is listed yet."""
        self._source = source
        self._memory = memory
        self._fingerprints = fingerprints
        self._settings = settings
        self._options = options
        self._decisions: dict[str, _Decision] = {}
        self._vanished: list[str] = []
        self._moved: set[str] = set()
        self._listed = 0
        self._new: dict[str, str] = {}
        self.added: Counter[str] = Counter()
        self._unclaimed: defaultdict[str, deque[str]] = defaultdict(deque)
        self.refusal: MassDeleteRefused | None = None

    def list_items(self) -> None:
        """Decide on everything that is listed.

        Raises:
            SourceUnavailable: The source went away.
            SettingsError: It cannot be listed as asked for.
        """
        memory = self._memory
        believes = memory.is_same_place and not self._options.checksum
        selection = Selection(
            dict(memory.stamps),
            memory.failed,
            memory.deaths,
            memory.letters,
            believes_stamps=believes,
        )
        for item in selection.iter_changed(self._iter_listed()):
            self._decisions[item.source_uri] = self._decide(item)
        self._add_held_back(selection)
        self._vanished, self._listed = selection.to_vanished(), selection.listed
        self.added = Counter(self._new.values())
        for uri, content_hash in self._new.items():
            self._unclaimed[content_hash].append(uri)

    def find_moved(self, plans: Sequence[RootPlan]) -> None:
        """Which vanished items are among those that plans add; each of these excuses one."""
        for uri in (uri for uri in self._vanished if uri not in self._moved):
            for plan in plans:
                same_bytes = take_twin(self._memory.known[uri].versions, plan.added)
                if same_bytes is not None:
                    self._moved.add(uri)
                    plan.claim(same_bytes, uri)
                    break

    def claim(self, content_hash: str, origin: str) -> None:
        """An item that would be added has moved here."""
        reason = f"moved from {origin} (same bytes)"
        self._decisions[self._unclaimed[content_hash].popleft()] = (PlanAction.MOVE, reason)

    def to_entries(self) -> list[PlanEntry]:
        """One entry an item, in the order of the listing; what vanished comes last."""
        for uri in self._vanished:
            if uri not in self._moved:
                self._decisions[uri] = (PlanAction.DELETE, "gone from its source")
        self._check_sweep()
        name = self._source.name
        return [
            PlanEntry(action, name, uri, reason)
            for uri, (action, reason) in self._decisions.items()
        ]

    def _iter_listed(self) -> Iterator[Record | SourceError]:
        """The listing; what is not decided otherwise is unchanged."""
        for item in self._source.iter_records():
            self._decisions[item.source_uri] = (PlanAction.UNCHANGED, "")
            yield item

    def _decide(self, item: Record | SourceError) -> _Decision:
        if isinstance(item, SourceError):
            return PlanAction.FAIL, f"cannot be read: {item.reason}"
        try:
            check_modality(item, self._fingerprints.space)
            content = read_content(self._source, item, self._settings.max_source_bytes)
        except UnsupportedModality as error:
            return PlanAction.FAIL, str(error)
        except SourceError as error:
            return PlanAction.FAIL, f"cannot be read: {error.reason}"
        return self._compare(item, to_version(item, content, self._fingerprints))

    def _compare(self, record: Record, version: Version) -> _Decision:
        uri = record.source_uri
        known = self._memory.known.get(uri)
        difference = None
        if known is not None:
            difference = find_difference(known, record, self._fingerprints, version)
        if known is not None and difference is None:
            return PlanAction.UNCHANGED, ""
        failure = self._find_failure(uri)
        decision = self._decide_failed(failure, version) if failure else None
        if known is None and (decision is None or decision[0] is PlanAction.RETRY):
            self._new[uri] = version.content_hash
        if decision is not None:
            return decision
        return (PlanAction.UPDATE, difference.reason) if difference else (PlanAction.ADD, "new")

    def _find_failure(self, uri: str) -> Failure | None:
        _, failure = self._memory.failed.get(uri, (None, None))
        return failure or self._memory.letters.failures.get(uri)

    def _decide_failed(self, failure: Failure, version: Version) -> _Decision:
        letters = self._memory.letters
        if letters.retry:
            return PlanAction.RETRY, "asked for by --retry-failed"
        if is_set_aside(failure):
            return PlanAction.RETRY, "left alone for long enough, or changed"
        if letters.find_final(failure.source_uri, version) is not None:
            return _to_failed_again(failure)
        if (failure.content_hash, failure.fingerprint) == version:
            return PlanAction.RETRY, f"failed before, and may not any more: {failure.kind}"
        return PlanAction.RETRY, "failed before and changed since"

    def _add_held_back(self, selection: Selection) -> None:
        for record, failure in selection.failed_again:
            self._decisions[record.source_uri] = _to_failed_again(failure)
        for record in selection.suspects:
            self._decisions[record.source_uri] = self._decide(record)
        for record in selection.quarantined:
            reason = "the process died with it time and again: it is left alone for some runs"
            self._decisions[record.source_uri] = (PlanAction.FAIL, reason)

    def _check_sweep(self) -> None:
        """As the run would."""
        if self._options.allow_mass_delete:
            return
        try:
            check_sweep(
                self._source,
                self._memory.state.mount_point,
                lost=len(self._vanished) - len(self._moved),
                known=len(self._memory.stamps),
                listed=self._listed,
                share=self._settings.max_delete_share,
            )
        except MassDeleteRefused as refusal:
            self.refusal = refusal


def _to_failed_again(failure: Failure) -> _Decision:
    return PlanAction.FAIL, f"failed before and has not changed since: {failure.kind}"


def to_all_entries(plans: Sequence[RootPlan]) -> list[PlanEntry]:
    """The entries of all roots, once it is known which of their items moved.

    What one adds excuses first what vanished from it, then what did from others.
    """
    for plan in plans:
        plan.find_moved([plan])
    for plan in plans:
        plan.find_moved(plans)
    return [entry for plan in plans for entry in plan.to_entries()]
