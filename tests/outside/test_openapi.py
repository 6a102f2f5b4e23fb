"""What the server answers is what /api/openapi.json says, for input of every kind."""

from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.builders import a_chapter, a_course, a_public_course, a_request, a_student
from tests.faults.profile import NIGHTLY
from tests.outside.client import Client
from tests.outside.conftest import Add
from tests.patience import PATIENCE
from tests.server import Portal

EXAMPLES = 240 if NIGHTLY else 8
"""Per call and kind of input: in a night more than 10,000 as each who may ask."""


@pytest.fixture(scope="module")
def schemathesis() -> Any:
    """Imported here alone: it takes long to load, and every test process collects this file."""
    return import_module("schemathesis")


@pytest.fixture
def ids(portal: Portal) -> dict[str, list[int]]:
    """Rows that exist, so that calls do not end at 'not found'."""
    courses = [portal.call(a_course), portal.call(a_public_course, chapters=1)]
    students = [portal.call(a_student) for _ in range(3)]
    requests = [portal.call(a_request, student, courses[0]) for student in students]
    chapters = [portal.call(a_chapter, course) for course in courses]
    return {
        "courseId": courses,
        "studentId": students,
        "student_id": students,
        "chapterId": chapters,
        "request_id": requests,
        "ids": requests,
    }


def test_the_description_is_valid_openapi_3_1(portal: Portal, schemathesis: Any) -> None:
    document = Client(portal).get("/api/openapi.json").json()
    assert document["openapi"].startswith("3.1.")
    definitions = import_module("schemathesis.specs.openapi.definitions")
    errors = [error.message for error in definitions.OPENAPI_31_VALIDATOR.iter_errors(document)]
    assert errors == []
    names = [call["operationId"] for path in document["paths"].values() for call in path.values()]
    assert len(names) == len(set(names))


def test_every_call_of_the_interface_is_described(portal: Portal) -> None:
    document = Client(portal).get("/api/openapi.json").json()
    described = {
        (method.upper(), path.partition("{")[0])
        for path, calls in document["paths"].items()
        for method in calls
    }
    served = {
        (method, rule.rule.partition("<")[0])
        for rule in portal.app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and rule.endpoint != "api.openapi"
        for method in set(rule.methods or ()) - {"HEAD", "OPTIONS"}
    }
    assert described == served


@pytest.mark.timeout(3600 if NIGHTLY else 600)
@pytest.mark.parametrize("portal", ["postgresql"], indirect=True)  # it stores less than SQLite
@pytest.mark.parametrize("who", ["nobody", "unproven", "student", "admin"])
def test_answers_are_as_described(
    portal: Portal,
    schemathesis: Any,
    ids: dict[str, list[int]],
    add: Add,
    who: str,
) -> None:
    caller = _caller(portal, add, who)
    is_known = who in {"student", "admin"}
    checks = _checks() if is_known else _checks()[:-1]  # others' input is not even read
    statuses: Counter[int] = Counter()
    for operation, mode in _operations(schemathesis, caller):
        valid = mode is schemathesis.GenerationMode.POSITIVE
        cases = operation.as_strategy(generation_mode=mode)
        statuses += _tried(cases, caller, checks=checks, ids=ids if valid else {})
    assert ({200, 201, 404} if is_known else {200, 401}) <= set(statuses)
    assert statuses.total() >= (10_000 if NIGHTLY else 300)


def _caller(portal: Portal, add: Add, who: str) -> Client:
    caller = Client(portal) if who == "nobody" else add("admin" if who == "admin" else "student")
    if who == "unproven":
        portal.sql("UPDATE users SET email_verified_at = NULL WHERE id = :id", id=caller.user_id)
    caller.refresh_token()
    return caller


def _tried(
    cases: Any, caller: Client, *, checks: list[Any], ids: dict[str, list[int]]
) -> Counter[int]:
    """Send some of the cases, hold each answer to the description, and count the statuses."""
    statuses: Counter[int] = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=not NIGHTLY,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, data=st.data())
    def send(case: Any, data: st.DataObject) -> None:
        for part in (case.body, case.path_parameters):
            _use_existing(part, ids, data)
        answer = case.call(
            base_url=caller.portal.url,
            session=caller.http,
            headers={"X-CSRFToken": caller.token},
            timeout=PATIENCE,
        )
        case.validate_response(answer, checks=checks)
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        statuses[answer.status_code] += 1

    send()
    return statuses


def _operations(schemathesis: Any, caller: Client) -> Iterator[tuple[Any, Any]]:
    """Return each call twice where it takes anything: for input that fits, and that does not."""
    document = caller.get("/api/openapi.json").json()
    for calls in document["paths"].values():
        for call in calls.values():
            del call["security"]  # the caller's own cookie and token are sent, not made-up ones
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()
        yield operation, schemathesis.GenerationMode.POSITIVE
        if operation.body or operation.query or operation.path_parameters:
            yield operation, schemathesis.GenerationMode.NEGATIVE


def _checks() -> list[Any]:
    """Return what makes an answer one that was promised."""
    found = import_module("schemathesis.specs.openapi.checks")
    return [
        found.status_code_conformance,
        found.content_type_conformance,
        found.response_schema_conformance,
        found.negative_data_rejection,
    ]


def _use_existing(part: Any, ids: dict[str, list[int]], data: st.DataObject) -> None:
    """Put ids of rows that exist where made-up ones of the right type are."""
    if not isinstance(part, dict):
        return
    for name in part.keys() & ids.keys():
        existing = st.sampled_from(ids[name])
        if type(part[name]) is int:
            part[name] = data.draw(existing)
        elif isinstance(part[name], list) and all(type(each) is int for each in part[name]):
            part[name] = [data.draw(existing) for _ in part[name]]
