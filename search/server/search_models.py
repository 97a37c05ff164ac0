"""The requests of the search routes."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from schemas.query import Target
from search.facets import MAX_LIMIT
from search.server.models import (
    MAX_NAME_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    MAX_WHERE_CHARACTERS,
    MOST_JUDGED,
    MOST_TERMS,
    AddressOptions,
    ItemName,
    OptionsModel,
    QueryModel,
    UploadId,
)


def _examples(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": list(examples)})


class SearchModel(QueryModel, OptionsModel):
    """A query with its options."""

    model_config: ClassVar[ConfigDict] = _examples(
        {"text": "a red bicycle", "target": "image", "top_k": 5},
        {
            "terms": [{"text": "harbour"}, {"text": "ships", "weight": -0.5}],
            "where": "taken_at >= 2024-05-01",
        },
    )


class AddressModel(AddressOptions):
    """A query with its options, in a query string."""

    q: Annotated[str | None, Field(description="Words.", max_length=MAX_TEXT_CHARACTERS)] = None
    item: Annotated[
        list[ItemName],
        Field(description="A hit's `source_uri` or `point_id`.", max_length=MOST_TERMS),
    ] = Field(default_factory=list)
    upload: Annotated[UploadId | None, Field(description="Of `POST /v1/uploads`.")] = None


class BatchModel(OptionsModel):
    """Several queries with the same options."""

    model_config: ClassVar[ConfigDict] = _examples(
        {"queries": [{"text": "a red bicycle"}, {"text": "bread"}], "target": "image", "top_k": 3}
    )

    queries: Annotated[list[QueryModel], Field(min_length=1, max_length=MOST_TERMS)]


class WeightsModel(BaseModel):
    """How much each part of a refined query counts; see Rocchio's formula."""

    model_config = ConfigDict(extra="forbid")

    alpha: Annotated[float, Field(gt=0, le=1_000, description="Of the query.")] = 1.0
    beta: Annotated[float, Field(ge=0, le=1_000, description="Of what is liked.")] = 0.75
    gamma: Annotated[float, Field(ge=0, le=1_000, description="Of what is not.")] = 0.15


class FeedbackModel(SearchModel):
    """A query, and which of its hits were right or wrong."""

    model_config: ClassVar[ConfigDict] = _examples(
        {"text": "apple", "liked": ["folder://photos/orchard.jpg"], "target": "image"}
    )

    liked: Annotated[list[ItemName], Field(max_length=MOST_JUDGED)] = Field(default_factory=list)
    disliked: Annotated[list[ItemName], Field(max_length=MOST_JUDGED)] = Field(default_factory=list)
    weights: WeightsModel = Field(default_factory=WeightsModel)


class FacetsModel(BaseModel):
    """What is counted, in a query string."""

    model_config = ConfigDict(extra="forbid")

    field: Annotated[
        str, Field(min_length=1, max_length=MAX_NAME_CHARACTERS, examples=["media_type"])
    ]
    target: Target = Target.ANY
    where: Annotated[str | None, Field(max_length=MAX_WHERE_CHARACTERS)] = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 10
