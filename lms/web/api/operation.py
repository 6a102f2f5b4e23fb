"""One JSON call: who may make it, what it takes and answers; checked and described from its types.

No library serves here: those that derive OpenAPI from pydantic describe errors as
application/json and validate each answer again at run time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, wraps
from typing import Any, Literal

from flask import Blueprint, current_app, g, request
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from werkzeug.exceptions import BadRequest, Forbidden
from werkzeug.wrappers import Response

from lms.live import Topic
from lms.refusals import Invalid, Refusal
from lms.web import live
from lms.web.api import problems
from lms.web.errors import answer
from lms.web.keys import idempotency_key
from lms.web.session import csrf, person, read_together, require_anybody

Role = Literal["student", "admin", "anybody", "signed_in"]
View = Callable[..., Any]
MOST_KEYS = 100
"""More than any call takes: each wrong one is named in the answer, which 60,000 make costly."""


class Body(BaseModel):
    """What a client sends: camelCase, of the exact JSON types, nothing misspelled."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True, extra="forbid")


class Query(BaseModel):
    """The query parameters; numbers arrive as text, blank ones are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class Answer(BaseModel):
    """What the server answers: camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


@dataclass(frozen=True)
class Operation:
    """What is declared of one call."""

    method: str
    path: str
    summary: str
    role: Role
    answers: dict[int, type | None]
    body: type[Body] | None
    query: type[Query] | None
    refusals: tuple[type[Refusal], ...]
    topics: tuple[Topic, ...] | None
    checks_csrf: bool
    takes_key: bool
    is_read_behind: bool


@dataclass
class Operations:
    """All calls of the interface, registered with Flask and remembered for the description."""

    blueprint: Blueprint
    declared: list[Operation] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Checked in each operation instead, after authentication: 401 comes before 403.
        csrf.exempt(self.blueprint)

    def add(
        self,
        method: Literal["GET", "POST", "PATCH", "DELETE"],
        path: str,
        *,
        role: Role,
        answers: dict[int, type | None],
        body: type[Body] | None = None,
        query: type[Query] | None = None,
        refusals: Iterable[type[Refusal]] = (),
        topics: tuple[Topic, ...] | None = None,
        checks_csrf: bool = True,
        takes_key: bool = False,
        is_read_behind: bool = False,
    ) -> Callable[[View], View]:
        """Declare a call; the view gets path values, `body`, `query` and `key`.

        It returns the answer, or `(answer, status)` where several statuses are declared. With
        `topics` the answer carries an ETag and an unchanged one is 304. With `takes_key` the call
        may carry an Idempotency-Key. `is_read_behind` says that its answer may come from a standby.
        """

        def decorate(view: View) -> View:
            operation = Operation(
                method=method,
                path=path,
                summary=(view.__doc__ or "").strip().partition("\n")[0],
                role=role,
                answers=answers,
                body=body,
                query=query,
                refusals=tuple(refusals),
                topics=topics,
                checks_csrf=checks_csrf and method != "GET",
                takes_key=takes_key,
                is_read_behind=is_read_behind,
            )
            self.declared.append(operation)
            self.blueprint.add_url_rule(
                path, view.__name__, _served(operation, view), methods=[method]
            )
            return view

        return decorate


def _served(operation: Operation, view: View) -> View:
    @wraps(view)
    def serve(**values: Any) -> Response:
        _authorize(operation)
        if operation.topics is not None:
            tag = live.begin(operation.topics)
            if request.if_none_match.contains_weak(tag):
                return live.unchanged(tag)
        try:
            values |= _given(operation)
        except ValidationError as error:
            detail = "Correct the fields listed in errors and try again."
            return answer(422, "invalid", detail, errors=problems.by_field(error))
        response = _answered(operation, view(**values))
        tag = g.live_etag if operation.topics is not None else ""
        return live.tagged(response, tag) if tag else response

    if operation.topics is not None:
        read_together(serve, operation.topics)
    return serve


def _given(operation: Operation) -> dict[str, Any]:
    """Return what the client sends beside the path, checked."""
    given: dict[str, Any] = {}
    if operation.query is not None:
        given["query"] = operation.query.model_validate(_asked())
    if operation.body is not None:
        given["body"] = operation.body.model_validate(_json_body())
    if operation.takes_key:
        given["key"] = idempotency_key()
    return given


def _authorize(operation: Operation) -> None:
    if operation.role != "anybody":
        require_anybody()
    if operation.role in {"student", "admin"} and person().role != operation.role:
        raise Forbidden(f"Only {operation.role}s can make this call.")
    if operation.checks_csrf:
        csrf.protect()


def _asked() -> dict[str, object]:
    """Return the query parameters; a repeated name becomes a list, which no field accepts."""
    asked = {name: [text for text in texts if text] for name, texts in request.args.lists()}
    return {name: texts if texts[1:] else texts[0] for name, texts in asked.items() if texts}


def _json_body() -> object:
    if not request.get_data():
        return {}  # as much as a body in which everything is left out
    try:
        body = request.get_json(silent=False, force=True)
    except (BadRequest, RecursionError):
        return None
    if isinstance(body, dict) and len(body) > MOST_KEYS:
        raise Invalid("body", f"Send at most {MOST_KEYS} keys.")
    return body


def _answered(operation: Operation, result: Any) -> Response:
    status = next(iter(operation.answers))
    if isinstance(result, tuple):
        result, status = result
    model = operation.answers[status]
    if model is None:
        return current_app.response_class(status=status)
    return current_app.response_class(
        adapter(model).dump_json(result, by_alias=True), status=status, mimetype="application/json"
    )


@cache
def adapter(model: type) -> TypeAdapter[Any]:
    """Return what turns values of a type into JSON and describes them."""
    return TypeAdapter(model)
