"""A DAG for Apache Airflow 3 that runs ``diptych sync`` every hour.

Airflow is no dependency of Diptych and not in its test environment, where it would weigh more than
Diptych itself: there the file is compiled, and its command is read by Diptych's own command line.
"""

from __future__ import annotations

import logging
import subprocess
from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

COMMAND = ["diptych", "sync", "--log-format", "json", "--report", "/var/lib/diptych/last.json"]
FOLDER = "/etc/diptych"
"""Where ``diptych.toml`` is."""

ITEMS_FAILED, UNAVAILABLE, ALREADY_RUNNING = 3, 69, 75


@dag(
    schedule="17 * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # a run makes all equal: those that were missed are not made up for
    max_active_runs=1,
)
def diptych_sync() -> None:
    """Make the collection equal to its sources."""

    @task(retries=3, retry_delay=timedelta(minutes=5), retry_exponential_backoff=True)
    def sync() -> int:
        """Run the command, and tell Airflow what its exit status means."""
        code = subprocess.run(COMMAND, cwd=FOLDER, check=False).returncode
        if code == ITEMS_FAILED:
            logging.getLogger(__name__).warning("some items failed: see the report")
        elif code == ALREADY_RUNNING:
            raise AirflowSkipException("another run is under way")
        elif code == UNAVAILABLE:
            raise AirflowException("the server or a root did not answer")  # tried again
        elif code:
            raise AirflowFailException(f"diptych sync ended with {code}: this waits for a person")
        return code

    sync()


diptych_sync()
