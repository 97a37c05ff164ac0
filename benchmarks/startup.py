"""How long the command line takes to say something, and what it loads on the way.

Run ``python benchmarks/startup.py``. Each command is a fresh process; the machine's own cost of
starting Python is printed beside it. Medians of interleaved repeats.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

REPEATS = 9
HEAVY = (
    "torch",
    "sentence_transformers",
    "transformers",
    "onnxruntime",
    "qdrant_client",
    "numpy",
    "PIL",
)
REPOSITORY = Path(__file__).resolve().parent.parent
FRONT_DOOR = "import diptych; diptych.main()"


def main() -> None:
    """Print a row a command: median and range of wall milliseconds, heavy modules loaded."""
    with tempfile.TemporaryDirectory() as folder:
        _prepare_index(Path(folder))
        commands = {
            "python -c pass": ["-c", "pass"],
            "diptych --help": ["-c", FRONT_DOOR, "--help"],
            "import schemas.records": ["-c", "import schemas.records"],
            "import search.searcher": ["-c", "import search.searcher"],
            "diptych search TEXT (hinge, cold)": ["-c", FRONT_DOOR, "search", "a lighthouse"],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(REPEATS):
            for name, arguments in commands.items():
                seconds[name].append(_time(arguments, folder))
        print(f"{'command':<36}{'median ms':>10}{'min':>7}{'max':>7}  heavy modules")
        for name, arguments in commands.items():
            row = [1000 * value for value in seconds[name]]
            loaded = ", ".join(_loaded(arguments, folder)) or "none"
            print(f"{name:<36}{median(row):>10.0f}{min(row):>7.0f}{max(row):>7.0f}  {loaded}")


def _prepare_index(folder: Path) -> None:
    """A small embedded index, so that the search has something to open; fills the model cache."""
    (folder / "notes").mkdir()
    (folder / "notes" / "lighthouse.txt").write_text("A lighthouse on a rock.", encoding="utf-8")
    _run(["-c", FRONT_DOOR, "ingest", "notes"], folder)
    _run(["-c", FRONT_DOOR, "search", "a lighthouse"], folder)


def _time(arguments: list[str], folder: str) -> float:
    start = perf_counter()
    _run(arguments, folder)
    return perf_counter() - start


def _loaded(arguments: list[str], folder: str) -> list[str]:
    """The heavy modules in ``sys.modules`` at the end of the command."""
    report = "import atexit, sys; atexit.register(lambda: print("
    report += f"[m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)); "
    done = _run(["-c", report + arguments[1], *arguments[2:]], folder)
    last = done.stderr.strip().splitlines()[-1]
    return [name for name in HEAVY if repr(name) in last]


def _run(arguments: list[str], folder: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**_environment(), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )


def _environment() -> dict[str, str]:
    import os

    return {name: value for name, value in os.environ.items() if not name.startswith("DIPTYCH_URL")}


if __name__ == "__main__":
    main()
