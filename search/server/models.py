"""What a request may say, made from the Python API's own options, so that the two never differ."""

from __future__ import annotations

import base64
import inspect
import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated, Any, Final, Literal, TypeAlias, get_type_hints

from pydantic import BaseModel, ConfigDict, EncodedBytes, EncoderProtocol, Field, create_model
from pydantic_core import PydanticCustomError

from schemas.query import Target
from search.options import (
    DATES,
    MAX_PASSAGES,
    MAX_PERCENTILE,
    MAX_POOL,
    MAX_TOP_K,
    Options,
    SearchOptions,
)

MOST_TERMS: Final = 32
"""Parts of one query; every image among them is decoded and encoded."""

MAX_TEXT_CHARACTERS: Final = 4_000
"""Of one query text; longer ones are documents, to be indexed. Encoding that many characters of a
script without spaces takes about a second of a processor."""

MAX_WHERE_CHARACTERS: Final = 20_000
"""Of a condition in an address."""

MOST_JUDGED: Final = 200
"""Items that one round of feedback may name."""

MAX_NAME_CHARACTERS: Final = 8_192
"""Of a source URI or a field."""


class _Base64(EncoderProtocol):
    """Base64 as RFC 4648 has it, white space aside; Python's own way is to skip what is none."""

    @classmethod
    def decode(cls, data: bytes) -> bytes:
        try:
            return base64.b64decode(b"".join(data.split()), validate=True)
        except ValueError as error:
            raise PydanticCustomError("base64", "is no base64: {error}", {"error": error}) from None

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return base64.b64encode(value)

    @classmethod
    def get_json_format(cls) -> Literal["base64"]:
        return "base64"


Base64Bytes: TypeAlias = Annotated[bytes, EncodedBytes(encoder=_Base64)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
ItemName: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARACTERS)]
UploadId: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

_NARROWED: Final[dict[str, Any]] = {
    # Checked by Options too; JSON has no other way to say it.
    "target": Target,
    "where": str | dict[str, Any] | None,
    "top_k": Annotated[int, Field(ge=1, le=MAX_TOP_K)],
    "passages": Annotated[int, Field(ge=1, le=MAX_PASSAGES)],
    "score_threshold": Annotated[float, Field(ge=-1, le=1)] | None,
    "min_percentile": Annotated[float, Field(ge=0, le=MAX_PERCENTILE)] | None,
    "pool": Annotated[int, Field(ge=1, le=MAX_POOL)],
    "collapse": Literal["exact"] | Share | bool | None,
    "diversity": Share | None,
    "sort": Annotated[str, Field(pattern=f"^-?({'|'.join(DATES)})$")] | None,
}


_IN_ADDRESS: Final[dict[str, Any]] = {
    "where": Annotated[str, Field(max_length=MAX_WHERE_CHARACTERS)] | None
}
"""What a query string says otherwise than JSON does."""


class TermModel(BaseModel):
    """A part of a query: words, an image, something indexed, or something uploaded before."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str | None, Field(max_length=MAX_TEXT_CHARACTERS)] = None
    image: Annotated[
        Base64Bytes | None, Field(description="An encoded image (JPEG, PNG, ...), in base64.")
    ] = None
    item: Annotated[ItemName | None, Field(description="A hit's `source_uri` or `point_id`.")] = (
        None
    )
    upload: Annotated[
        UploadId | None, Field(description="The `id` that `POST /v1/uploads` gave.")
    ] = None
    weight: Annotated[
        float, Field(description="How much it counts; below 0 for what is not wanted.")
    ] = 1.0


def _describe_options() -> dict[str, str]:
    """What the docstring says of each option."""
    text = inspect.getdoc(SearchOptions) or ""
    found = re.findall(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    return {name: re.sub(r"\s+", " ", said).strip().replace("``", "`") for name, said in found}


def _to_fields(narrowed: dict[str, Any], left_out: Sequence[str] = ()) -> dict[str, Any]:
    said = _describe_options()
    kinds = get_type_hints(Options, localns={"Sequence": Sequence, "Where": object}) | narrowed
    return {
        one.name: (kinds[one.name], Field(one.default, description=said[one.name]))
        for one in fields(Options)
        if one.name not in left_out
    }


class QueryModel(BaseModel):
    """What is searched with: `terms`, or the one thing that another field names."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str | None, Field(max_length=MAX_TEXT_CHARACTERS)] = None
    image: Annotated[Base64Bytes | None, Field(description="An encoded image in base64.")] = None
    item: Annotated[ItemName | None, Field(description="A hit's `source_uri` or `point_id`.")] = (
        None
    )
    upload: Annotated[
        UploadId | None, Field(description="The `id` that `POST /v1/uploads` gave.")
    ] = None
    terms: Annotated[list[TermModel], Field(max_length=MOST_TERMS)] = Field(default_factory=list)


OptionsModel = create_model(
    "OptionsModel",
    __config__=ConfigDict(extra="forbid"),
    __doc__="The options of a search.",
    **_to_fields(_NARROWED),
)
"""The keywords of :class:`search.options.SearchOptions`."""

AddressOptions = create_model(
    "AddressOptions",
    __config__=ConfigDict(extra="forbid"),
    __doc__="The options of a search, in a query string.",
    **_to_fields({**_NARROWED, **_IN_ADDRESS}),
)
"""Likewise, without what only JSON can say."""
