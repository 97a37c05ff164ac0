"""How quickly Diptych ingests, beside the bare model and beside others, on one machine in one run.

    python -m benchmarks.ingestion --part all

Absolute figures are of this machine and of this minute; what counts are the ratios, each of which
compares ways that took turns. Everything is made here: JPEGs from the photographs of the
scikit-image wheel, a CLIP ViT-B/32 of random weights, texts. Peers get virtual environments of
their own below ``--folder`` and the same weights. ``--quick`` proves that everything works, with
counts too small to mean anything.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.ingestion.machine import read_machine, to_sentence
from benchmarks.ingestion.workplace import Workplace

PARTS = ("images", "peers", "texts", "memory", "store")


def main() -> None:
    """Run the parts, print their tables, write the JSON and the plot."""
    chosen = _parse()
    parts = PARTS if chosen.part == "all" else (chosen.part,)
    workplace = _to_workplace(chosen)
    workplace.folder.mkdir(parents=True, exist_ok=True)
    machine = read_machine()
    written: dict[str, list[dict[str, object]]] = _read_parts(chosen.json)
    print(f"{to_sentence(machine)}\n", flush=True)
    for part in parts:
        print(f"{part} ...", file=sys.stderr)
        written[part] = []
        for finding in importlib.import_module(f"benchmarks.ingestion.{part}").run(workplace):
            print(finding.to_markdown(), flush=True)
            written[part].append(finding.to_json())
            _write_json(chosen.json, {"machine": machine, "parts": written})
    if chosen.plot:
        from benchmarks.ingestion.plot import draw

        draw(written, chosen.plot)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingestion", description=__doc__)
    parser.add_argument("--part", choices=(*PARTS, "all"), default="all")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path("build/bench"), help="what is kept")
    parser.add_argument("--texts", type=int, default=3_000, help="captions; a tenth as passages")
    parser.add_argument("--captions", type=Path, help="JSON lines with a field 'caption'")
    parser.add_argument("--backend", help="what runs our encoder: torch, onnx or openvino")
    parser.add_argument("--json", type=Path, default=Path("build/bench/ingestion.json"))
    parser.add_argument("--plot", type=Path, help="where to draw the rates: .svg or .png")
    parser.add_argument("--quick", action="store_true", help="few items, one repeat")
    return parser.parse_args()


def _to_workplace(chosen: argparse.Namespace) -> Workplace:
    # No hub is asked for anything: what is missing is an error at once.
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="true")
    workplace = Workplace(
        chosen.folder.resolve(),
        repeats=chosen.repeats,
        captions=chosen.captions,
        texts=chosen.texts,
        backend=chosen.backend,
    )
    if not chosen.quick:
        return workplace
    return replace(
        workplace,
        small=48,
        large=32,
        repeats=1,
        records=4_000,
        texts=320,
        thumbnails=(200, 1_000),
    )


def _read_parts(file: Path) -> dict[str, list[dict[str, object]]]:
    """What an earlier run left, so that parts may be run one at a time."""
    if not file.exists():
        return {}
    written: dict[str, dict[str, list[dict[str, object]]]] = json.loads(
        file.read_text(encoding="utf-8")
    )
    return written["parts"]


def _write_json(file: Path, content: dict[str, object]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
