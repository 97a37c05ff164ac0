"""Fill a generation: pass after pass over the roots, until nothing has changed meanwhile."""

from __future__ import annotations

import json
import logging
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from ingest.sync.job import sync_roots
from ingest.sync.roots import read_roots, to_likely_name
from schemas.errors import MigrationRefused, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.store.collections import ConcreteCollection
    from ingest.sync.session import Session
    from schemas.report import RunReport
    from schemas.settings import RootSettings, Settings
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


def build(session: Session, live: ConcreteCollection, *, force: bool) -> list[RunReport]:
    """Fill the session's generation from the roots of the live one.

    Args:
        session: On the new generation.
        live: Whose remembered roots are gone through.
        force: Whether to go on where a root cannot be.

    Returns:
        A report a root: the counts of the first pass with what the others added to them.

    Raises:
        MigrationRefused: A root cannot be gone through.
        SettingsError: The live generation knows no roots.
        StoreUnavailable: The store went away for longer than retries last.
    """
    roots = _choose_roots(live, session.settings)
    if not roots:
        raise SettingsError(
            f"{live.name} does not know what it was filled from: run diptych sync SOURCE first"
        )
    total: list[RunReport] = []
    for number in range(1, MOST_PASSES + 1):
        reports, problems = sync_roots(roots, session)
        if problems and not force:
            raise MigrationRefused(_to_refusal(problems[0]))
        total = join(total, reports)
        if session.stopping.is_set() or not any(map(_has_changed, reports)):
            break
        _LOG.info("pass %d over the roots found changes; looking once more", number)
    return total


def _choose_roots(live: ConcreteCollection, settings: Settings) -> list[RootSettings]:
    """The roots of the live generation, each from where the settings say, if they do."""
    remembered = read_roots(live.metadata)
    if not remembered:
        return list(settings.roots)
    configured = {to_likely_name(root): root for root in settings.roots}
    return [configured.get(name, root) for name, root in remembered.items()]


def _to_refusal(problem: RootProblem) -> str:
    name = shlex.quote(problem.root)
    return (
        f"the root {problem.root!r} cannot be gone through: {problem.message}; the live generation "
        "stays as it is. Mount it or wait for it, or name its new place in [[roots]] with "
        f"name = {json.dumps(problem.root)}, and run the same command again; or remove it with "
        f"diptych forget {name}; or go on without it with --force"
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
