"""The whole audit: every point of the collection, then every root against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingest.assembly import to_fingerprints
from ingest.sources.uris import to_source_uri
from ingest.sync.roots import open_root, read_roots, to_likely_name
from ingest.verify.points import REMOVED, Scan, scan_points
from ingest.verify.root_audit import RootAudit, to_unreachable
from schemas.audit import Finding, FindingKind
from schemas.errors import SettingsError, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qdrant_client import models

    from ingest.sources.source import Source
    from ingest.sync.session import Session
    from schemas.settings import RootSettings


@dataclass(slots=True)
class Audit:
    """What was found, and what a repair needs to know.

    Attributes:
        findings: Everything.
        removable: Ids of points that are of no use.
        forgotten: Names of roots that points have and nobody remembers.
        roots: Names of those that were compared with their sources.
        items: How many items these listed.
        points: How many points were looked at.
        indexed: Names of all roots that points have.
    """

    findings: list[Finding] = field(default_factory=list)
    removable: list[models.ExtendedPointId] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    roots: list[str] = field(default_factory=list)
    items: int = 0
    points: int = 0
    indexed: frozenset[str] = frozenset()


def audit_roots(roots: Sequence[RootSettings], session: Session) -> Audit:
    """Compare sources, ledger and collection; writes nothing.

    Args:
        roots: Those that are compared. Of others that the collection remembers only the points
            themselves are looked at.
        session: Of the collection.

    Raises:
        StoreUnavailable: The store went away for longer than retries last.
        StoreError: The ledger cannot be read.
    """
    fingerprints = to_fingerprints(session.settings, session.encoder.space)
    scan = scan_points(session.engine, session.collection.name, fingerprints, session.stopping)
    found = Audit(points=scan.points, indexed=frozenset(scan.known))
    found.findings += [one.finding for one in scan.bad]
    found.removable += [one.id for one in scan.bad if one.finding.kind in REMOVED]
    if not scan.is_whole:
        return found
    names = set(read_roots(session.engine.read_metadata(session.collection.name)))
    for root in roots:
        try:
            source = open_root(root, session.settings)
        except (SourceUnavailable, SettingsError) as error:
            uri = to_source_uri(root.name or root.source, "")
            found.findings.append(to_unreachable(uri, root.source, str(error)))
            names.add(to_likely_name(root))
            continue
        names.add(source.name)
        _compare(source, session, scan, found)
    _add_forgotten(scan, names, found)
    return found


def _compare(source: Source, session: Session, scan: Scan, found: Audit) -> None:
    audit = RootAudit(source, session, scan.known.get(source.name, {}), scan.damaged)
    found.findings += audit.iter_findings()
    found.roots.append(source.name)
    found.items += audit.items


def _add_forgotten(scan: Scan, names: set[str], found: Audit) -> None:
    damaged = scan.damaged
    for name in sorted(scan.known.keys() - names):
        found.forgotten.append(name)
        found.findings += [
            Finding(
                FindingKind.ORPHANED,
                uri,
                known.location,
                f"the collection does not remember the root {name!r}",
            )
            for uri, known in sorted(scan.known[name].items())
            if uri not in damaged
        ]
