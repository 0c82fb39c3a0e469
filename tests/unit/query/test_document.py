"""The API's document: complete for every route, true to itself, and kept in docs/openapi.json."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from fastapi import APIRouter, Depends

from cli.docs import API, api_text
from services.query.rest.asked import Needs
from services.query.rest.document import api_document
from services.query.rest.document_words import TAGS
from services.query.rest.problems import MEDIA_TYPE
from services.query.rest.routes import ROUTERS

Object = dict[str, Any]
DOCUMENT: Object = json.loads(json.dumps(api_document(ROUTERS)))


def operations() -> Iterator[tuple[str, Object]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


OPERATIONS = dict(operations())
EACH = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())


def resolved(part: Object) -> Object:
    while "$ref" in part:
        _, kind, name = part["$ref"].removeprefix("#/").split("/")
        part = DOCUMENT["components"][kind][name]
    return part


def check(example: object, schema: Object) -> None:
    """Does the example fit, and is it complete?"""
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema_rs.validator_for(whole, validate_formats=True).validate(example)


def test_the_kept_document_is_up_to_date() -> None:
    assert API.read_text(encoding="utf-8") == api_text(), "write it anew with `dolbom docs`"


def test_it_is_one_text_without_addresses() -> None:
    assert api_text() == api_text()
    assert api_text().endswith("}\n")
    named = {word.strip('",.') for word in api_text().split() if "://" in word}
    assert named == {"http://localhost", "http://127.0.0.1"}  # in what is said to those who use another name
    assert DOCUMENT["openapi"] == "3.1.0"
    assert "servers" not in DOCUMENT


def test_every_route_has_its_place() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert sorted(names) == sorted(name for _, _, held in TAGS for name in held), "name it in document_words.TAGS"
    assert [tag["name"] for tag in DOCUMENT["tags"]] == [name for name, _, _ in TAGS]


def test_no_problem_is_of_another_shape() -> None:
    assert "HTTPValidationError" not in api_text()
    assert "ProblemBody" not in api_text()
    assert set(DOCUMENT["components"]["schemas"]["Problem"]["required"]) == {
        "type", "title", "status", "detail", "instance",
    }  # fmt: skip


@EACH
def test_it_is_told_what_it_is_for(operation: Object) -> None:
    assert operation["summary"] and operation["description"]
    assert operation["x-dolbom-role"] in ("guardian", "teacher", "director", "admin", None)
    assert operation["security"] == ([{"cookie": []}, {"bearer": []}] if operation["x-dolbom-role"] else [])
    for parameter in operation.get("parameters", ()):
        assert parameter["description"], parameter["name"]
        assert "null" not in json.dumps(parameter["schema"]), parameter["name"]
        if parameter["in"] == "path":
            assert parameter["examples"], parameter["name"]
        for example in parameter.get("examples", {}).values():
            check(example["value"], parameter["schema"])


@EACH
def test_what_it_takes_has_an_example(operation: Object) -> None:
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        if kind == "application/json":
            check(content["example"], content["schema"])


@EACH
def test_what_it_answers_has_an_example(operation: Object) -> None:
    statuses = {int(status) for status in operation["responses"]}
    assert statuses & {200, 201, 202, 204}
    assert statuses >= {400, 401, 403, 421, 422, 503}
    for text, answer in operation["responses"].items():
        status, answer = int(text), resolved(answer)
        assert answer["description"]
        if status >= 400:
            assert list(answer["content"]) == [MEDIA_TYPE]
            assert answer["content"][MEDIA_TYPE]["example"]["status"] == status
        for kind, content in answer.get("content", {}).items():
            if "json" in kind and operation["operationId"] != "get_document":
                check(content["example"], content["schema"])
        for header in answer.get("headers", {}).values():
            assert resolved(header)["description"]


def test_roles_follow_from_what_a_route_depends_on() -> None:
    router = APIRouter(dependencies=[Depends(Needs("teacher"))])

    async def both(_: None = Depends(Needs("admin"))) -> None:
        """Twice."""

    for path, dependencies in (("/a", []), ("/b", [Depends(Needs("director"))]), ("/c", [Depends(both)])):
        router.add_api_route(path, lambda: None, dependencies=dependencies, summary=path, name=path)
    told = api_document([router])["paths"]
    assert isinstance(told, dict)
    assert [told[path]["get"]["x-dolbom-role"] for path in ("/a", "/b", "/c")] == ["teacher", "director", "admin"]
    assert OPERATIONS["POST /api/v1/session"]["x-dolbom-role"] is None
    assert OPERATIONS["GET /api/v1/session"]["x-dolbom-role"] == "guardian"
    assert OPERATIONS["GET /api/v1/facts"]["x-dolbom-role"] == "admin"
