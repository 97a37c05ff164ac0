"""Progress bars on stderr: drawn on a terminal alone, and not among JSON logs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ingest.logs import is_json

if TYPE_CHECKING:
    from typing import Never

    from tqdm import tqdm


def open_bar(description: str, total: int, unit: str) -> tqdm[Never]:
    """A bar that is closed by ``with``; it draws nothing where nobody watches."""
    from tqdm import tqdm

    is_shown = sys.stderr.isatty() and not is_json()
    return tqdm(desc=description, total=total, unit=unit, disable=not is_shown, dynamic_ncols=True)
