"""Diptych from Python: open an index, ask it in words and with a photograph.

Run it after ``make demo``: ``.venv/bin/python examples/library.py``.
"""

from __future__ import annotations

from pathlib import Path

from schemas.query import Query
from schemas.where import field
from search.searcher import Searcher

BUILT = Path(__file__).resolve().parent.parent / "build" / "demo"


def main() -> None:
    """Questions of several kinds to the demo index."""
    with Searcher.open(str(BUILT / "index")) as searcher:
        print("Photographs for words:")
        for hit in searcher.search("a motorcycle in a garage", target="image", top_k=3).hits:
            print(f"  {hit.rank}. {hit.score:.3f} {Path(hit.location).name}")

        print("Passages for a photograph:")
        photograph = BUILT / "corpus" / "photographs" / "cat.png"
        for hit in searcher.search(photograph, target="text", top_k=3).hits:
            print(f"  {hit.rank}. {hit.score:.3f} {hit.title}: {(hit.snippet or '')[:60]}")

        print("Only plain text:")
        is_plain = field("media_type") == "text/plain"
        page = searcher.search("how high is the tide?", target="text", where=is_plain, top_k=3)
        for hit in page.hits:
            print(f"  {hit.rank}. {hit.score:.3f} {Path(hit.location).name}")

        print("A mixture, in images and texts at once, with how much nearer than chance each is:")
        query = Query(image=photograph) + 0.5 * Query(text="outer space") - Query(text="a pet")
        for hit in searcher.search(query, top_k=4).hits:
            print(f"  {hit.rank}. {hit.percentile:.1f} % {hit.modality} {Path(hit.location).name}")

        print("More like the best of them, and unlike the photograph:")
        like = Query(item=searcher.search(query, top_k=1).hits[0].source_uri)
        for hit in searcher.search(like - 0.3 * Query(image=photograph), top_k=3).hits:
            print(f"  {hit.rank}. {hit.score:.3f} {Path(hit.location).name}")

        print("Two questions in one round trip:")
        for answer in searcher.search_batch(["a rocket", "coins"], target="image", top_k=1):
            print(f"  {Path(answer.hits[0].location).name}")


if __name__ == "__main__":
    main()
