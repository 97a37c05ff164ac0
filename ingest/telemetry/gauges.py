"""Gauges for Prometheus in a text file, which node_exporter's textfile collector reads.

A file belongs to one collection and one command. Everything is a gauge, since a process that ends
counts nothing on; what a run does not know is kept from the file before it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus_client import Gauge
    from prometheus_client.samples import Sample

    from schemas.audit import AuditReport
    from schemas.sync_report import SyncReport

    Kept = dict[tuple[str, ...], float]

SUFFIX = ".prom"
"""node_exporter reads no other files."""

LAST_SUCCESS = "last_success_timestamp_seconds"


def check_metrics_path(path: Path, command: str = "sync") -> None:
    """Refuse a file that no collector would read, or that has the metrics of another command.

    Raises:
        SettingsError: The name does not end in ``.prom``, or the file is another command's.
    """
    if path.suffix != SUFFIX:
        raise SettingsError(
            f"--metrics {path}: node_exporter reads only files that end in {SUFFIX}; name it so"
        )
    for sample in _read_samples(path):
        if (other := sample.labels.get("command", command)) != command:
            raise SettingsError(
                f"--metrics {path}: the file has the metrics of diptych {other}, which would be "
                "lost; give every command a file of its own"
            )


def to_prefix(command: str) -> str:
    """How the metrics of a command begin: no two files may have the same ones."""
    return "diptych_" if command == "sync" else f"diptych_{command}_"


def read_kept(path: Path, command: str) -> Kept:
    """An earlier file, from which a run takes over what it does not know.

    A file that is missing or not whole gives nothing.

    Returns:
        Value by the metric's name without its prefix, and the values of its labels, in the file's
        order, that of the collection left out.
    """
    prefix = to_prefix(command)
    return {
        (one.name.removeprefix(prefix), *_to_others(one.labels)): one.value
        for one in _read_samples(path)
        if one.name.startswith(prefix)
    }


class Gauges:
    """Makes gauges in the order of their first use.

    Args:
        command: Whose they are.
        collection: Name that stays over migrations; the label of everything.
    """

    def __init__(self, command: str, collection: str) -> None:
        """There are none."""
        from prometheus_client import CollectorRegistry

        self._registry = CollectorRegistry()
        self._prefix = to_prefix(command)
        self._collection = _clean(collection)
        self._made: dict[str, Gauge] = {}

    def set(self, name: str, value: float | None, text: str, **labels: str) -> None:
        """Set one; nothing for None."""
        if value is None:
            return
        from prometheus_client import Gauge

        if name not in self._made:
            names = ("collection", *labels)
            self._made[name] = Gauge(self._prefix + name, text, names, registry=self._registry)
        values = {label: _clean(given) for label, given in labels.items()}
        self._made[name].labels(collection=self._collection, **values).set(value)

    def to_text(self) -> str:
        """What the file says."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry).decode("utf-8")


def set_end(
    gauges: Gauges, report: SyncReport | AuditReport, kept: Kept, *, is_success: bool, success: str
) -> None:
    """How a run ended; when one last was a success comes first.

    Args:
        gauges: Are set.
        report: Of the run.
        kept: See :func:`read_kept`.
        is_success: Whether this one was.
        success: What is said of that metric.
    """
    finished = datetime.fromisoformat(report.finished_at).timestamp()
    succeeded = finished if is_success else kept.get((LAST_SUCCESS,))
    gauges.set(LAST_SUCCESS, succeeded, success)
    gauges.set("last_run_timestamp_seconds", finished, "When the last run ended.")
    gauges.set("last_run_duration_seconds", report.seconds, "How long it took.")
    gauges.set("last_run_exit_code", report.exit_code, "Its exit status.")
    interrupted = "Whether it was stopped before its end."
    gauges.set("last_run_interrupted", report.is_interrupted, interrupted)


def set_info(gauges: Gauges, report: SyncReport | AuditReport) -> None:
    """What ran, on what, as labels."""
    gauges.set(
        "last_run_info",
        1,
        "What ran.",
        command=report.command,
        generation=report.collection,
        model=report.model_id,
    )


def _read_samples(path: Path) -> list[Sample]:
    from prometheus_client.parser import text_string_to_metric_families

    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, IndexError):  # the parser's, on what is no such file
        return []
    return [sample for family in families for sample in family.samples]


def _to_others(labels: dict[str, str]) -> list[str]:
    return [value for name, value in labels.items() if name != "collection"]


def _clean(value: str) -> str:
    """Names of files may hold bytes that are no UTF-8, which Python keeps as lone surrogates."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8")
