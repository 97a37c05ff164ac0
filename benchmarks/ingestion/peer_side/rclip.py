"""rclip: indexing one directory into a new database, as its command does at every start."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rclip import db
from rclip.main import RClip
from rclip.model import Model
from rclip.utils import helpers

from benchmarks.ingestion.peer_side.serve import serve

if TYPE_CHECKING:
    from benchmarks.ingestion.peer_side.serve import Rows


def main() -> None:
    """Serve; ``RCLIP_DATADIR`` holds the model."""
    model = Model()
    model.ensure_downloaded()
    batch_size = helpers.init_arg_parser().parse_args(["a query"]).indexing_batch_size

    def embed(folder: str) -> Rows:
        with tempfile.TemporaryDirectory() as scratch:
            database = db.DB(Path(scratch, "db.sqlite3"))
            indexer = RClip(model, database, batch_size, exclude_dirs=None)
            indexer.ensure_index(folder)
            found = {
                row["filepath"]: row["vector"]
                for row in database.get_image_vectors_by_dir_path(folder)
            }
            indexer.close()
            database.close()
        return [np.frombuffer(found[path], np.float32) for path in sorted(found)]

    serve(embed)


if __name__ == "__main__":
    main()
