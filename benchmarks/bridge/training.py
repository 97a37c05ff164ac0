"""How long a bridge trains and how much memory that takes, from features that lie in memory.

Run ``python -m benchmarks.bridge.training``. The pairs are made up, but not noise: images and texts
are two views of one hidden vector, as in any bridge, so that training goes on as long as it does on
real ones. A tenth of the images is held out for validation. Every recipe is trained in a process of
its own, whose peak of resident memory is reported; the features themselves are in it. On a machine
that does other things too, the seconds of CPU say what an idle one would take.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import numpy as np

from ingest.encoders.bridge.described import Described
from ingest.encoders.bridge.examples import Examples
from ingest.encoders.bridge.recipe import MapKind, Objective, Recipe
from ingest.encoders.bridge.training import train

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

RECIPES: Mapping[str, Recipe] = {
    "infonce, linear": Recipe(),
    "infonce, residual": Recipe(image_map=MapKind.RESIDUAL),
    "infonce, mlp": Recipe(image_map=MapKind.MLP),
    "infonce, linear on both sides": Recipe(text_map=MapKind.LINEAR),
    "infonce, linear, 5 hard negatives": Recipe(hard_negatives=5),
    "triplet, linear": Recipe(objective=Objective.TRIPLET),
    "ridge, chosen on validation": Recipe(objective=Objective.RIDGE),
    "cca, chosen on validation": Recipe(objective=Objective.CCA, text_map=MapKind.LINEAR),
}

HIDDEN = 128
TEXTS = 3
FEATURES = 2048
DIMENSION = 384


def make_examples(count: int) -> Examples:
    """Images of 2,048 features and three texts of 384 each, all of one hidden vector."""
    generator = np.random.default_rng(0)
    hidden = generator.standard_normal((count, HIDDEN), dtype=np.float32)
    seen = hidden @ generator.standard_normal((HIDDEN, FEATURES), dtype=np.float32)
    seen += 60 * generator.standard_normal(seen.shape, dtype=np.float32)
    mixing = generator.standard_normal((HIDDEN, DIMENSION), dtype=np.float32)
    said = np.repeat(hidden, TEXTS, axis=0) @ mixing
    said += 30 * generator.standard_normal(said.shape, dtype=np.float32)
    said /= np.linalg.norm(said, axis=1, keepdims=True)
    owned = np.arange(count * TEXTS).reshape(count, TEXTS)
    return Examples(Described(np.maximum(seen, 0)), Described(said, said), owned)


def measure(name: str, count: int) -> None:
    """Train one recipe here and print its row."""
    examples = make_examples(count)
    rows = np.random.default_rng(1).permutation(count)
    validation, training = examples.take(rows[: count // 10]), examples.take(rows[count // 10 :])
    del examples
    started, busy = perf_counter(), process_time()
    trained = train(training, validation, RECIPES[name])
    seconds, busy = perf_counter() - started, process_time() - busy
    reached = trained.epochs[trained.best - 1].recall if trained.epochs else float("nan")
    print(
        f"{name:36} {seconds:8.1f} {busy:8.1f} {read_peak_memory() / 2**30:8.2f} "
        f"{trained.best:6}/{len(trained.epochs):<6} {reached:8.3f}"
    )


def read_peak_memory() -> int:
    """Bytes of resident memory that this process had at most."""
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123
        (mark,) = (line.split()[1] for line in status if line.startswith("VmHWM:"))
    return int(mark) * 1024


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every recipe, or the one that is named, in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10_000, help="images, of three texts each")
    parser.add_argument("--only", choices=RECIPES, help="one recipe, in this process")
    chosen = parser.parse_args(arguments)
    if chosen.only:
        measure(chosen.only, chosen.pairs)
        return
    times = f"{'seconds':>8} {'CPU':>8}"
    print(f"{'recipe':36} {times} {'peak GiB':>8} {'best/epochs':>13} {'recall@10':>9}")
    for name in RECIPES:
        command = [sys.executable, "-m", "benchmarks.bridge.training", "--only", name]
        subprocess.run([*command, "--pairs", str(chosen.pairs)], check=True)


if __name__ == "__main__":
    main()
