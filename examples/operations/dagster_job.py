"""An asset and a schedule for Dagster that run ``diptych sync`` every hour.

Dagster is no dependency of Diptych and not in its test environment, where it would bring some
fifty packages: there the file is compiled, and its command is read by Diptych's own command line.
"""

import json
import subprocess
from pathlib import Path

import dagster as dg

REPORT = "/var/lib/diptych/last.json"
COMMAND = ["diptych", "sync", "--log-format", "json", "--report", "/var/lib/diptych/last.json"]
FOLDER = "/etc/diptych"
"""Where ``diptych.toml`` is."""

ITEMS_FAILED, UNAVAILABLE, ALREADY_RUNNING = 3, 69, 75


@dg.asset
def diptych_collection(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The collection, equal to its sources."""
    code = subprocess.run(COMMAND, cwd=FOLDER, check=False).returncode
    if code == ALREADY_RUNNING:
        context.log.info("another run is under way")
        return dg.MaterializeResult(metadata={"exit_code": code})
    if code == UNAVAILABLE:
        raise dg.RetryRequested(max_retries=3, seconds_to_wait=300)
    if code == ITEMS_FAILED:
        context.log.warning("some items failed: see the report")
    elif code:
        raise dg.Failure(
            f"diptych sync ended with {code}: this waits for a person", allow_retries=False
        )
    counts = json.loads(Path(REPORT).read_text(encoding="utf-8"))["counts"]
    return dg.MaterializeResult(metadata={"exit_code": code, **counts})


every_hour = dg.ScheduleDefinition(
    name="diptych_sync", target=[diptych_collection], cron_schedule="17 * * * *"
)
defs = dg.Definitions(assets=[diptych_collection], schedules=[every_hour])
