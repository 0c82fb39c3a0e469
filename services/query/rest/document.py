"""The document of the REST API (OpenAPI 3.1): what the routes declare, completed in one place.

Who may ask follows from the dependency `Needs`, the common problems from what the gate and the routes may answer;
words and examples stand in `document_words` and `document_examples`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import cast

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from services.query.people.rights import ROLES, Role
from services.query.rest import document_words as words
from services.query.rest.admission import COOKIE, door
from services.query.rest.asked import Needs
from services.query.rest.document_examples import EXAMPLES
from services.query.rest.gate_rules import SAFE_METHODS
from services.query.rest.problems import MEDIA_TYPE

Object = dict[str, object]
_REF = "#/components/{}/{}"
_MOMENT = re.compile(r"(?:.*_)?(?:at|since|until|start|end|from|to)")
_EVERYWHERE = (400, 401, 403, 421, 422, 503)
_OF_BODIES = (413, 415)


def api_document(routers: Iterable[APIRouter]) -> Object:
    """The document of these routers' routes."""
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    shown = [route for route in routes if route.include_in_schema]
    document: Object = get_openapi(
        title=words.TITLE, version=words.VERSION, summary=words.SUMMARY, description=words.DESCRIPTION, routes=shown
    )
    paths, components = _part(document, "paths"), cast(Object, document.setdefault("components", {}))
    for route in shown:
        for method in route.methods or ():
            _complete(route, method, _part(_part(paths, route.path_format), method.lower()))
    document["tags"] = [{"name": name, "description": text} for name, text, _ in words.TAGS]
    components |= {
        "schemas": _schemas(cast(Object, components.get("schemas", {}))),
        "responses": {_name(status): _problem(status) for status in words.PROBLEMS},
        "headers": {name: {"schema": schema, "description": text} for name, (schema, text) in words.HEADERS.items()},
        "securitySchemes": {
            "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": words.BY_COOKIE},
            "bearer": {"type": "http", "scheme": "bearer", "description": words.BY_BEARER},
        },
    }
    return document


def least_role(route: APIRoute) -> Role | None:
    """The least role that a route takes; None where nobody needs to have signed in."""
    if all(door(method, route.path_format) != "api" for method in route.methods or ()):
        return None
    named = [needs.role for needs in _needs(route.dependant)]
    return max(named, key=ROLES.index, default=ROLES[0])


def _needs(dependant: Dependant) -> Iterator[Needs]:
    for one in dependant.dependencies:
        if isinstance(one.call, Needs):
            yield one.call
        yield from _needs(one)


def _complete(route: APIRoute, method: str, operation: Object) -> None:
    name, role = route.name, least_role(route)
    operation["operationId"] = name
    operation["tags"] = [next((tag for tag, _, names in words.TAGS if name in names), "other")]
    operation["x-dolbom-role"] = role
    operation["security"] = [{"cookie": []}, {"bearer": []}] if role else []
    parameters = [_parameter(one) for one in cast(list[Object], operation.get("parameters", []))]
    if name in words.CONDITIONAL and not any(one["name"] == "If-None-Match" for one in parameters):
        parameters.append(_parameter({"name": "if-none-match", "in": "header", "schema": {"type": "string"}}))
    for one in parameters:
        # What is answered with 428 when it is missing is no choice.
        one["required"] = one["required"] or (one["name"] == "If-Match" and "428" in _part(operation, "responses"))
    if parameters:
        operation["parameters"] = parameters
    for content in _contents(operation.get("requestBody")):
        _exemplify(content)
    operation["responses"] = _responses(route, method, _part(operation, "responses"))


def _parameter(parameter: Object) -> Object:
    """A parameter is there or not: it is never null."""
    schema, name, place = _not_null(_part(parameter, "schema")), str(parameter["name"]), str(parameter["in"])
    if place == "header":
        name = name.title()
    told = words.PARAMETERS.get(name, words.Told())
    schema.pop("title", None)
    text = schema.pop("description", None) or told.text
    return {
        "name": name,
        "in": place,
        "required": place == "path" or bool(parameter.get("required")),
        "description": text,
        "schema": {**schema, **(told.schema if place == "path" else {})},
        **({"examples": told.examples} if told.examples else {}),
    }


def _not_null(schema: Object) -> Object:
    choices = [one for one in cast(list[Object], schema.get("anyOf", [])) if one.get("type") != "null"]
    if len(choices) != 1:
        return dict(schema)
    return {**choices[0], **{name: value for name, value in schema.items() if name != "anyOf"}}


def _responses(route: APIRoute, method: str, declared: Object) -> Object:
    """The answers in the order of their status: the good ones, then the problems."""
    answers: dict[int, Object] = {}
    for text in declared:
        if (status := int(text)) < 400:
            answers[status] = _good(route.name, status, _part(declared, text))
    if route.name in words.CONDITIONAL:
        answers[304] = _good(route.name, 304, {"description": "It is what you have: `If-None-Match` names it"})
    own = [int(text) for text in declared if int(text) >= 400 and int(text) not in (404, *_EVERYWHERE)]
    for status in (*_EVERYWHERE, *own, *_told_by(route, method)):
        if (route.name, status) in words.OWN:
            answers[status] = _problem(status, *words.OWN[route.name, status])
        else:
            answers[status] = {"$ref": _REF.format("responses", _name(status))}
    return {str(status): answers[status] for status in sorted(answers)}


def _told_by(route: APIRoute, method: str) -> Iterator[int]:
    if "{" in route.path_format or route.name in words.OF_A_CAMERA:
        yield 404
    if method not in SAFE_METHODS:
        yield from _OF_BODIES


def _good(name: str, status: int, answer: Object) -> Object:
    if answer.get("description") in (None, "Successful Response"):
        answer["description"] = words.GOOD[status]
    for content in _contents(answer):
        _exemplify(content)
    if names := words.headers_of(name, status):
        answer["headers"] = {one: {"$ref": _REF.format("headers", one)} for one in names}
    return answer


def _problem(status: int, kind: str = "", detail: str = "") -> Object:
    told = words.PROBLEMS[status]
    kind, detail = kind or told.kind, detail or told.detail
    example = {
        "type": f"urn:dolbom:problem:{kind}" if kind else "about:blank",
        "title": kind.replace("-", " ").capitalize() or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": "/api/v1/cameras/sun",
    }
    content = {MEDIA_TYPE: {"schema": {"$ref": _REF.format("schemas", "Problem")}, "example": example}}
    headers = {one: {"$ref": _REF.format("headers", one)} for one in told.headers}
    return {"description": told.text, "content": content, **({"headers": headers} if headers else {})}


def _exemplify(content: Object) -> None:
    schema = _part(content, "schema") if "schema" in content else {}
    choice = _not_null(schema)
    name = str(choice.get("$ref", "")).rpartition("/")[2]
    if "example" not in content and name in EXAMPLES:
        content["example"] = EXAMPLES[name]


def _schemas(schemas: Object) -> Object:
    kept = {name: schema for name, schema in schemas.items() if name not in ("HTTPValidationError", "ValidationError")}
    if "ProblemBody" in kept:
        kept["Problem"] = {**_part(kept, "ProblemBody"), "title": "Problem"}
        del kept["ProblemBody"]
    for name in kept:
        schema = _part(kept, name)
        if name in EXAMPLES:
            schema["example"] = EXAMPLES[name]
        for field, told in cast(dict[str, Object], schema.get("properties", {})).items():
            _moment(field, told)
    return dict(sorted(kept.items()))


def _moment(field: str, schema: Object) -> None:
    """Moments are written down as texts, which their schema does not tell by itself."""
    for one in (schema, *cast(Sequence[Object], schema.get("anyOf", ()))):
        if _MOMENT.fullmatch(field) and one.get("type") == "string" and "format" not in one:
            one["format"] = "date-time"


def _contents(part: object) -> list[Object]:
    held = cast(Object, part or {}).get("content", {})
    return list(cast(dict[str, Object], held).values())


def _part(of: Object, name: str) -> Object:
    return cast(Object, of[name])


def _name(status: int) -> str:
    return "".join(word.capitalize() for word in re.findall("[a-z]+", words.PROBLEMS[status].title.lower()))
