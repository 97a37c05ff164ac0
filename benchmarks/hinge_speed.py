"""How long each hinge takes over an image, side by side.

Run ``python -m benchmarks.hinge_speed``: an image of 640 x 480 pixels goes through every hinge that
Diptych has, in an order drawn anew each round, on one thread. What differs is the bridge: the
network before it is the same.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from PIL import Image

from ingest.encoders.catalogue import HINGE_MODELS
from ingest.encoders.hinge.encoder import HingeEncoder

SIZE = (480, 640, 3)


def main() -> None:
    """Print the median and the ratio of each, beside the oldest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=400)
    chosen = parser.parse_args()
    random = np.random.default_rng(0)
    image = Image.fromarray(random.integers(0, 256, SIZE, dtype=np.uint8))
    encoders = {model: HingeEncoder(model=model) for model in HINGE_MODELS}
    for encoder in encoders.values():
        encoder.encode_images([image])
    seconds: dict[str, list[float]] = {model: [] for model in encoders}
    for _ in range(chosen.rounds):
        for model in random.permutation(list(encoders)):
            start = time.perf_counter()
            encoders[model].encode_images([image])
            seconds[model].append(time.perf_counter() - start)
    oldest = HINGE_MODELS[-1]
    for model, spent in seconds.items():
        median = np.median(spent)
        ratio = median / np.median(seconds[oldest])
        print(f"{model}: {1e3 * median:.2f} ms an image, {ratio:.3f} of {oldest}")


if __name__ == "__main__":
    main()
