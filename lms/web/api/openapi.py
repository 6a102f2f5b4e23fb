"""GET /api/openapi.json: the description of every call, generated from what is declared of it."""

import re
from typing import Any

from flask import Response, jsonify, request
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from lms.web import behind
from lms.web.api.operation import Answer, Operation, Operations, adapter
from lms.web.errors import status_and_code
from lms.web.keys import HEADER, KEY

_REF = "#/components/schemas/{model}"
_AS_OF = {
    "description": "The time up to which the answer includes all changes, if it comes from a"
    " standby.",
    "schema": {"type": "string", "format": "date-time"},
}


class Problem(Answer):
    """An error; `detail` says what to do."""

    title: str
    status: int
    detail: str
    code: str
    errors: dict[str, list[str]] | None = None
    decided_by: str | None = None
    decided_at: str | None = None
    decision: str | None = None


def register(operations: Operations) -> None:
    """Serve the description of all operations, whenever they were declared."""

    @operations.blueprint.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(describe(operations.declared, below=request.script_root))


def describe(declared: list[Operation], *, below: str = "") -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    inputs: dict[tuple[type, JsonSchemaMode], TypeAdapter[Any]] = {
        (Problem, "serialization"): adapter(Problem)
    }
    for operation in declared:
        for answer in operation.answers.values():
            if answer is not None:
                inputs[answer, "serialization"] = adapter(answer)
        for model in (operation.body, operation.query):
            if model is not None:
                inputs[model, "validation"] = adapter(model)
    references, definitions = TypeAdapter.json_schemas(
        [(model, mode, known) for (model, mode), known in inputs.items()],
        by_alias=True,
        ref_template=_REF,
    )
    schemas: dict[Any, Any] = {key[0]: schema for key, schema in references.items()}
    components = definitions.get("$defs", {})
    paths: dict[str, dict[str, Any]] = {}
    for operation in declared:
        path = "/api" + re.sub(r"<int:(\w+)>", r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _described(
            operation, schemas, components
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Learning portal", "version": "1.0.0"},
        "servers": [{"url": below or "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "portal"},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRFToken"},
            },
        },
    }


def _described(
    operation: Operation, schemas: dict[Any, Any], components: dict[str, Any]
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": re.sub(r"\W+", "_", f"{operation.method.lower()}{operation.path}"),
        "parameters": _parameters(operation, schemas, components),
        "responses": _responses(operation, schemas),
        "security": _security(operation),
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[operation.body]}},
        }
    return described


def _parameters(
    operation: Operation, schemas: dict[Any, Any], components: dict[str, Any]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
        for name in re.findall(r"<int:(\w+)>", operation.path)
    ]
    if operation.query is not None:
        schema = schemas[operation.query]
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        schema = components.get(name, schema)
        found += [
            {
                "name": name,
                "in": "query",
                "required": False,
                "schema": {"anyOf": [known, {"type": "string", "maxLength": 0}]},
                "description": f"{known.get('description', '')} A blank value is ignored.".lstrip(),
            }
            for name, known in schema["properties"].items()
        ]
    if operation.takes_key:
        found.append(
            {
                "name": HEADER,
                "in": "header",
                "required": False,
                "schema": {"type": "string", "pattern": f"^{KEY.pattern}$"},
                "description": "The same key makes the same change once, however often it is sent.",
            }
        )
    return found


def _responses(operation: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, model in operation.answers.items():
        responses[str(status)] = {"description": "Done"}
        if model is not None:
            content = {"application/json": {"schema": schemas[model]}}
            responses[str(status)]["content"] = content
    if operation.is_read_behind:
        responses["200"]["headers"] = {behind.HEADER: _AS_OF}
    if operation.topics is not None:
        responses["304"] = {"description": "Unchanged since the ETag in If-None-Match"}
    codes: dict[int, set[str]] = {}
    for status, code in _problems(operation):
        codes.setdefault(status, set()).add(code)
    for status, names in sorted(codes.items()):
        if str(status) not in responses:
            responses[str(status)] = {
                "description": "Code " + " or ".join(sorted(names)),
                "content": {"application/problem+json": {"schema": schemas[Problem]}},
            }
    return responses


def _problems(operation: Operation) -> list[tuple[int, str]]:
    problems = [status_and_code(refusal) for refusal in operation.refusals]
    problems.append((503, "unavailable"))  # while the database is
    if operation.role != "anybody":
        problems.append((401, "not_authenticated"))
    if operation.role != "anybody" or operation.checks_csrf:
        problems.append((403, "forbidden"))
    if "<int:" in operation.path:
        problems.append((404, "not_found"))
    if operation.body is not None or operation.query is not None:
        problems.append((422, "invalid"))
    if operation.body is not None or operation.query is not None or operation.method == "POST":
        problems += [(408, "too_slow"), (413, "too_large")]
    return problems


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    schemes: dict[str, list[str]] = {}
    if operation.role != "anybody":
        schemes["session"] = []
    if operation.checks_csrf:
        schemes["csrf"] = []
    return [schemes] if schemes else [{}]
