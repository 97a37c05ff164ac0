"""Pairs of a domain that no training of ours saw: the charts of Matplotlib's gallery.

Each example of the gallery is a script that opens with its title and a paragraph on what it shows,
and ends in a figure. ``python -m benchmarks.bridge.chart_pairs --sdist matplotlib-3.11.2.tar.gz
--out charts`` (the source distribution: ``unearth --no-binary --download . matplotlib==3.11.2``, or
by hand from PyPI) runs them one by one, keeps the first figure of each, and writes
``charts/train.jsonl`` with 200 pairs and ``charts/test.jsonl`` with the others. What an example
draws by chance is the same each time. The gallery is under Matplotlib's own, BSD-like licence.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

TRAINING_PAIRS = 200
TIMEOUT_SECONDS = 60.0
LEFT_OUT = frozenset({"animation", "user_interfaces", "event_handling", "widgets"})
"""Folders of the gallery whose examples wait for somebody, or move."""

_RUN = """
import random, runpy, sys
import matplotlib
import numpy as np
random.seed(0)
np.random.seed(0)
default_rng = np.random.default_rng
np.random.default_rng = lambda seed=0: default_rng(seed)
matplotlib.use("Agg")
import matplotlib.pyplot as plt
plt.show = lambda *_, **__: None
runpy.run_path(sys.argv[1], run_name="__main__")
plt.figure(min(plt.get_fignums())).savefig(sys.argv[2], dpi=100)
"""
_RULE = re.compile(r"[=*#-]{3,}\s*")
_ROLE = re.compile(r":[\w:.+-]+:`~?\.?([^`<]*?)\s*(?:<[^`]*>)?`")
_MARKUP = re.compile(r"`{1,2}~?\.?([^`<]*?)\s*(?:<[^`]*>`_{1,2}|`{1,2}_{0,2})")


def main() -> None:
    """Unpack, run, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sdist", type=Path, required=True, help="matplotlib-VERSION.tar.gz")
    parser.add_argument("--out", type=Path, required=True, help="folder, made if need be")
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    scripts = unpack(chosen.sdist, chosen.out / "sources")
    with ThreadPoolExecutor(chosen.workers) as pool:
        drawn = pool.map(lambda script: draw(script, chosen.out), scripts)
        made = [one for one in tqdm(drawn, total=len(scripts), unit="chart") if one]
    random.Random(0).shuffle(made)  # noqa: S311 - a split, not a secret
    parts = {"train": made[:TRAINING_PAIRS], "test": made[TRAINING_PAIRS:]}
    for name, pairs in parts.items():
        lines = "".join(json.dumps(pair) + "\n" for pair in pairs)
        (chosen.out / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    print(
        f"{len(made)} of {len(scripts)} examples drew a chart: {chosen.out}/train.jsonl, test.jsonl"
    )


def unpack(sdist: Path, folder: Path) -> list[Path]:
    """The examples' scripts, in order."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    found = folder.glob("*/galleries/examples/*/*.py")
    return sorted(path for path in found if path.parent.name not in LEFT_OUT)


def draw(script: Path, out: Path) -> dict[str, str | list[str]] | None:
    """Run one example; its pair, or None where it tells nothing or draws nothing in time."""
    texts = to_texts(script.read_text(encoding="utf-8"))
    picture = out / "images" / f"{script.parent.name}-{script.stem}.png"
    picture.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-W", "ignore", "-c", _RUN, script.name, str(picture.resolve())]
    environment = {**os.environ, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    try:
        subprocess.run(
            command,
            cwd=script.parent,
            env=environment,
            timeout=TIMEOUT_SECONDS,
            check=True,
            capture_output=True,
        )
    except subprocess.SubprocessError:
        return None
    return {"image": str(picture.relative_to(out)), "text": texts} if texts else None


def to_texts(source: str) -> list[str]:
    """The title, and the title with the first paragraph below it, without markup."""
    told = ast.get_docstring(ast.parse(source)) or ""
    lines = [line for line in told.split("\n") if not line.startswith("..")]
    kept = "\n".join(line for line in lines if not _RULE.fullmatch(line)).strip()
    title, _, rest = kept.partition("\n")
    paragraph = " ".join(rest.strip().partition("\n\n")[0].split())
    texts = [title, f"{title}. {paragraph}" if paragraph else ""]
    return [plain for text in texts if (plain := to_plain(text))]


def to_plain(text: str) -> str:
    """Words without reStructuredText's roles and quotes."""
    return _MARKUP.sub(r"\1", _ROLE.sub(r"\1", text)).replace("*", "").strip()


if __name__ == "__main__":
    main()
