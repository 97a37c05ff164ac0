"""Captions by retrieval: a photograph's nearest indexed texts (Im2Text, Ordonez et al. 2011)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.query import Target
from schemas.records import Part

if TYPE_CHECKING:
    from schemas.query import Page
    from search.composition import QueryLike
    from search.searcher import Searcher


def find_captions(searcher: Searcher, image: QueryLike, *, top_k: int = 5) -> Page:
    """The nearest captions of a collection; of one without captions, the nearest passages.

    Args:
        searcher: Of the collection.
        image: A path, bytes, a Pillow image, or ``Query(item=...)`` for one that is indexed; its
            own caption is then not among the answers.
        top_k: How many at most.

    Returns:
        Texts by falling cosine; ``hit.part`` says which kind they are.

    Raises:
        DiptychError: As :meth:`search.searcher.Searcher.search` does.
    """
    captions = searcher.search(
        image, target=Target.TEXT, where={"part": str(Part.CAPTION)}, top_k=top_k
    )
    return captions if captions.hits else searcher.search(image, target=Target.TEXT, top_k=top_k)
