"""What a run did as a text file for Prometheus, which node_exporter's textfile collector reads.

A file belongs to one collection. Everything is a gauge, since a process that ends counts nothing
on; what a run does not know is kept from the file before it.
"""

from __future__ import annotations

from collections import Counter as Tally
from datetime import datetime
from typing import TYPE_CHECKING

from ingest.durable import replacing
from ingest.sync.report_file import to_outcome
from schemas.errors import MassDeleteRefused, SettingsError, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from prometheus_client import CollectorRegistry, Gauge

    from schemas.sync_report import SyncReport

SUFFIX = ".prom"
"""node_exporter reads no other files."""

LAST_SUCCESS = "diptych_last_success_timestamp_seconds"
POINTS = "diptych_points"

_ACTIONS = ("added", "updated", "unchanged", "failed", "deleted", "moved")


def check_metrics_path(path: Path) -> None:
    """Refuse a name that no collector would read.

    Raises:
        SettingsError: The name does not end in ``.prom``.
    """
    if path.suffix != SUFFIX:
        raise SettingsError(
            f"--metrics {path}: node_exporter reads only files that end in {SUFFIX}; name it so"
        )


def write_metrics(path: Path, report: SyncReport, collection: str) -> None:
    """Replace a file by the metrics of a run, whole or not at all.

    Args:
        path: Of the file, which ends in ``.prom``; its folder is there.
        report: Of the run. A run is a success when it went through all its roots: single items
            may have failed, which is its own metric. After any other the time of the last success
            is that of the file before.
        collection: Name that stays over migrations; the label of everything.

    Raises:
        StoreError: The file cannot be written.
    """
    text = to_metrics(report, collection, kept=read_kept(path))
    try:
        with replacing(path) as stream:
            stream.write(text)
    except OSError as error:
        raise StoreError(
            f"the metrics cannot be written to {path} ({error.strerror or error}); "
            f"{to_outcome(report)}: make room, or name another file with --metrics"
        ) from error


def read_kept(path: Path) -> dict[str, float]:
    """What a run that does not know it takes over from an earlier file: value by metric.

    A file that is missing or not whole gives nothing.
    """
    from prometheus_client.parser import text_string_to_metric_families

    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, IndexError):  # the parser's, on what is no such file
        return {}
    samples = [sample for family in families for sample in family.samples]
    return {one.name: one.value for one in samples if one.name in {LAST_SUCCESS, POINTS}}


def to_metrics(report: SyncReport, collection: str, *, kept: dict[str, float]) -> str:
    """The text of the file.

    Args:
        report: Of the run.
        collection: The label of everything.
        kept: See :func:`read_kept`.
    """
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    gauges = _Gauges(registry, _clean(collection))
    _set_run(gauges, report, kept)
    _set_roots(gauges, report)
    return generate_latest(registry).decode("utf-8")


class _Gauges:
    """Makes gauges in the order of their first use."""

    def __init__(self, registry: CollectorRegistry, collection: str) -> None:
        self._registry = registry
        self._collection = collection
        self._made: dict[str, Gauge] = {}

    def set(self, name: str, value: float | None, text: str, **labels: str) -> None:
        """Set one; nothing for None."""
        if value is None:
            return
        from prometheus_client import Gauge

        if name not in self._made:
            names = ("collection", *labels)
            self._made[name] = Gauge(f"diptych_{name}", text, names, registry=self._registry)
        values = {label: _clean(given) for label, given in labels.items()}
        self._made[name].labels(collection=self._collection, **values).set(value)


def _set_run(gauges: _Gauges, report: SyncReport, kept: dict[str, float]) -> None:
    finished = datetime.fromisoformat(report.finished_at).timestamp()
    is_success = not report.problems and not report.is_interrupted
    points = kept.get(POINTS) if report.points is None else report.points
    for name, value, text in (
        (
            "last_success_timestamp_seconds",
            finished if is_success else kept.get(LAST_SUCCESS),
            "When a run last went through all roots.",
        ),
        ("last_run_timestamp_seconds", finished, "When the last run ended."),
        ("last_run_duration_seconds", report.seconds, "How long it took."),
        ("last_run_exit_code", report.exit_code, "Its exit status."),
        ("last_run_interrupted", report.is_interrupted, "Whether it was stopped before its end."),
        ("last_run_ledger_rebuilt", report.rebuilt, "Whether the ledger was read anew."),
        ("points", points, "Points in the collection when they were last counted."),
    ):
        gauges.set(name, value, text)
    gauges.set(
        "last_run_info",
        1,
        "What ran.",
        command=report.command,
        generation=report.collection,
        model=report.model_id,
    )


def _set_roots(gauges: _Gauges, report: SyncReport) -> None:
    for root in report.roots:
        name, counts = root.root, root.counts
        for action in _ACTIONS:
            value = getattr(counts, action)
            gauges.set("last_run_items", value, "Items by action.", root=name, action=action)
        encoded = max(counts.added + counts.updated - counts.reused, 0)
        gauges.set("last_run_items_encoded", encoded, "Items that were encoded.", root=name)
        for modality, value in (("image", counts.images), ("text", counts.texts)):
            text = "Points written."
            gauges.set("last_run_points_written", value, text, root=name, modality=modality)
        for kind, number in Tally(failure.kind for failure in root.failures).items():
            gauges.set("last_run_failures", number, "Failed items.", root=name, kind=kind)
    _set_problems(gauges, report, [root.root for root in report.roots])


def _set_problems(gauges: _Gauges, report: SyncReport, roots: Sequence[str]) -> None:
    kinds = Tally((problem.root, problem.kind) for problem in report.problems)
    for (root, kind), number in kinds.items():
        gauges.set("last_run_problems", number, "Roots not gone through.", root=root, kind=kind)
    for root in dict.fromkeys([*roots, *(root for root, _ in kinds)]):
        refused = kinds[root, MassDeleteRefused.__name__]
        text = "Whether a mass delete was refused."
        gauges.set("last_run_mass_delete_refused", refused, text, root=root)


def _clean(value: str) -> str:
    """Names of files may hold bytes that are no UTF-8, which Python keeps as lone surrogates."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8")
