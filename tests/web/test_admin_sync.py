"""The sync page: one student or one course is healed by a button, and long work shows how far."""

import re

import pytest
from flask import Flask

from lms import background, enrollment, sync
from lms.queries.paging import PAGE_SIZE
from lms.queries.sync import runs
from lms.sync.reports import carry_out
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.patience import comes
from tests.web.browser import Browser
from tests.web.conftest import Act, Statements


@pytest.fixture
def drifted(act: Act, sql: Sql) -> tuple[list[int], list[int]]:
    """Two students in two courses each, with a progress that nobody has learned."""
    students, courses = [act(a_student), act(a_student)], [act(a_course), act(a_course)]
    for student in students:
        for course in courses:
            act(enrollment.enroll, student, course, by=None)
    sql("UPDATE enrollments SET progress = 40")
    return students, courses


def test_one_student_is_healed_by_a_button(
    admin: Browser, act: Act, drifted: tuple[list[int], list[int]]
) -> None:
    [ada, bob], [algebra, _] = drifted
    address = f"/admin/sync?student={ada}"
    for page in (address, f"/admin/students/{ada}"):
        assert f'action="/admin/sync/fix?student={ada}"' in admin.get(page).text
    page = admin.get(address).text
    assert "Showing only" in page
    assert '<caption class="visually-hidden">Progress differs from chapters completed<' in page
    why = f'href="/admin/students/{ada}/courses/{algebra}"'
    assert why in admin.get(f"/admin/students/{ada}").text
    answer = admin.send_form(f"/admin/sync/fix?student={ada}")
    assert (answer.status_code, answer.location) == (303, address)
    assert "2 violations repaired." in admin.get(address).text
    assert act(_drifted, student_id=ada) == 0
    assert act(_drifted, student_id=bob) == 2


def test_one_course_is_healed_by_a_button(
    admin: Browser, act: Act, drifted: tuple[list[int], list[int]]
) -> None:
    _, [algebra, botany] = drifted
    assert (
        f'action="/admin/sync/fix?course={algebra}"' in admin.get(f"/admin/courses/{algebra}").text
    )
    admin.send_form(f"/admin/sync/preview?course={algebra}")
    assert "2 violations would be repaired." in admin.get("/admin/sync").text
    admin.send_form(f"/admin/sync/fix?course={algebra}")
    assert act(_drifted, course_id=algebra) == 0
    assert act(_drifted, course_id=botany) == 2
    previewed, fixed = admin.get("/admin/sync/runs/1").text, admin.get("/admin/sync/runs/2").text
    assert ("<dt>Would be repaired</dt>" in previewed, "<dt>Changes</dt>" in fixed) == (True, True)


@pytest.mark.parametrize("pressed", ["preview", "fix"])
def test_where_nothing_is_wrong_nothing_is_counted(admin: Browser, pressed: str) -> None:
    admin.send_form(f"/admin/sync/{pressed}")
    page = admin.get("/admin/sync").text
    assert "No violations found." in page
    assert "0 violations" not in page


def test_the_trail_says_in_words_what_was_repaired(
    admin: Browser, drifted: tuple[list[int], list[int]]
) -> None:
    [ada, _], _ = drifted
    admin.send_form(f"/admin/sync/fix?student={ada}")
    trail = admin.get("/admin/audit").text
    assert "Data repaired" in trail
    assert "Reason: Repaired: Progress differs from chapters completed" in trail


def test_what_takes_long_goes_on_without_the_page(
    app: Flask,
    admin: Browser,
    act: Act,
    drifted: tuple[list[int], list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "PATIENCE_SECONDS", 0)
    admin.send_form("/admin/sync/fix")
    assert "Started. The result will appear on this page." in admin.get("/admin/sync").text
    assert comes(lambda: _has_finished(app))
    assert act(_drifted) == 0


def test_a_run_at_work_shows_how_far_it_is(admin: Browser, sql: Sql) -> None:
    sql(
        "INSERT INTO sync_runs (trigger, status, found, fixed) VALUES ('manual', 'running',"
        " '{\"progress_drift\": 80}', '{\"progress_drift\": 20}')"
    )
    page = admin.get("/admin/sync").text
    assert "20 of 80 violations repaired" in page
    assert '<progress value="25"' in page


@pytest.mark.parametrize(
    ("status", "fixed", "said"),
    [
        ("running", "{}", "No changes yet"),
        ("running", '{"daily_count_drift": 2}', "No changes yet"),
        ("finished", '{"daily_count_drift": 2}', "This run only recounted figures"),
        ("failed", "{}", "The run stopped before it changed anything."),
        ("finished", "{}", "There was nothing that this run could repair."),
        ("undone", "{}", "There was nothing that this run could repair."),
    ],
)
def test_a_run_without_rows_says_why(
    admin: Browser, sql: Sql, status: str, fixed: str, said: str
) -> None:
    [(run_id,)] = sql(
        "INSERT INTO sync_runs (trigger, status, found, fixed) VALUES ('manual', :status, '{}',"
        " :fixed) RETURNING id",
        status=status,
        fixed=fixed,
    )
    assert said in admin.get(f"/admin/sync/runs/{run_id}").text


def test_a_run_lists_all_that_it_changed_and_first_what_an_undo_left(
    admin: Browser, sql: Sql
) -> None:
    [(run_id,)] = sql(
        "INSERT INTO sync_runs (trigger, status, found, fixed)"
        " VALUES ('manual', 'undone', '{}', '{}') RETURNING id"
    )
    sql(
        *(
            "INSERT INTO sync_changes (run_id, kind, table_name, row_id, not_undone) VALUES"
            f" ({run_id}, 'progress_drift', 'enrollments', {row}, '{why}')"
            for row, why in [*((row, "") for row in range(1, PAGE_SIZE + 2)), (999, "Learned on.")]
        )
    )
    first = admin.get(f"/admin/sync/runs/{run_id}").text
    second = admin.get(f"/admin/sync/runs/{run_id}?page=2").text
    listed = [re.findall(r"<div>enrollments (\d+)<", page) for page in (first, second)]
    assert listed == [["999", *map(str, range(1, PAGE_SIZE))], ["50", "51"]]
    assert f"{PAGE_SIZE + 2} changed rows, page 1 of 2" in first
    assert admin.get(f"/admin/sync/runs/{run_id}?page=3").status_code == 302


def test_the_page_shows_the_stored_report_and_says_when_it_is_outdated(
    admin: Browser, act: Act, drifted: tuple[list[int], list[int]], statements: Statements
) -> None:
    first = admin.get("/admin/sync")
    assert "Progress differs from chapters completed: 4" in first.text
    assert "The school has changed" not in first.text
    act(enrollment.enroll, act(a_student), drifted[1][0], by=None)
    with statements() as sent:
        page = admin.get("/admin/sync").text
    assert "Progress differs from chapters completed: 4" in page
    assert "The school has changed since it was checked. The next validation is due at" in page
    assert len(sent) <= 16


def test_a_new_report_reaches_an_open_page(admin: Browser, act: Act, sql: Sql) -> None:
    fresh = admin.get("/admin/sync", headers={"X-Live": "1"})
    act(enrollment.enroll, act(a_student), act(a_course), by=None)
    sql("UPDATE enrollments SET progress = 40")
    admin.get("/api/sync/validate")
    poll = {"X-Live": "1", "If-None-Match": fresh.headers["ETag"]}
    assert (
        "Progress differs from chapters completed: 1" in admin.get("/admin/sync", headers=poll).text
    )


def test_however_many_press_one_validation_runs(admin: Browser, act: Act, sql: Sql) -> None:
    run_id = act(sync.begin_validation)
    for _ in range(3):
        assert admin.send_form("/admin/sync/validate").status_code == 303
        assert "A validation is already running." in admin.get("/admin/sync").text
    page = admin.get("/admin/sync").text
    assert "A validation is in progress" in page
    assert f"0 of {act(sync.latest).checks} checks done." in page
    assert "Not validated yet" in page
    assert [row.id for row in sql("SELECT id FROM validations")] == [run_id]
    act(carry_out, run_id)
    assert "A validation is in progress" not in admin.get("/admin/sync").text
    admin.send_form("/admin/sync/validate")
    assert "No violations found." in admin.get("/admin/sync").text
    assert act(sync.latest).number > run_id


def test_a_validation_goes_on_without_the_page(
    admin: Browser, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "PATIENCE_SECONDS", 0)
    admin.send_form("/admin/sync/validate")
    assert comes(lambda: act(sync.latest).report)
    admin.get("/admin/sync")


def _drifted(student_id: int | None = None, course_id: int | None = None) -> int:
    return sync.validate(sync.Scope(student_id, course_id)).total


def _has_finished(app: Flask) -> bool:
    with app.app_context():
        return [run.status for run in runs()] == ["finished"]
