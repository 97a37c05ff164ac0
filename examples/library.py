"""Diptych from Python: open an index, ask it in words and with a photograph.

Run it after ``make demo``: ``.venv/bin/python examples/library.py``.
"""

from __future__ import annotations

from pathlib import Path

from search.searcher import Searcher

BUILT = Path(__file__).resolve().parent.parent / "build" / "demo"


def main() -> None:
    """Three questions to the demo index."""
    with Searcher.open(str(BUILT / "index")) as searcher:
        print("Photographs for words:")
        for hit in searcher.search("a motorcycle in a garage", target="image", top_k=3).hits:
            print(f"  {hit.rank}. {hit.score:.3f} {Path(hit.location).name}")

        print("Passages for a photograph:")
        photograph = BUILT / "corpus" / "photographs" / "cat.png"
        for hit in searcher.search(photograph, target="text", top_k=3).hits:
            print(f"  {hit.rank}. {hit.score:.3f} {hit.title}: {(hit.snippet or '')[:60]}")

        print("Only documents of one media type:")
        page = searcher.search(
            "how high is the tide?", target="text", where={"media_type": "text/plain"}, top_k=3
        )
        for hit in page.hits:
            print(f"  {hit.rank}. {hit.score:.3f} {Path(hit.location).name}")


if __name__ == "__main__":
    main()
