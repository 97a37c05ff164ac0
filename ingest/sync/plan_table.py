"""A plan for people."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from schemas.sync_plan import PlanAction

if TYPE_CHECKING:
    from schemas.sync_plan import PlanEntry, SyncPlan

SHOWN_ENTRIES = 20
"""Entries listed at the end; all of them are in the JSON."""


def to_plan_table(plan: SyncPlan) -> str:
    """How many items would take which way and why, and the first that are not unchanged."""
    lines = [
        f"index      {plan.url}, collection {plan.collection}",
        f"model      {plan.model_id}",
        f"planned in {plan.seconds:.1f} s; nothing has been done",
        "",
    ]
    counts = Counter((one.root, one.action, _to_kind(one)) for one in plan.entries)
    lines += [
        f"{count:>9,}  {action:<10}{root}{f': {reason}' if reason else ''}"
        for (root, action, reason), count in counts.items()
    ]
    changing = [one for one in plan.entries if one.action is not PlanAction.UNCHANGED]
    lines += [f"  {one.action} {one.source_uri}: {one.reason}" for one in changing[:SHOWN_ENTRIES]]
    if len(changing) > SHOWN_ENTRIES:
        lines.append(f"  ... and {len(changing) - SHOWN_ENTRIES:,} more")
    lines += map(str, plan.problems)
    return "\n".join(lines)


def _to_kind(entry: PlanEntry) -> str:
    """Its reason without what that says of a single item."""
    if entry.action is PlanAction.MOVE:
        return "moved from another place (same bytes)"
    return entry.reason.partition(":")[0]
