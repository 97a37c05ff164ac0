"""The demo: index a small corpus into an embedded index, then search it across modalities.

Run by ``make demo``. Everything goes through the ``diptych`` command as a user would type it; each
command is printed before it runs. What it builds lies under ``build/demo/``.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from search.searcher import Searcher

CHECKOUT = Path(__file__).resolve().parent.parent
BUILT = Path("build", "demo")
CORPUS = BUILT / "corpus"
INDEX = BUILT / "index"
SHEET = BUILT / "sheet.png"
TOP_K = 3

PHOTOGRAPHS = {
    "astronaut.png": ("astronaut.png", "astronauts.md"),
    "brick.png": ("brick-pavement.png", "bricks.md"),
    "camera.png": ("photographer.png", "cameras.md"),
    "chelsea.png": ("cat.png", "cats.md"),
    "clock_motion.png": ("moving-clock.png", "clocks.txt"),
    "coffee.png": ("espresso.png", "coffee.md"),
    "coins.png": ("coins.png", "coins.md"),
    "grass.png": ("grass.png", "grass.md"),
    "gravel.png": ("gravel.png", "gravel.txt"),
    "hubble_deep_field.jpg": ("galaxies.jpg", "galaxies.md"),
    "ihc.png": ("tissue.png", "tissue.md"),
    "moon.png": ("moon.png", "moon.md"),
    "motorcycle_left.png": ("motorcycle.png", "motorcycles.md"),
    "motorcycle_right.png": ("motorcycle-from-the-right.png", "motorcycles.md"),
    "page.png": ("printed-page.png", "printing.md"),
    "retina.jpg": ("retina.jpg", "retina.md"),
    "rocket.jpg": ("rocket.jpg", "rockets.md"),
    "text.png": ("handwriting.png", "handwriting.txt"),
}
"""Photographs in the scikit-image wheel: their name in the corpus, and the document about them."""


class Search(NamedTuple):
    """One search of the demo: words (str) or a photograph (Path), and what is looked for."""

    query: str | Path
    target: str

    @property
    def arguments(self) -> list[str]:
        """The command line behind ``diptych search``."""
        query = ["--image", str(self.query)] if isinstance(self.query, Path) else [self.query]
        return [*query, "--target", self.target]


SEARCHES = {
    "words -> photographs": [
        Search("a cat looking into the camera", "image"),
        Search("a cup of coffee on a wooden table", "image"),
        Search("a rocket on the launch pad at night", "image"),
    ],
    "photograph -> documents": [
        Search(CORPUS / "photographs" / "motorcycle.png", "text"),
        Search(CORPUS / "photographs" / "espresso.png", "text"),
    ],
    "photograph -> photographs": [
        Search(CORPUS / "photographs" / "motorcycle.png", "image"),
    ],
    "words -> documents": [
        Search("How do insects tell each other where to find food?", "text"),
        Search("Why does bread rise without bought yeast?", "text"),
    ],
}


def main() -> int:
    """Build the corpus, index it, search it four ways and draw the contact sheet."""
    os.chdir(CHECKOUT)
    _say(f"The corpus: {_build_corpus()} files in {CORPUS}")
    _diptych("ingest", str(CORPUS), "--url", str(INDEX))
    for title, searches in SEARCHES.items():
        _say(title)
        for search in searches:
            _diptych("search", *search.arguments, "--top-k", str(TOP_K), "--url", str(INDEX))
    _say("The same from Python")
    _ask_library()
    _say("Your own files: .venv/bin/diptych ingest FOLDER")
    return 0


def _build_corpus() -> int:
    """Lay out the photographs of the scikit-image wheel beside our documents; count the files."""
    if CORPUS.exists():
        shutil.rmtree(CORPUS)
    shutil.copytree(CHECKOUT / "examples" / "documents", CORPUS / "documents")
    photographs = CORPUS / "photographs"
    photographs.mkdir()
    with as_file(files("skimage") / "data") as shipped:
        for source, (name, _) in PHOTOGRAPHS.items():
            shutil.copyfile(shipped / source, photographs / name)
    return sum(path.is_file() for path in CORPUS.rglob("*"))


def _diptych(*arguments: str) -> None:
    """Print a command and run it; the demo ends where a command fails."""
    print(f"\n$ diptych {shlex.join(arguments)}", flush=True)
    command = [sys.executable, "-m", "diptych", *arguments]
    status = subprocess.run(command, check=False, env=_environment()).returncode
    if status:
        sys.exit(status)


def _environment() -> dict[str, str]:
    """The caller's environment without settings that would lead to another index or model."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("DIPTYCH_") or name == "DIPTYCH_CACHE_DIR"
    }


def _ask_library() -> None:
    """Count how often a photograph finds its document; draw all searches in one picture."""
    from search.searcher import Searcher
    from search.sheet import write_sheets

    searches = [search for group in SEARCHES.values() for search in group]
    with Searcher.open(str(INDEX)) as searcher:
        ranks = [_rank_document(searcher, *pair) for pair in PHOTOGRAPHS.values()]
        pages = [searcher.search(one.query, target=one.target, top_k=5) for one in searches]
    near = sum(rank <= TOP_K for rank in ranks)
    print(
        f"{len(ranks)} photographs, {searcher.collection.space.model_id}: the document about it "
        f"is first for {ranks.count(1)}, among the first {TOP_K} for {near}"
    )
    write_sheets(zip((one.query for one in searches), pages, strict=True), SHEET)
    print(f"wrote {SHEET}")


def _rank_document(searcher: Searcher, photograph: str, document: str) -> int:
    page = searcher.search(CORPUS / "photographs" / photograph, target="text", top_k=100)
    return next(hit.rank for hit in page.hits if Path(hit.location).name == document)


def _say(line: str) -> None:
    print(f"\n== {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
