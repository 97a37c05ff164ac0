"""Roots that a collection is no more filled from are not carried into its next generation."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ingest.store.writer import Writer
from ingest.sync.roots import ROOTS, read_roots
from schemas.collection import other_roots_filter
from schemas.errors import MigrationRefused

if TYPE_CHECKING:
    from collections.abc import Collection

    from ingest.store.collections import ConcreteCollection
    from ingest.store.engine import Engine
    from ingest.sync.session import Session

_LOG = logging.getLogger(__name__)


def drop_other_roots(session: Session, names: Collection[str]) -> int:
    """Remove all but these roots from a generation that is being built, and from its ledger.

    Cut short, it is to be called again.

    Args:
        session: On that generation; each of the roots was gone through, or is known to be wanted.
        names: Of the roots that stay.

    Returns:
        How many points were removed.

    Raises:
        StoreUnavailable: The store stayed away for longer than retries last.
    """
    engine, name = session.engine, session.collection.name
    removed = Writer(engine, name, before_write=session.guard).delete(other_roots_filter(names))
    if removed:
        _LOG.warning("%d points of roots that are not remembered any more are removed", removed)
    session.ledger.keep_roots(names)
    for other in session.agreed.keys() - set(names):
        del session.agreed[other]
    remembered = engine.read_metadata(name).get(ROOTS) or {}
    if remembered.keys() - set(names):
        kept = {root: said for root, said in remembered.items() if root in names}
        engine.update_collection(name, metadata={ROOTS: kept})
    return removed


def drop_other_failures(session: Session) -> None:
    """Forget what failed outside the roots that were gone through to their end: all there are."""
    covered = tuple(session.covered)
    failed = [uri for uri in session.ledger.read_failed("") if not uri.startswith(covered)]
    session.ledger.forget_failures(failed)
    for uri in [uri for uri in session.letters.failures if not uri.startswith(covered)]:
        del session.letters.failures[uri]


def check_roots(engine: Engine, live: ConcreteCollection, building: ConcreteCollection) -> None:
    """Refuse to publish a root that was removed from the live generation since it was built.

    Raises:
        MigrationRefused: There is one; names it.
        StoreUnavailable: The store did not answer.
    """
    wanted = read_roots(engine.read_metadata(live.name))
    built = read_roots(engine.read_metadata(building.name))
    if wanted and (removed := sorted(built.keys() - wanted.keys())):
        raise MigrationRefused(
            f"{removed[0]} was removed from the collection while {building.name} was verified: run "
            "the same command again"
        )
