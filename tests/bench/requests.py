"""CPU per request on the demo school (SQLite), as a multiple of a bare Flask route's.

Both are called as WSGI applications in this process, in turn, so that the machine's speed cancels.
"""

import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import flask_migrate
from flask import Flask
from flask.testing import FlaskClient

from lms import create_app
from lms.demo.load import load
from lms.demo.logins import LOGINS
from tests.databases import settings

ROUNDS = 5
CALLS = 10

Call = Callable[[], object]


def main() -> None:
    """Print one line per case: the median ratio, and its range."""
    bare = Flask("bare")
    bare.add_url_rule("/", view_func=lambda: "ok")
    floor = bare.test_client()
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(settings(f"sqlite:///{Path(folder) / 'bench.db'}"))
        with app.app_context():
            flask_migrate.upgrade()
            load(lambda _: None, stripe=Path(folder) / "stripe")
        cases = _cases(_signed_in(app, "student"), _signed_in(app, "admin"))
        print(f"{'case':32}{'ratio':>8}{'least':>8}{'most':>8}")
        for name, call in cases.items():
            call()
            ratios = [_cpu(call) / _cpu(_get(floor)) for _ in range(ROUNDS)]
            print(f"{name:32}{statistics.median(ratios):8.1f}{min(ratios):8.1f}{max(ratios):8.1f}")
            sys.stdout.flush()


def _get(client: FlaskClient) -> Call:
    return lambda: client.get("/")


def _cases(student: FlaskClient, admin: FlaskClient) -> dict[str, Call]:
    return {
        "unchanged poll": _poll(student, "/student/courses"),
        "student dashboard": lambda: student.get("/student/dashboard"),
        "student courses": lambda: student.get("/student/courses"),
        "student courses, JSON": lambda: student.get("/api/student/courses"),
        "admin queue": lambda: admin.get("/admin/requests"),
        "admin students": lambda: admin.get("/admin/students"),
        "admin analytics": lambda: admin.get("/admin/analytics"),
        "validate the school": lambda: admin.get("/api/sync/validate"),
        "reopen and complete a chapter": _learn(student),
    }


def _signed_in(app: Flask, role: str) -> FlaskClient:
    client = app.test_client()
    [(email, password)] = [login[1:] for login in LOGINS if login[0] == role]
    form = client.get("/login").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    assert token is not None
    answer = client.post(
        "/login",
        data={"email": email, "password": password, "csrf_token": token[1]},
    )
    assert answer.status_code == 303
    return client


def _poll(client: FlaskClient, address: str) -> Call:
    etag = client.get(address, headers={"X-Live": "1"}).headers["ETag"]

    def poll() -> None:
        answer = client.get(address, headers={"X-Live": "1", "If-None-Match": etag})
        assert answer.status_code == 304

    return poll


def _learn(client: FlaskClient) -> Call:
    courses = client.get("/api/student/progress-details").get_json()["courses"]
    chapter = next(c["chapters"][0]["id"] for c in courses if c["chapters"])
    token = client.get("/api/session").get_json()["csrfToken"]

    def learn() -> None:
        for completed in (False, True):
            answer = client.post(
                "/api/student/chapters/complete",
                json={"chapterId": chapter, "completed": completed},
                headers={"X-CSRFToken": token},
            )
            assert answer.status_code == 200

    return learn


def _cpu(call: Call) -> float:
    began = time.process_time()
    for _ in range(CALLS):
        call()
    return time.process_time() - began
