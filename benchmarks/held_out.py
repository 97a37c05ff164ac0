"""Questions about figures that ``hinge-en-1`` never saw, for ``diptych evaluate``.

Run ``python -m benchmarks.held_out --data FOLDER --out held`` with the corpus it was trained on
(``docs/models/hinge-en-1.md``). ``held/figures.jsonl`` is a table of the held-out figures with
their captions, to be ingested; ``held/descriptions.jsonl`` asks for each by what it shows, and
``held/captions.jsonl`` by its caption. ``docs/quality.md`` has the commands and what they print.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.encoders.hinge.corpus import read_figures

if TYPE_CHECKING:
    from collections.abc import Iterable


def main() -> None:
    """Write the three files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl")
    parser.add_argument("--out", type=Path, required=True, help="folder, made if need be")
    chosen = parser.parse_args()
    figures = [
        one
        for one in read_figures(chosen.data.resolve())
        if one.held_out and one.description and one.caption
    ]
    chosen.out.mkdir(parents=True, exist_ok=True)
    paths = [str(figure.path) for figure in figures]
    tables: dict[str, list[dict[str, str]]] = {
        "figures.jsonl": [
            {"path": path, "caption": one.caption, "collection": one.collection}
            for path, one in zip(paths, figures, strict=True)
        ],
        "descriptions.jsonl": [
            {"image": path, "text": one.description}
            for path, one in zip(paths, figures, strict=True)
        ],
        "captions.jsonl": [
            {"image": path, "text": one.caption} for path, one in zip(paths, figures, strict=True)
        ],
    }
    for name, rows in tables.items():
        write_lines(chosen.out / name, rows)
    print(f"{len(figures)} figures: {', '.join(str(chosen.out / name) for name in tables)}")


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """A JSON object a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
