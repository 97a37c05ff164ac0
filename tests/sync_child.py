"""One synchronisation in a process of its own, for tests that kill it.

``python -m tests.sync_child BASE``: synchronises ``BASE/photos`` into the embedded index
``BASE/index`` (or the server of ``DIPTYCH_URL``, over REST) with legible vectors, its state in
``BASE/state`` (or ``DIPTYCH_STATE_DIR``), ``PAUSE_SECONDS`` an encoder call. Prints ``go``
when everything is imported, and a line of JSON at the end: the exit code, how many items were
encoded and removed, and kinds of failures.
"""

from __future__ import annotations

import json
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.store.connect import connect
from ingest.sync.job import SyncJob
from ingest.sync.session import SyncOptions
from ingest.telemetry.publish import Outlets, run_published
from schemas.errors import DiptychError
from schemas.settings import RootSettings, load_settings
from tests.sync_rig import CountingEncoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.space import Role, Vectors

PAUSE_SECONDS = float(os.environ.get("PAUSE_SECONDS", "0.004"))
"""A pass takes so long, as a real one would: the process must be caught in the middle."""


class SlowEncoder(CountingEncoder):
    """Takes its time, so that there is a middle."""

    def encode_images(self, images: Sequence[Any]) -> Vectors:
        time.sleep(PAUSE_SECONDS)
        return super().encode_images(images)

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        time.sleep(PAUSE_SECONDS)
        return super().encode_texts(texts, role)


def main(base: Path, outlets: Outlets | None = None) -> None:
    """Run once."""
    url = os.environ.get("DIPTYCH_URL", str(base / "index"))
    connect(":memory:").close()  # imports what a run needs
    settings = load_settings(
        url=url,
        state_dir=os.environ.get("DIPTYCH_STATE_DIR", base / "state"),
        isolate=False,
        batch_size=2,
        chunk_overlap_tokens=2,
        prefer_grpc=False,
        timeout_seconds=2,
    )
    encoder = SlowEncoder()
    options = SyncOptions(show_progress=False, allow_mass_delete=True)
    job = SyncJob([RootSettings(source=str(base / "photos"))], settings, options=options)
    print("go", flush=True)  # noqa: T201 - the parent waits for it
    try:
        run = partial(job.run, encoder=encoder)
        report = run_published(run, settings, outlets or Outlets())
    except DiptychError as error:
        print(json.dumps({"exit": error.exit_code, "error": str(error)}), flush=True)  # noqa: T201
        sys.exit(error.exit_code)
    answer = {
        "exit": report.exit_code,
        "encoded": encoder.encoded,
        "deleted": report.counts.deleted,
        "failures": [one.kind for root in report.roots for one in root.failures],
        "problems": [one.kind for one in report.problems],
    }
    print(json.dumps(answer), flush=True)  # noqa: T201 - likewise


if __name__ == "__main__":
    main(Path(sys.argv[1]))
