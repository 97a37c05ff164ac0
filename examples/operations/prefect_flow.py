"""A flow for Prefect 3 that runs ``diptych sync`` every hour: ``python prefect_flow.py``.

Prefect is no dependency of Diptych and not in its test environment, where it would bring a web
server and a database: there the file is compiled, and its command is read by Diptych's own command
line.
"""

import subprocess

from prefect import flow, get_run_logger, task
from prefect.states import Cancelled, Completed, Failed, State

COMMAND = ["diptych", "sync", "--log-format", "json", "--report", "/var/lib/diptych/last.json"]
FOLDER = "/etc/diptych"
"""Where ``diptych.toml`` is."""

ITEMS_FAILED, UNAVAILABLE, ALREADY_RUNNING = 3, 69, 75


class Unavailable(Exception):
    """The server or a root did not answer, which is tried again."""


@task(retries=3, retry_delay_seconds=300)
def sync() -> int:
    """Run the command; only what may pass by itself is raised, and so tried again."""
    code = subprocess.run(COMMAND, cwd=FOLDER, check=False).returncode
    if code == UNAVAILABLE:
        raise Unavailable
    return code


@flow(name="diptych-sync")
def diptych_sync() -> State:
    """Make the collection equal to its sources, and tell Prefect what the exit status means."""
    code = sync()
    if code == ALREADY_RUNNING:
        return Cancelled(message="another run is under way")
    if code == ITEMS_FAILED:
        get_run_logger().warning("some items failed: see the report")
    elif code:
        return Failed(message=f"diptych sync ended with {code}: this waits for a person")
    return Completed(message=f"exit status {code}")


if __name__ == "__main__":
    diptych_sync.serve(name="hourly", cron="17 * * * *")
