"""Twenty queries in each direction, drawn as contact sheets, to be looked at.

Run ``python -m benchmarks.twenty_queries --data FOLDER --url INDEX --out FOLDER`` over an index of
the corpus that ``hinge-en-1`` was trained on (``docs/models/hinge-en-1.md``): its
``captions.jsonl``, named ``figures``, and its ``recipes``, named so. The photographs that are
searched with are scikit-image's and such of the corpus as the model never saw. A photograph is
not counted among its own answers; its caption may be. What was found is in ``docs/quality.md``.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.query import Target
from search.searcher import Searcher
from search.sheet import write_sheets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.query import Page

SHOWN = 5
ROWS = 5
"""Queries on one sheet."""

FOR_IMAGES = (
    "a rocket launch",
    "craters on the moon",
    "a spiral galaxy",
    "the dome of an observatory",
    "people protesting with signs",
    "a map of the Roman Empire",
    "soldiers in a trench",
    "women working in a factory",
    "a diagram of the brain",
    "children in a classroom",
    "a bar chart",
    "a statue of a seated man",
    "a bride and groom",
    "a bowl of soup",
    "pizza",
    "chocolate cookies",
    "a dog",
    "Abraham Lincoln",
    "a crowded train",
    "a city at night",
)

FOR_TEXTS = (
    "how do I make bread without kneading it",
    "vegetarian curry with chickpeas",
    "a dessert with coffee and mascarpone",
    "a soup that is served cold",
    "something quick for breakfast",
    "a hot drink with red wine for the winter",
    "fish stew",
    "pasta without meat",
    "why did the Roman Empire fall",
    "the struggle for women's right to vote",
    "how massive stars die",
    "what is classical conditioning",
    "the slave trade across the Atlantic",
    "gender roles at work",
    "radiation left over from the Big Bang",
    "the march on Washington in 1963",
    "the moons of Jupiter",
    "stages of sleep",
    "unemployment in the Great Depression",
    "machines of the industrial revolution",
)

OUTSIDE = (
    "rocket.jpg",
    "moon.png",
    "hubble_deep_field.jpg",
    "astronaut.png",
    "coffee.png",
    "chelsea.png",
    "horse.png",
    "motorcycle_left.png",
    "retina.jpg",
    "page.png",
)
"""Photographs of scikit-image."""

UNSEEN = (
    "openstax_socio/Soc3e_12_03_01a.jpg",
    "openstax_socio/Soc3e_16_02_01.jpg",
    "openstax_socio/Soc3e_06_02_01new.jpg",
    "openstax_socio/CNX_Soc2e_Figure_20_01_001_new.jpg",
    "openstax_socio/Soc3e_18_01_07a.jpg",
    "openstax_socio/Soc3e_13_02x.jpg",
    "openstax_socio/Soc3e_20_03_01.jpg",
    "recipes/carbonara.jpg",
    "recipes/swedish-pancakes-00.jpg",
    "recipes/fennel-bean-kale-soup-1.jpg",
)
"""Photographs of the corpus, below its folder ``images``."""


def main() -> None:
    """Draw the sheets and name the hits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl")
    parser.add_argument("--url", required=True, help="the index")
    parser.add_argument("--out", type=Path, required=True, help="folder for the sheets")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    photographs = to_photographs(chosen.data)
    directions: dict[str, tuple[Sequence[str | Path], Target]] = {
        "text-to-image": (FOR_IMAGES, Target.IMAGE),
        "text-to-text": (FOR_TEXTS, Target.TEXT),
        "image-to-text": (photographs, Target.TEXT),
        "image-to-image": (photographs, Target.IMAGE),
    }
    with Searcher.open(chosen.url) as searcher:
        for name, (queries, target) in directions.items():
            pages = searcher.search_batch(queries, target=target, top_k=SHOWN + 1)
            answers = [
                (query, without_itself(query, page, target))
                for query, page in zip(queries, pages, strict=True)
            ]
            print_answers(name, answers)
            for start in range(0, len(answers), ROWS):
                sheet = chosen.out / f"{name}-{start // ROWS + 1}.png"
                write_sheets(answers[start : start + ROWS], sheet)


def to_photographs(data: Path) -> list[Path]:
    """Those that are searched with."""
    outside = files("skimage.data")
    return [
        *(Path(str(outside / name)) for name in OUTSIDE),
        *(data / "images" / name for name in UNSEEN),
    ]


def without_itself(query: str | Path, page: Page, target: Target) -> Page:
    """The first five hits; a photograph that stands in the index is not one of its own."""
    is_photograph = isinstance(query, Path) and target is Target.IMAGE
    hits = [hit for hit in page.hits if not (is_photograph and is_it(query, hit.source_uri))]
    ranked = [replace(hit, rank=rank) for rank, hit in enumerate(hits[:SHOWN], 1)]
    return replace(page, hits=tuple(ranked))


def is_it(query: str | Path, source_uri: str) -> bool:
    """Whether an item is the photograph that is searched with."""
    return source_uri.endswith("/".join(Path(query).parts[-2:]))


def print_answers(name: str, answers: Sequence[tuple[str | Path, Page]]) -> None:
    """Each query with the names of its hits."""
    print(f"\n{name}")
    for query, page in answers:
        shown = query.name if isinstance(query, Path) else query
        found = ", ".join(hit.source_uri.rsplit("/", 1)[-1] for hit in page.hits)
        print(f"{shown:<44}{found}")


if __name__ == "__main__":
    main()
