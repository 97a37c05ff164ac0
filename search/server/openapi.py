"""The OpenAPI document: exactly what is sent, problems and tokens included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from search.server.examples import EXAMPLES
from search.server.guard import OPEN
from search.server.problems import MEDIA_TYPE, InvalidPart, Problem

if TYPE_CHECKING:
    from fastapi import FastAPI

TITLE: Final = "Diptych"

_REFS: Final = "#/components/schemas/{model}"

_ALWAYS: Final[dict[str, str]] = {
    "400": "The request cannot be read.",
    "401": "A token is needed.",
    "403": "The token, or a page of another site, may not do this.",
    "404": "There is no such thing.",
    "408": "The body took too long to arrive.",
    "413": "Too large.",
    "415": "Of a format or encoding that is not taken.",
    "421": "The server does not answer to this name.",
    "422": "Something in the request cannot be answered.",
    "429": "Too much is under way; come again after `Retry-After` seconds.",
    "431": "The address or the headers are too long.",
    "500": "The server's own fault.",
    "503": "Not now; come again after `Retry-After` seconds.",
    "504": "It took too long.",
}

_EXAMPLE: Final[dict[str, Any]] = {
    "type": "urn:diptych:error:UnknownField",
    "title": "UnknownField",
    "status": 422,
    "detail": "where: there is no field 'colour'; known fields: ...",
}

_TAGS: Final = (
    {"name": "search", "description": "Find items, count values."},
    {"name": "items", "description": "What is known of one, and what it looks like."},
    {"name": "records", "description": "Send files to be indexed."},
    {"name": "operation", "description": "For those who run it."},
)


def describe(app: FastAPI) -> None:
    """Let the application describe its problems and its tokens too."""

    def to_document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _make(app)
        return app.openapi_schema

    app.openapi = to_document  # type: ignore[method-assign]


def _make(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        routes=app.routes,
        tags=list(_TAGS),
        separate_input_output_schemas=False,
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _, problems = models_json_schema(
        [(InvalidPart, "validation"), (Problem, "validation")], ref_template=_REFS
    )
    schemas.update(problems["$defs"])
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "Where the server has any."}
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _describe(path, operation)
    return document


def _describe(path: str, operation: dict[str, Any]) -> None:
    example = EXAMPLES.get(operation["operationId"])
    for status in ("200", "201") if example else ():
        if status in operation["responses"]:
            operation["responses"][status]["content"]["application/json"]["example"] = example
    for status, text in _ALWAYS.items():
        operation["responses"][status] = {
            "description": text,
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": _REFS.format(model=Problem.__name__)},
                    **({"example": _EXAMPLE} if status == "422" else {}),
                }
            },
        }
    # An empty one: a server without tokens asks for none.
    operation["security"] = [] if path in OPEN else [{"token": []}, {}]
