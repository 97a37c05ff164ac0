"""A forecast and a tuning for people."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ingest.report_table import to_skipped

if TYPE_CHECKING:
    from ingest.tune import Tuning
    from schemas.forecast import Forecast

_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000.0


def to_forecast_table(forecast: Forecast) -> str:
    """What would be done, by kind and size, and how long it would take."""
    lines = [
        f"root       {forecast.root}",
        f"into       {forecast.collection or 'a new collection'}",
        f"{'kind':<34}{'new':>10}{'changed':>10}{'unchanged':>11}{'size':>12}",
    ]
    lines += [
        f"{row.media_type:<34}{row.new:>10,}{row.changed:>10,}{row.unchanged:>11,}"
        f"{to_size(row.todo_bytes):>12}"
        for row in forecast.rows
    ]
    if forecast.unlisted:
        lines.append(f"{forecast.unlisted:,} items cannot be listed; a run says why")
    if forecast.gone:
        lines.append(f"{forecast.gone:,} indexed items are no longer there; ingesting leaves them")
    if forecast.skipped:
        lines.append(f"passed over: {to_skipped(forecast.skipped)}")
    return "\n".join([*lines, _to_estimate(forecast), "Nothing was written."])


def to_tuning_table(tuning: Tuning) -> str:
    """The trials, the quickest first, and how to keep it."""
    if not tuning.trials:
        return "Nothing to tune with: the source lists no item."
    best = tuning.trials[0]
    head = f"{'workers':>8}{'batch size':>12}{'items/s':>12}   ({tuning.sampled} items in memory)"
    rows = [
        f"{trial.workers:>8}{trial.batch_size:>12}{tuning.sampled / trial.seconds:>12.1f}"
        for trial in tuning.trials
    ]
    advice = (
        f"Chosen for this run; to keep it, put into diptych.toml: workers = {best.workers} and "
        f"batch_size = {best.batch_size}"
    )
    return "\n".join([head, *rows, advice])


def to_size(size_bytes: int) -> str:
    """A size in decimal units, e.g. ``1.5 MB``."""
    size, unit = float(size_bytes), 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size, unit = size / _STEP, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


def _to_estimate(forecast: Forecast) -> str:
    if not forecast.todo:
        return "Nothing to do."
    if forecast.estimated_seconds is None:
        return f"{forecast.todo:,} items to do; no time can be told without a readable sample"
    about = timedelta(seconds=max(1, round(forecast.estimated_seconds)))
    return (
        f"{forecast.todo:,} items to do, about {about} (h:mm:ss), by a sample of "
        f"{forecast.sampled} that took {forecast.sample_seconds:.1f} s, the model loaded"
    )
