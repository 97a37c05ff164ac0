"""The OpenAPI document says what is sent: schemathesis sends what it can think of."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from search.server import (
    item_routes,
    operation_routes,
    record_routes,
    search_routes,
    upload_routes,
)
from search.server.examples import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.search.server.conftest import Served

STATUSES = "400, 401, 403, 404, 405, 406, 415, 422, 431"

CONFIG = """
[[operations]]
include-path-regex = "^/v1/items/"
parameters = {{ point_id = "{point_id}" }}

[checks]
# A where, a cursor, a model have rules that no JSON schema can say.
positive_data_acceptance.enabled = false
negative_data_rejection.expected-statuses = [{statuses}]
"""


def _run(served: Served, tmp_path: Path, *options: str) -> None:
    config = tmp_path / "schemathesis.toml"
    point_id = served.point_id("red", target="image", where="media_type = image/jpeg")
    config.write_text(CONFIG.format(point_id=point_id, statuses=STATUSES))
    schemathesis = str(Path(sys.executable).with_name("schemathesis"))
    command = [schemathesis, "--config-file", str(config), "run", f"{served.url}/openapi.json"]
    done = subprocess.run(
        [*command, "--seed", "1", "--no-color", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[:20_000] + done.stderr


@pytest.fixture
def taking(serve: Callable[..., Served], tmp_path: Path) -> Served:
    return serve(inbox=str(tmp_path / "inbox"))


def test_a_few_examples_break_no_promise(taking: Served, tmp_path: Path) -> None:
    _run(taking, tmp_path, "--phases", "examples,fuzzing", "--max-examples", "3")


@pytest.mark.slow
def test_many_examples_break_no_promise(taking: Served, tmp_path: Path) -> None:
    _run(taking, tmp_path, "--max-examples", "50")


def _document(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = served.client.get("/openapi.json").json()
    return found


def test_every_operation_has_a_name_a_tag_and_problems(served: Served) -> None:
    names = []
    for operations in _document(served)["paths"].values():
        for operation in operations.values():
            names.append(operation["operationId"])
            assert operation["tags"]
            assert operation["summary"]
            for status, response in operation["responses"].items():
                is_problem = int(status) >= 400
                assert ("application/problem+json" in response.get("content", {})) is is_problem
    assert len(names) == len(set(names))


def test_examples_are_answers(served: Served) -> None:
    models = {
        route.operation_id: route.response_model
        for module in (item_routes, operation_routes, record_routes, search_routes, upload_routes)
        for route in module.router.routes
        if isinstance(route, APIRoute)
    }
    for name, example in EXAMPLES.items():
        read = TypeAdapter(models[name]).validate_python(example)
        assert example.keys() <= {one.name for one in fields(read)}
    said = _document(served)["paths"]["/v1/search"]["post"]["responses"]["200"]
    assert said["content"]["application/json"]["example"] == EXAMPLES["search"]


def test_options_are_those_of_python(served: Served) -> None:
    from search.options import SearchOptions

    schemas = _document(served)["components"]["schemas"]
    assert set(SearchOptions.__annotations__) <= set(schemas["SearchModel"]["properties"])
    assert schemas["SearchModel"]["properties"]["top_k"]["description"]


def test_a_wrong_method_is_told_the_right_ones(served: Served) -> None:
    answer = served.client.patch("/v1/search")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert answer.headers["content-type"] == "application/problem+json"


def test_tokens_are_declared(served: Served) -> None:
    document = _document(served)
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert {"token": []} in document["paths"]["/v1/search"]["post"]["security"]
    assert document["paths"]["/healthz"]["get"]["security"] == []
