"""The JSON calls of sync, as the contract tells them."""

import time
from threading import Event

import pytest
from flask import Flask

from lms import enrollment
from lms.questions import Few
from lms.sync.kinds import KINDS
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.patience import PATIENCE
from tests.web.browser import Browser
from tests.web.conftest import Act


@pytest.fixture
def drifted(act: Act, sql: Sql) -> int:
    """The id of a student whose two progress rows say what was not learned."""
    student, course = act(a_student), act(a_course, chapters=2)
    act(enrollment.enroll, student, course, by=None)
    sql("UPDATE enrollments SET progress = 40 WHERE user_id = :student", student=student)
    return int(student)


def test_validate_lists_every_kind_even_at_0(admin: Browser) -> None:
    report = admin.get("/api/sync/validate").get_json()
    assert report["ok"] is True
    assert report["total"] == 0
    assert report["checkedAt"].endswith("Z")
    assert [check["kind"] for check in report["checks"]] == list(KINDS)
    assert all(check["count"] == 0 and check["sample"] == [] for check in report["checks"])


def test_a_violation_is_reported_repaired_and_undone(admin: Browser, drifted: int) -> None:
    report = admin.get(f"/api/sync/validate?studentId={drifted}").get_json()
    check = next(check for check in report["checks"] if check["kind"] == "progress_drift")
    assert check["count"] == 1
    sample = check["sample"][0]
    assert (sample["studentId"], sample["expected"], sample["actual"]) == (drifted, "0", "40")

    preview = admin.send_json("POST", "/api/sync/auto-fix", {"dryRun": True}).get_json()
    assert preview["dryRun"] is True
    assert preview["fixed"]["progress_drift"] == 1
    assert not any(preview["remaining"].values())

    answer = admin.send_json("POST", "/api/sync/auto-fix")
    assert answer.status_code == 200
    result = answer.get_json()
    assert result["fixed"]["progress_drift"] == 1
    assert result["total"] == 1
    assert not any(result["remaining"].values())
    assert admin.send_json("POST", "/api/sync/auto-fix", {}).get_json()["total"] == 0

    undone = admin.send_json("POST", f"/api/sync/runs/{result['runId']}/undo")
    assert undone.status_code == 200
    assert undone.get_json()["kept"] == []
    assert admin.get("/api/sync/validate").get_json()["total"] == 1


def test_explain_names_the_broken_rule(admin: Browser, drifted: int) -> None:
    why = admin.get(f"/api/sync/explain?studentId={drifted}&courseId=1").get_json()
    assert why["hasAccess"] is True
    assert why["violations"][0]["kind"] == "progress_drift"
    assert admin.get("/api/sync/explain?studentId=1").status_code == 422
    assert admin.get("/api/sync/explain?studentId=999&courseId=1").status_code == 404


def test_while_many_wait_to_be_recognized_nobody_is_told_details(
    app: Flask, admin: Browser
) -> None:
    assert "violations" in admin.get("/api/sync/health").get_json()
    askers: Few[bool] = app.extensions["askers"]
    answers = Event()
    waiting = []
    try:
        while (question := askers.ask(lambda: answers.wait(PATIENCE))) is not None:
            waiting.append(question)
        assert admin.get("/api/sync/health").get_json() == {"status": "ok"}
    finally:
        answers.set()
    assert all(each.answer(time.monotonic() + PATIENCE) for each in waiting)
    assert len(waiting) <= 5
    assert "violations" in admin.get("/api/sync/health").get_json()


def test_health_is_public_and_tells_admins_more(
    browser: Browser, student: Browser, admin: Browser
) -> None:
    assert browser.get("/api/sync/health").get_json() == {"status": "ok"}
    assert student.get("/api/sync/health").get_json() == {"status": "ok"}
    health = admin.get("/api/sync/health").get_json()
    assert health["status"] == "ok"
    assert set(health["violations"]) == set(KINDS)
    assert health["database"]["isWritable"] is True
    assert {"lastValidation", "lastAutoFix", "failedWebhookEvents"} <= set(health)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/sync/validate"),
        ("POST", "/api/sync/auto-fix"),
        ("POST", "/api/sync/runs/1/undo"),
        ("GET", "/api/sync/explain?studentId=1&courseId=1"),
    ],
)
def test_sync_is_for_admins(browser: Browser, student: Browser, method: str, path: str) -> None:
    assert browser.open(path, method=method).status_code == 401
    assert student.open(path, method=method).status_code == 403


def test_a_broken_body_repairs_nothing(admin: Browser, drifted: int) -> None:
    headers = {"X-CSRFToken": admin.csrf_token()}
    answer = admin.post("/api/sync/auto-fix", data="{", headers=headers)
    assert answer.status_code == 422
    assert admin.get("/api/sync/validate").get_json()["total"] == 1
    assert admin.send_json("POST", "/api/sync/runs/99/undo").status_code == 404


def test_the_sync_page_shows_repairs_and_undoes(admin: Browser, drifted: int) -> None:
    page = admin.get("/admin/sync").get_data(as_text=True)
    assert "Progress differs from chapters completed: 1" in page
    assert admin.send_form("/admin/sync/validate").status_code == 303
    assert admin.send_form("/admin/sync/preview").status_code == 303
    assert "1 violation would be repaired" in admin.get("/admin/sync").get_data(as_text=True)
    assert admin.send_form("/admin/sync/fix").status_code == 303
    page = admin.get("/admin/sync").get_data(as_text=True)
    assert "1 violation repaired." in page
    assert "No violations found" in page
    assert "progress 40" in admin.get("/admin/sync/runs/2").get_data(as_text=True)
    assert admin.send_form("/admin/sync/runs/2/undo").status_code == 303
    page = admin.get(f"/admin/sync?student={drifted}").get_data(as_text=True)
    assert "Progress differs from chapters completed: 1" in page
    assert "Its repair was undone" in page
    assert admin.send_form("/admin/sync/attention/1/dismiss").status_code == 303
    page = admin.get(f"/admin/students/{drifted}/courses/1").get_data(as_text=True)
    assert "Progress differs from chapters completed. Expected: 0. Found: 40." in page
    assert admin.get("/admin/sync/runs/99").status_code == 404
