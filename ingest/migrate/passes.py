"""Fill a generation: pass after pass over the roots, until nothing has changed meanwhile."""

from __future__ import annotations

import json
import logging
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from ingest.migrate.removed_roots import drop_other_failures, drop_other_roots
from ingest.sync.job import sync_roots
from ingest.sync.roots import read_roots, to_likely_name
from schemas.errors import MassDeleteRefused, MigrationRefused, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingest.store.collections import ConcreteCollection
    from ingest.sync.session import Session
    from schemas.report import RunReport
    from schemas.settings import RootSettings
    from schemas.sync_report import RootProblem

MOST_PASSES = 5
"""Passes over the roots; what changes after the last of them is found by the next
synchronisation."""

_DONE = (
    "added",
    "updated",
    "deleted",
    "moved",
    "moved_out",
    "moved_in",
    "images",
    "texts",
    "tokens",
)
"""Counts of what was done, as opposed to what is there."""

_LOG = logging.getLogger(__name__)


def build(session: Session, live: ConcreteCollection, *, allow_missing: bool) -> list[RunReport]:
    """Fill the session's generation from the roots of the live one.

    Args:
        session: On the new generation.
        live: Whose remembered roots are gone through.
        allow_missing: Whether to go on without a root, or items of it, that are gone.

    Returns:
        A report a root: the counts of the first pass with what the others added to them.

    Raises:
        MigrationRefused: A root cannot be gone through.
        SettingsError: The live generation knows no roots.
        StoreUnavailable: The store went away for longer than retries last.
    """
    total: list[RunReport] = []
    for number in range(1, MOST_PASSES + 1):
        remembered = _read_remembered(session, live)
        roots = _choose_roots(remembered, session.settings.roots)
        session.covered.clear()
        reports, problems = sync_roots(roots, session)
        if problems and not allow_missing:
            raise MigrationRefused(_to_refusal(problems[0]))
        total = join(total, reports)
        if session.stopping.is_set():
            break
        if remembered or not problems:
            drop_other_roots(session, remembered.keys() or {one.root for one in reports})
        if not problems:
            drop_other_failures(session)
        has_same_roots = _read_remembered(session, live) == remembered
        if has_same_roots and not any(map(_has_changed, reports)):
            break
        _LOG.info("pass %d over the roots found changes; looking once more", number)
    return total


def _read_remembered(session: Session, live: ConcreteCollection) -> dict[str, RootSettings]:
    """The live generation's roots as they are now: one may be removed during the build.

    Raises:
        SettingsError: There are none, in the settings neither.
    """
    remembered = read_roots(session.engine.read_metadata(live.name))
    if not remembered and not session.settings.roots:
        raise SettingsError(
            f"{live.name} does not know what it was filled from: run diptych sync SOURCE first"
        )
    return remembered


def _choose_roots(
    remembered: Mapping[str, RootSettings], configured: Sequence[RootSettings]
) -> list[RootSettings]:
    """The roots of the live generation, each from where the settings say, if they do."""
    if not remembered:
        return list(configured)
    by_name = {to_likely_name(root): root for root in configured}
    return [by_name.get(name, root) for name, root in remembered.items()]


def _to_refusal(problem: RootProblem) -> str:
    name = shlex.quote(problem.root)
    if problem.kind == MassDeleteRefused.__name__:
        return (
            f"{problem.message} (that is diptych sync's: what it removes from the live generation "
            "may go from this one as well); or go on without what vanished with --allow-missing"
        )
    return (
        f"the root {problem.root!r} cannot be gone through: {problem.message}; the live generation "
        "stays as it is. Mount it or wait for it, or name its new place in [[roots]] with "
        f"name = {json.dumps(problem.root)}, and run the same command again; or remove it with "
        f"diptych forget {name}; or go on without it with --allow-missing"
    )


def _has_changed(report: RunReport) -> bool:
    counts = report.counts
    return bool(counts.added or counts.updated or counts.deleted)


def join(before: Sequence[RunReport], now: Sequence[RunReport]) -> list[RunReport]:
    """Reports of one root as one: what was done is added up, what is there is as it is now."""
    earlier = {report.root: report for report in before}
    joined = []
    for report in now:
        if (old := earlier.get(report.root)) is None:
            joined.append(report)
            continue
        sums = {name: getattr(old.counts, name) + getattr(report.counts, name) for name in _DONE}
        counts = replace(report.counts, **sums)
        unchanged = max(0, counts.scanned - counts.failed - counts.added - counts.updated)
        joined.append(replace(report, counts=replace(counts, unchanged=unchanged)))
    return joined
