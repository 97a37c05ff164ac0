"""What two passes over one root did together, each item counted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.outcome import Action, Tally

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from ingest.sync.root_pass import RootPass

_ITEMS = frozenset({"scanned", *(str(action) for action in Action)})
"""Sums over items; all others are of work done, and add up."""


def add_up(first: RootPass, second: RootPass, *, is_whole: bool) -> Tally:
    """The tally of both.

    Args:
        first: To the end of the root.
        second: After it.
        is_whole: Whether it came to the end as well: then its listing is what was scanned, else
            that of the first pass is.
    """
    if is_whole:
        return _add_up(second, first.tally, first.changed, gone=second.unseen, is_later=False)
    return _add_up(first, second.tally, second.changed, gone=frozenset(), is_later=True)


def _add_up(
    base: RootPass,
    more: Tally,
    changed: Mapping[str, Action],
    *,
    gone: Container[str],
    is_later: bool,
) -> Tally:
    total = Tally(base.tally.sums.copy(), list(base.tally.failures))
    for name, number in more.sums.items():
        if name not in _ITEMS:
            total.sums[name] += number
    for uri, action in changed.items():
        if uri in gone:
            continue
        seen = base.changed.get(uri)
        earlier, later = (seen, action) if is_later else (action, seen)
        _recount(total, seen, _join(earlier, later))
    if is_later:
        failed = {one.source_uri for one in base.tally.failures}
        total.failures += [one for one in more.failures if one.source_uri not in failed]
    return total


def _join(earlier: Action | None, later: Action | None) -> Action:
    """Which way an item took in all; None is for an unchanged one."""
    if later is Action.FAILED:
        return later
    if earlier in {None, Action.FAILED}:
        return later or Action.UNCHANGED
    return earlier or Action.UNCHANGED


def _recount(total: Tally, counted: Action | None, action: Action) -> None:
    """Count an item, that is counted another way or not at all, this way."""
    known = counted or Action.UNCHANGED
    if known is action:
        return
    if total.sums[known] > 0:
        total.sums[known] -= 1
    else:
        total.sums["scanned"] += 1
    total.sums[action] += 1
