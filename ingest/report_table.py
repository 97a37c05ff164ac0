"""The report of a run for people: what happened, where the time went, what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.bottleneck import to_advice, to_shares

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.report import Counts, RunReport

SHOWN_FAILURES = 20
"""Failures listed at the end of the table; all of them are in the dead-letter file."""

SHOWN_KINDS = 8
"""Kinds of files passed over that are named."""


def to_table(report: RunReport) -> str:
    """The report, a line a fact."""
    lines = [f"{label:<10} {value}" for label, value in _iter_facts(report)]
    lines += _to_time_lines(report)
    lines += report.notes
    if report.interrupted:
        lines.append("interrupted: run the same command again to go on")
    return "\n".join(lines + to_failure_lines(report))


def _iter_facts(report: RunReport) -> list[tuple[str, str]]:
    from ingest.sources.uris import to_printable

    counts = report.counts
    facts = [
        ("root", f"{report.root} ({to_printable(report.location)})"),
        ("index", f"{report.url}, collection {report.collection}"),
        ("model", f"{report.model_id} ({report.fingerprint.removeprefix('blake3:')[:12]})"),
        ("scanned", f"{counts.scanned:,} items"),
        ("added", f"{counts.added:,}"),
        ("updated", f"{counts.updated:,}"),
        ("unchanged", f"{counts.unchanged:,}"),
        ("failed", f"{counts.failed:,}"),
        ("written", _to_written(counts)),
    ]
    if counts.reused:
        facts.append(("reused", f"{counts.reused:,} items have the bytes of others"))
    if counts.figures_left_out:
        facts.append(("left out", f"{counts.figures_left_out:,} figures that cannot be read"))
    if report.skipped:
        facts.append(("passed over", to_skipped(report.skipped)))
    return [*facts, ("took", f"{report.seconds['total']:.1f} s")]


def _to_written(counts: Counts) -> str:
    written = f"{counts.images:,} image and {counts.texts:,} text points"
    if not counts.tokens:
        return written
    return f"{written} ({counts.tokens:,} tokens, {counts.tokens_cut:,} cut)"


def to_skipped(skipped: Mapping[str, int]) -> str:
    """The kinds passed over, the most frequent first."""
    most = sorted(skipped.items(), key=lambda kind: (-kind[1], kind[0]))
    named = ", ".join(f"{count:,} {kind}" for kind, count in most[:SHOWN_KINDS])
    rest = sum(count for _, count in most[SHOWN_KINDS:])
    return f"{named}, {rest:,} others" if rest else named


def _to_time_lines(report: RunReport) -> list[str]:
    """The bottleneck table, when something was encoded."""
    if not (report.counts.images or report.counts.texts):
        return []
    lines = [f"{'stage':<10}{'threads':>8}{'seconds':>10}{'share':>8}{'busy':>8}"]
    lines += [
        f"{row.stage:<10}{row.threads:>8}{row.seconds:>10.1f}{row.share:>8.0%}{row.busy:>8.0%}"
        for row in to_shares(report)
    ]
    return [*lines, to_advice(report)]


def to_failure_lines(report: RunReport) -> list[str]:
    """The failures, a line each, the first of them."""
    from ingest.sources.uris import to_printable

    shown = report.failures[:SHOWN_FAILURES]
    lines = [
        f"  {one.kind}: {to_printable(one.location or one.source_uri)}: {one.message}"
        for one in shown
    ]
    if len(report.failures) > len(shown):
        lines.append(f"  ... and {len(report.failures) - len(shown):,} more")
    return lines
