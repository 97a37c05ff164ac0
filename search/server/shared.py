"""What the processes of a server have in common."""

from __future__ import annotations

from typing import Final

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable of prometheus_client, which it reads when it is imported: the folder where
processes that are asked as one add up."""
