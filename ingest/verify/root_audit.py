"""One root: what it lists, compared with the collection and the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.assembly import to_fingerprints
from ingest.comparison import Aspect, check_modality, find_difference, read_content, to_version
from ingest.sources.uris import to_source_uri
from ingest.sync.selection import Unlisted
from schemas.audit import Finding, FindingKind
from schemas.errors import SourceError, SourceUnavailable, UnsupportedModality

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ingest.fingerprint import Version
    from ingest.plan import Known
    from ingest.sources.source import Source
    from ingest.sync.session import Session
    from schemas.records import Record


class RootAudit:
    """Compares one root with what is indexed of it. For one pass.

    Args:
        source: The root.
        session: Ledger, pipeline, settings.
        known: What the collection holds under the root's name, by URI.
        damaged: Items of which a point is known to be bad: they have their finding.

    Attributes:
        items: How many items were listed.
    """

    def __init__(
        self, source: Source, session: Session, known: Mapping[str, Known], damaged: set[str]
    ) -> None:
        """Nothing is listed yet."""
        self._source = source
        self._session = session
        self._ledger = session.ledger
        self._prefix = to_source_uri(source.name, "", source.scheme)
        self._known = known
        self._fingerprints = to_fingerprints(session.settings, session.encoder.space)
        self._failed = self._ledger.read_failed(self._prefix).keys() | session.letters.failures
        self._stamps = self._ledger.read_stamps(self._prefix)
        self._found = set(damaged)
        self._unseen = {uri for uri in known if uri.startswith(self._prefix)}
        self._unlisted = Unlisted()
        self._trusts_stamps = self._may_trust_stamps()
        self.items = 0

    def iter_findings(self) -> Iterator[Finding]:
        """Everything about this root, in the order of the listing; what vanished comes last."""
        try:
            yield from self._iter_listed()
        except SourceUnavailable as error:
            yield to_unreachable(self._prefix, self._source.location, str(error))
            return
        if self._session.stopping.is_set():
            return
        yield from self._iter_orphaned()
        yield from self._iter_unledgered()

    def _may_trust_stamps(self) -> bool:
        if self._session.options.checksum:
            return False
        state = self._ledger.read_root(self._source.name)
        return state.context == self._session.to_context(self._source)

    def _iter_listed(self) -> Iterator[Finding]:
        for item in self._source.iter_records():
            if self._session.stopping.is_set():
                return
            self.items += 1
            self._unseen.discard(item.source_uri)
            if isinstance(item, SourceError):
                self._unlisted.add(item)
            # A folder that cannot be listed is news every time: nothing is known of what it holds.
            is_known = item.source_uri in self._failed and not item.source_uri.endswith("/")
            if is_known or item.source_uri in self._found:
                continue
            finding = self._look_at(item)
            if finding is not None:
                self._found.add(item.source_uri)
                yield finding

    def _look_at(self, item: Record | SourceError) -> Finding | None:
        uri = item.source_uri
        if isinstance(item, SourceError):
            return to_unreachable(uri, "", item.reason)
        known = self._known.get(uri)
        try:
            check_modality(item, self._fingerprints.space)
            content = None if self._is_settled(item, known) else self._hash(item)
        except UnsupportedModality as error:
            return Finding(FindingKind.MISSING, uri, item.location, str(error))
        except SourceError as error:
            return to_unreachable(uri, item.location, error.reason)
        if known is None:
            return Finding(FindingKind.MISSING, uri, item.location, "it has no points")
        difference = find_difference(known, item, self._fingerprints, content)
        if difference is None:
            return None
        is_missing = difference.aspect is Aspect.POINTS
        kind = FindingKind.MISSING if is_missing else FindingKind.STALE
        return Finding(kind, uri, item.location, difference.reason)

    def _is_settled(self, record: Record, known: Known | None) -> bool:
        """Whether its stamp says that its bytes are those of its points."""
        if known is None or record.stamp is None or not self._trusts_stamps:
            return False
        is_same = self._stamps.get(record.source_uri) == record.stamp
        return is_same and self._ledger.get(record.source_uri) == known

    def _hash(self, record: Record) -> Version:
        content = read_content(self._source, record, self._session.settings.max_source_bytes)
        return to_version(record, content, self._fingerprints)

    def _iter_orphaned(self) -> Iterator[Finding]:
        for uri in sorted(self._unseen - self._found):
            if not self._unlisted.may_hide(uri):
                self._found.add(uri)
                location = self._known[uri].location
                yield Finding(FindingKind.ORPHANED, uri, location, "its root does not list it")

    def _iter_unledgered(self) -> Iterator[Finding]:
        """Where nothing else is wrong: what is, explains why the two disagree."""
        if self._source.name not in self._session.agreed:
            return
        indexed = {uri for uri in self._known if uri.startswith(self._prefix)}
        for uri in sorted((indexed | self._stamps.keys()) - self._found):
            row, known = self._ledger.get(uri), self._known.get(uri)
            one = known or row
            if one is not None and row != known:
                yield Finding(FindingKind.UNLEDGERED, uri, one.location, _to_message(row, known))


def to_unreachable(uri: str, location: str, reason: str) -> Finding:
    """The finding of what cannot be read."""
    return Finding(FindingKind.UNREACHABLE, uri, location, f"cannot be read: {reason}")


def _to_message(row: Known | None, known: Known | None) -> str:
    if row is None:
        return "the collection holds it, and the ledger does not know it"
    if known is None:
        return "the ledger knows points of it that are not there"
    return "the ledger does not say of it what the collection says"
