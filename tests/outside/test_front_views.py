"""Polls of an admin who views the portal as a student."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from lms import enrollment
from tests.outside.client import Client
from tests.outside.conftest import Add
from tests.outside.test_front import OpenPage
from tests.patience import comes
from tests.server import Portal


def _stop(client: Client, _student: int) -> None:
    client.form("/viewing/end")


def _time_is_up(client: Client, _student: int) -> None:
    client.portal.sql("UPDATE sign_ins SET viewed_until = created_at")


def _student_is_gone(client: Client, student: int) -> None:
    client.portal.call(enrollment.delete_user, student, by=None)


def _admin_is_out(client: Client, _student: int) -> None:
    client.portal.call(enrollment.deactivate_user, client.user_id, by=None)


def _admin_is_none(client: Client, _student: int) -> None:
    client.portal.call(enrollment.change_role, client.user_id, "student", by=None)


@pytest.mark.parametrize(
    ("end", "status"),
    [
        *((_stop, 403), (_time_is_up, 403), (_student_is_gone, 403)),
        *((_admin_is_out, 401), (_admin_is_none, 401)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_next_poll_after_a_view_as_a_student_has_ended_shows_nothing_of_theirs(
    add: Add, admin: Client, end: Callable[[Client, int], None], status: int
) -> None:
    add(role="admin")  # the school keeps one
    student = add().user_id
    answer = admin.form(f"/admin/students/{student}/view", reason="")
    assert answer.headers["Location"] == "/student/dashboard"
    page = OpenPage(admin)
    assert page.polls() == {304}
    end(admin, student)
    assert page.polls() == {status}


def test_a_view_whose_time_runs_out_while_nothing_happens_ends_for_polls_too(
    portal: Portal, add: Add, admin: Client
) -> None:
    student = add().user_id
    admin.form(f"/admin/students/{student}/view", reason="")
    soon = datetime.now(UTC) + timedelta(seconds=2)
    page = OpenPage(admin)
    portal.sql(
        "UPDATE sign_ins SET viewed_until = :soon WHERE viewed_id IS NOT NULL",
        soon=soon if portal.database_url.startswith("postgresql") else f"{soon:%F %T.%f}",
    )
    assert comes(lambda: page.polls() == {403})
