"""Multipart forms with images in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import UploadFile

IMAGE_FIELD: Final = "image"

MOST_IMAGES: Final = 8

MOST_FIELD_BYTES: Final = 100_000
"""Of a field that is no file: JSON without images."""

_FORM: Final = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Form:
    """What was sent.

    Attributes:
        images: Encoded, in order.
        fields: The others by name.
    """

    images: tuple[bytes, ...]
    fields: Mapping[str, str]


async def read_form(request: Request, *, fields: Sequence[str] = ()) -> Form:
    """The images of a form, at least one, and its fields.

    Args:
        request: With the form; its body is bounded already.
        fields: Names that may stand in it besides the images.

    Raises:
        RequestValidationError: It is no form, or something else stands in it.
        HTTPException: It cannot be read, or has too many parts.
    """
    if not request.headers.get("content-type", "").lower().startswith(_FORM):
        raise _refuse("content-type", f"is {_FORM}")
    async with request.form(
        max_files=MOST_IMAGES, max_fields=len(fields) + 1, max_part_size=MOST_FIELD_BYTES
    ) as form:
        images, said = [], {}
        for name, value in form.multi_items():
            if name == IMAGE_FIELD and isinstance(value, UploadFile):
                images.append(await value.read())
            elif name in fields and isinstance(value, str) and name not in said:
                said[name] = value
            else:
                raise _refuse(name, "is not expected here, or not as this kind of part")
    if not images:
        raise _refuse(IMAGE_FIELD, "give at least one image, as a file")
    return Form(tuple(images), said)


def to_form_schema(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What OpenAPI is told of a form with images."""
    image = {"type": "string", "format": "binary", "description": "An encoded image."}
    images = {"type": "array", "items": image, "minItems": 1, "maxItems": MOST_IMAGES}
    schema = {
        "type": "object",
        "properties": {IMAGE_FIELD: images, **fields},
        "required": [IMAGE_FIELD],
        "additionalProperties": False,
    }
    return {"requestBody": {"required": True, "content": {_FORM: {"schema": schema}}}}


def _refuse(name: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", name), "msg": message, "type": "value_error"}])
