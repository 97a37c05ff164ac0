"""What the tools of the MCP server take, made from the models of the HTTP API."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Base64Bytes, BaseModel, BeforeValidator, ConfigDict, Field

from schemas.query import Composition, Query, Target, Term
from search.server.models import MAX_TEXT_CHARACTERS, MOST_TERMS

MOST_HITS: Final = 50
"""Of one answer: a longer one only fills the context of whoever reads it."""

MOST_PICTURES: Final = 20
"""Thumbnails in one answer, about 20 kB each."""


def _to_list(value: object) -> object:
    """One name is a list of one; some models give it bare."""
    return [value] if isinstance(value, str) else value


Words = Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)]
Item = Annotated[
    str, Field(max_length=8_192, description="A hit's `point_id` or `source_uri`, as it stands.")
]
Items = Annotated[list[Item], Field(max_length=MOST_TERMS), BeforeValidator(_to_list)]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class _Options(_Arguments):
    """Those of a search's options that a reader of descriptions can be expected to use well."""

    target: Annotated[
        Target, Field(description="`image` for images alone, `text` for documents alone.")
    ] = Target.ANY
    where: Annotated[
        str | dict[str, Any] | None,
        Field(
            description="Only what meets a condition: `media_type = application/pdf`, "
            "`taken_at >= 2024-05 and (keywords = sea or not title ~ moon)`, "
            "`near(48.1, 11.5, 10km)`, `metadata.author = Ann`. It narrows the search; leave it "
            "out unless that was asked for."
        ),
    ] = None
    top_k: Annotated[int, Field(ge=1, le=MOST_HITS, description="Hits at most.")] = 10
    min_percentile: Annotated[
        float | None,
        Field(description="Only what is nearer than so many percent of unrelated items: 95 to 99."),
    ] = None
    collapse: Annotated[
        str | float | None,
        Field(description="One hit for copies: `exact` (the same bytes), or a cosine such as .97."),
    ] = None
    hybrid: Annotated[
        bool, Field(description="Compare words as well as meaning: for names and numbers.")
    ] = False
    cursor: Annotated[
        str | None, Field(description="Goes on after an answer that gave it; all else as before.")
    ] = None
    pictures: Annotated[
        int,
        Field(
            ge=0,
            le=MOST_PICTURES,
            description="How many of the first images are shown as thumbnails.",
        ),
    ] = 5


class SearchArguments(_Options):
    """A query and its options; at least one of text, image and like."""

    text: Annotated[
        Words | None, Field(description="What to look for, in words: a phrase or a sentence.")
    ] = None
    image: Annotated[
        Base64Bytes | None,
        Field(description="Look for what resembles this image: JPEG, PNG, ... in base64."),
    ] = None
    like: Annotated[Items, Field(description="Look for what resembles these items.")] = Field(
        default_factory=list
    )
    unwanted: Annotated[
        list[Words],
        Field(alias="not", max_length=MOST_TERMS, description="Words for what is not wanted."),
        BeforeValidator(_to_list),
    ] = Field(default_factory=list)
    unlike: Annotated[
        Items, Field(alias="not_like", description="Items that are not wanted, nor their kind.")
    ] = Field(default_factory=list)

    def to_composition(self) -> Composition:
        """The query.

        Raises:
            EmptyQuery: Nothing is looked for, or a part is blank.
        """
        wanted = [Query(item=one) for one in self.like]
        if self.image is not None:
            wanted.insert(0, Query(image=self.image))
        if self.text is not None:
            wanted.insert(0, Query(text=self.text))
        unwanted = [Query(text=one) for one in self.unwanted]
        unwanted += [Query(item=one) for one in self.unlike]
        terms = [*map(Term, wanted), *(Term(one, -1.0) for one in unwanted)]
        return Composition(tuple(terms))


class MoreLikeThisArguments(_Options):
    """An item and the options."""

    item: Item

    def to_composition(self) -> Composition:
        """The query.

        Raises:
            EmptyQuery: The name is blank.
        """
        return Composition((Term(Query(item=self.item)),))


class GetItemArguments(_Arguments):
    """An item, and how much of it."""

    item: Item
    chunk: Annotated[
        int | None,
        Field(
            ge=0,
            description="Where the text begins: `next_chunk` of the call before, 0 for the "
            "beginning. Without it, the passage that `item` names.",
        ),
    ] = None
    side_pixels: Annotated[
        int, Field(ge=64, le=1024, description="Longer side of the picture of an image.")
    ] = 768
