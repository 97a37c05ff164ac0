"""A tutorial: from two sets of features to a search engine for a domain of your own.

Run ``python -m examples.bridge`` in a checkout whose environment has ``diptych[train,evaluate]``.
It takes a few minutes and downloads nothing. The domain is charts, drawn on the spot by
``examples/charts.py``; put your own pairs in their place. Everything is under ``--folder``, which
is ``build/bridge/``. What each step means is in ``docs/bridge.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from examples.charts import make_charts
from examples.demo import PHOTOGRAPHS

if TYPE_CHECKING:
    from ingest.encoders.bridge.examples import Examples

CHECKOUT = Path(__file__).resolve().parent.parent
QUERY = "a bar chart of eight red bars, rising, on a white background"
TOP_K = 10


def main() -> int:
    """Draw the domain, map it by hand, train a bridge, index with it, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--charts", type=int, default=300, help="pairs to learn from")
    parser.add_argument("--questions", type=int, default=200, help="pairs to ask about")
    parser.add_argument("--folder", type=Path, default=CHECKOUT / "build" / "bridge")
    chosen = parser.parse_args()
    built: Path = chosen.folder
    shutil.rmtree(built, ignore_errors=True)

    _say(f"1. A domain: {chosen.charts} charts to learn from, {chosen.questions} to ask about")
    pairs = make_charts(built / "learn", part=slice(chosen.charts))
    questions = make_charts(
        built / "ask", part=slice(chosen.charts, chosen.charts + chosen.questions)
    )
    print(pairs.read_text(encoding="utf-8").splitlines()[0])

    _say("2. Two feature sets, two mapping networks, cosine, the first ten")
    map_by_hand(pairs, questions)

    _say("3. The same as a model: a folder that every command takes")
    bridge, general = built / "charts-bridge", _write_general(built / "general")
    _diptych(
        *("bridge", "train", "--pairs", str(pairs), "--output", str(bridge)),
        *("--test-pairs", str(questions), "--general", str(general)),
    )

    _say("4. The charts that it never saw, indexed by the model as it was and by the bridge")
    for name, model in (("before", "hinge"), ("after", str(bridge))):
        arguments = [] if model == "hinge" else ["--model", model]
        _diptych("ingest", str(built / "ask"), "--url", str(built / name), *arguments)

    _say("5. One question, before and after")
    for name in ("before", "after"):
        url = str(built / name)
        _diptych("search", QUERY, "--target", "image", "--top-k", "5", "--url", url)

    _say("6. All questions, before and after")
    for name in ("before", "after"):
        report = built / f"{name}.json"
        _diptych(
            *("evaluate", "--pairs", str(questions), "--url", str(built / name)),
            *("--direction", "text->image", "--json", str(report)),
        )
    _say(f"Your own: diptych bridge train --pairs PAIRS --output FOLDER; the card is {bridge}")
    return 0


def map_by_hand(pairs: Path, questions: Path) -> None:
    """Train two small networks on two sets of features, and search with numpy.

    This is all that a bridge is. The features may be anybody's: what matters is that row ``i`` of
    the one belongs to row ``i`` of the other.
    """
    from ingest.encoders.bridge.recipe import MapKind, Recipe
    from ingest.encoders.bridge.training import train

    everything, asked = describe(pairs), describe(questions)
    kept = len(everything) * 4 // 5
    examples = everything.take(range(kept))
    validation = everything.take(range(kept, len(everything)))
    recipe = Recipe(image_map=MapKind.MLP, text_map=MapKind.MLP, epochs=20)
    print(
        f"image features {examples.images.features.shape}, "
        f"text features {examples.texts.features.shape}"
    )
    trained = train(examples, validation, recipe)
    images = trained.images.apply(asked.images)  # (n, d), unit rows
    texts = trained.texts.apply(asked.texts)  # (m, d), unit rows
    cosines = texts @ images.T
    first = cosines.argsort(axis=1)[:, ::-1][:, :TOP_K]
    found = [row in asked.owned[nearest, 0] for row, nearest in enumerate(first)]
    share = f"{sum(found) / len(found):.0%}"
    print(f"a right chart is among the first {TOP_K} of {len(images)} for {share} of the texts")


def describe(pairs: Path) -> Examples:
    """What the frozen hinge says of images and of their texts."""
    import numpy as np
    from PIL import Image

    from ingest.encoders.bridge.backbone import open_backbone
    from ingest.encoders.bridge.described import Described
    from ingest.encoders.bridge.examples import Examples
    from ingest.encoders.catalogue import HINGE_MODEL_ID
    from schemas.space import Role

    lines = [json.loads(line) for line in pairs.read_text(encoding="utf-8").splitlines()]
    backbone = open_backbone(HINGE_MODEL_ID)
    images = [
        backbone.describe_images([Image.open(pairs.parent / line["image"]).convert("RGB")])
        for line in lines
    ]
    texts = sorted({line["text"] for line in lines})
    owned = np.array([[texts.index(line["text"])] for line in lines])
    return Examples(
        Described.concatenate(images), backbone.describe_texts(texts, Role.DOCUMENT), owned
    )


def _write_general(folder: Path) -> Path:
    """Pairs from outside the domain, of which little may be forgotten: the demo's photographs."""
    folder.mkdir(parents=True)
    lines = []
    with as_file(files("skimage") / "data") as shipped:
        for name, (title, _) in PHOTOGRAPHS.items():
            shutil.copyfile(shipped / name, folder / name)
            words = Path(title).stem.replace("-", " ")
            lines.append(json.dumps({"image": name, "text": f"a photograph: {words}"}) + "\n")
    pairs = folder / "pairs.jsonl"
    pairs.write_text("".join(lines), encoding="utf-8")
    return pairs


def _diptych(*arguments: str) -> None:
    """Print a command and run it; the tutorial ends where a command fails."""
    print(f"\n$ diptych {shlex.join(arguments)}", flush=True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("DIPTYCH_") or name == "DIPTYCH_CACHE_DIR"
    }
    command = [sys.executable, "-m", "diptych", *arguments]
    status = subprocess.run(command, check=False, env=environment).returncode
    if status:
        sys.exit(status)


def _say(line: str) -> None:
    print(f"\n== {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
