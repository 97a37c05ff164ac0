"""The training corpus: figures of open textbooks and photographs of recipes, with their texts.

Its folder holds ``captions.jsonl``, one picture a line, and what the lines name. One book and a
fifth of the recipes are held out: training never sees them, measuring sees nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blake3 import blake3

if TYPE_CHECKING:
    from pathlib import Path

HELD_OUT_BOOK = "openstax_socio"
RECIPES = "recipes"
RECIPE_FOLDS = 5
"""Into how many parts the recipes fall, by their names; part 0 is held out."""

_MAX_INGREDIENT_CHARS = 400


@dataclass(frozen=True, slots=True)
class Figure:
    """One picture and the texts that belong to it.

    Attributes:
        path: The image file.
        collection: The book it is from, or ``recipes``.
        held_out: True where training must not see it.
        fold: Of a recipe: its part, from 0 to :data:`RECIPE_FOLDS` - 1; None for a book's figure.
        description: What the picture shows, for those who cannot see it (the "alt" text); for a
            recipe its title and tags.
        caption: What the book says below it; for a recipe its title and ingredients. May be empty.
    """

    path: Path
    collection: str
    held_out: bool
    description: str
    caption: str
    fold: int | None = None

    @property
    def joined(self) -> str:
        """Description and caption as one text."""
        return " ".join(part for part in (self.description, self.caption) if part)

    @property
    def training_texts(self) -> tuple[str, ...]:
        """The texts that count as right for this picture, without repetition or blanks."""
        texts = [self.description, self.caption]
        if self.collection != RECIPES:
            texts.append(self.joined)
        return tuple(dict.fromkeys(filter(None, texts)))


def read_figures(folder: Path) -> list[Figure]:
    """Every figure of the corpus, in the order of ``captions.jsonl``.

    Raises:
        OSError: A file is missing.
        KeyError: A line lacks a field.
    """
    with (folder / "captions.jsonl").open(encoding="utf-8") as lines:
        return [_to_figure(folder, json.loads(line)) for line in lines]


def _to_figure(folder: Path, row: dict[str, Any]) -> Figure:
    if row["set"] == RECIPES:
        return _to_recipe(folder, row)
    return Figure(
        path=folder / row["image"],
        collection=row["set"],
        held_out=row["set"] == HELD_OUT_BOOK,
        description=_to_line(row.get("alt")),
        caption=_to_line(row.get("caption")),
    )


def _to_recipe(folder: Path, row: dict[str, Any]) -> Figure:
    title = row["title"].strip("'\" ")
    # By the recipe, not by the photograph: some recipes have several.
    fold = int(blake3(row["doc"].encode()).hexdigest(length=8), 16) % RECIPE_FOLDS
    ingredients = _read_ingredients(folder / row["doc"])
    return Figure(
        path=folder / row["image"],
        collection=RECIPES,
        held_out=fold == 0,
        description=f"{title} ({', '.join(row['tags'])})",
        caption=f"{title}: {ingredients}",
        fold=fold,
    )


def _read_ingredients(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    items = [line.strip(" -") for line in lines if line.strip().startswith("- ")]
    return _to_line(" ".join(items))[:_MAX_INGREDIENT_CHARS]


def _to_line(text: str | None) -> str:
    return " ".join((text or "").split())
