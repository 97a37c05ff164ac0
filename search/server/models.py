"""What a request may say, made from the Python API's own options, so that the two never differ."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated, Any, Final, get_type_hints

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, create_model

from schemas.query import Target
from search.options import MAX_TOP_K, Options, SearchOptions

MOST_TERMS: Final = 32
"""Parts of one query; every image among them is decoded and encoded."""

MAX_TEXT_CHARACTERS: Final = 20_000
"""Of one query text; longer ones are documents, to be indexed."""

_NARROWED: Final[dict[str, Any]] = {
    # Checked by Options; JSON has no other way to say it.
    "target": Target,
    "where": str | dict[str, Any] | None,
    "top_k": Annotated[int, Field(ge=1, le=MAX_TOP_K)],
}


_WITHHELD: Final = frozenset({"rerank"})
"""Whoever names a model makes the server load it."""


class TermModel(BaseModel):
    """A part of a query: words, an image, something indexed, or something uploaded before."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str | None, Field(max_length=MAX_TEXT_CHARACTERS)] = None
    image: Annotated[
        Base64Bytes | None, Field(description="An encoded image (JPEG, PNG, ...), in base64.")
    ] = None
    item: Annotated[
        str | None, Field(description="A hit's `source_uri` or `point_id`.", max_length=8_192)
    ] = None
    weight: Annotated[
        float, Field(description="How much it counts; below 0 for what is not wanted.")
    ] = 1.0


def _describe_options() -> dict[str, str]:
    """What the docstring says of each option."""
    text = inspect.getdoc(SearchOptions) or ""
    found = re.findall(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    return {name: re.sub(r"\s+", " ", said).strip().replace("``", "`") for name, said in found}


def _to_fields() -> dict[str, Any]:
    said = _describe_options()
    kinds = get_type_hints(Options, localns={"Sequence": Sequence, "Where": object}) | _NARROWED
    return {
        one.name: (kinds[one.name], Field(one.default, description=said[one.name]))
        for one in fields(Options)
        if one.name not in _WITHHELD
    }


class QueryModel(BaseModel):
    """What is searched with: `terms`, or the one thing that `text`, `image` or `item` names."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str | None, Field(max_length=MAX_TEXT_CHARACTERS)] = None
    image: Annotated[Base64Bytes | None, Field(description="An encoded image in base64.")] = None
    item: Annotated[
        str | None, Field(description="A hit's `source_uri` or `point_id`.", max_length=8_192)
    ] = None
    terms: Annotated[list[TermModel], Field(max_length=MOST_TERMS)] = Field(default_factory=list)


OptionsModel = create_model(
    "OptionsModel",
    __config__=ConfigDict(extra="forbid"),
    __doc__="The options of a search.",
    **_to_fields(),
)
"""The keywords of :class:`search.options.SearchOptions`."""
