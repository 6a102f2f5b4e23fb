"""What answers before Flask, over real connections to two processes."""

import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import cast

import pytest
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import TimestampSigner

from lms import accounts, enrollment
from tests.builders import a_public_course
from tests.databases import Server
from tests.outside.client import PASSWORD, Client, newcomer
from tests.outside.conftest import Add
from tests.patience import PATIENCE, comes
from tests.server import WORKERS, Portal, serving

on_sqlite = pytest.mark.parametrize("portal", ["sqlite"], indirect=True)
"""What happens before the database is asked is the same with both."""


class OpenPage:
    """A page that polls as live.js does, from a new connection each time.

    The kernel spreads connections over the processes: so many polls reach each of them.
    """

    def __init__(self, client: Client, address: str = "/student/courses") -> None:
        tag = re.search(r'data-live-etag="([^"]+)"', client.get(address).text)
        assert tag is not None
        self.headers = {"X-Live": "courses=000000000000", "If-None-Match": unescape(tag[1])}
        self._client = client
        self._address = address

    def polls(self) -> set[int]:
        """Return the statuses that polls get from every process."""
        return {self._poll() for _ in range(8 * WORKERS)}

    def _poll(self) -> int:
        with closing(self._client.twin().http) as alone:
            url = f"{self._client.portal.url}{self._address}"
            answer = alone.get(url, headers=self.headers, allow_redirects=False, timeout=PATIENCE)
        assert answer.status_code != 304 or answer.content == b""
        return answer.status_code


def _sign_out(client: Client) -> None:
    client.form("/logout")


def _change_password(client: Client) -> None:
    elsewhere = client.twin()
    fields = {"current_password": PASSWORD, "password": "another horse 10"}
    assert elsewhere.form("/profile/password", **fields).status_code == 303


def _set_password(client: Client) -> None:
    client.portal.call(
        accounts.set_password, client.user_id, "another horse 10", by=None, reason=""
    )


def _set_email(client: Client) -> None:
    client.portal.call(enrollment.set_email, client.user_id, "other@example.org", by=None)


def _change_role(client: Client) -> None:
    client.portal.call(enrollment.change_role, client.user_id, "admin", by=None)


def _deactivate(client: Client) -> None:
    client.portal.call(enrollment.deactivate_user, client.user_id, by=None)


def _delete(client: Client) -> None:
    client.portal.call(enrollment.delete_user, client.user_id, by=None)


def _expire(client: Client) -> None:
    client.portal.sql(
        "UPDATE sign_ins SET expires_at = created_at WHERE user_id = :id", id=client.user_id
    )


def _end_from_elsewhere(client: Client) -> None:
    elsewhere = _elsewhere(client)
    [number] = set(_SIGN_INS.findall(elsewhere.get("/profile").text)) - {_own(elsewhere)}
    assert elsewhere.form(f"/profile/sign-ins/{number}/end").status_code == 303


def _end_everywhere_else(client: Client) -> None:
    elsewhere = _elsewhere(client)
    assert elsewhere.form("/profile/sign-ins/end-others").status_code == 303
    assert elsewhere.get("/profile").status_code == 200


def _by_an_admin(client: Client) -> None:
    client.portal.call(enrollment.end_sign_ins, client.user_id, by=None)


_SIGN_INS = re.compile(r'id="sign-in-(\d+)"')


def _elsewhere(client: Client) -> Client:
    [[email]] = client.portal.sql("SELECT email FROM users WHERE id = :id", id=client.user_id)
    other = Client(client.portal)
    other.sign_in(email)
    return other


def _own(client: Client) -> str:
    own = re.search(r'id="sign-in-(\d+)-device">[^<]*\(this one\)', client.get("/profile").text)
    assert own is not None
    return own[1]


@pytest.mark.parametrize(
    "end",
    [
        *(_sign_out, _change_password, _set_password, _set_email),
        *(_change_role, _deactivate, _delete, _expire),
        *(_end_from_elsewhere, _end_everywhere_else, _by_an_admin),
    ],
    ids=lambda end: end.__name__,
)
def test_the_next_poll_after_a_session_has_ended_leads_to_the_sign_in_page(
    student: Client, end: Callable[[Client], None]
) -> None:
    page = OpenPage(student)
    assert page.polls() == {304}
    end(student)
    assert page.polls() == {401}


def test_a_session_that_expires_while_nothing_else_happens_leads_there_too(student: Client) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=2)
    page = OpenPage(student)
    student.portal.sql(
        "UPDATE sign_ins SET expires_at = :soon WHERE user_id = :id",
        id=student.user_id,
        soon=soon if student.portal.database_url.startswith("postgresql") else f"{soon:%F %T.%f}",
    )
    assert comes(lambda: page.polls() == {401})


def test_polls_put_off_no_idle_end_and_pages_do_but_not_the_absolute_one(student: Client) -> None:
    moment, portal = datetime.now(UTC), student.portal

    def stored(time: datetime) -> object:
        return time if portal.database_url.startswith("postgresql") else f"{time:%F %T.%f}"

    def used(began: datetime, ends: datetime) -> None:
        portal.sql(
            "UPDATE sign_ins SET created_at = :began, last_seen_at = :began, expires_at = :ends"
            " WHERE user_id = :id",
            began=stored(began),
            ends=stored(ends),
            id=student.user_id,
        )

    def ends_after(time: datetime) -> bool:
        later = "SELECT 1 FROM sign_ins WHERE user_id = :id AND expires_at > :time"
        return bool(portal.sql(later, id=student.user_id, time=stored(time)))

    page, ends = OpenPage(student), datetime.now(UTC) + timedelta(hours=1)
    used(moment - timedelta(days=6), ends)
    assert page.polls() == {304}
    portal.call(a_public_course)
    assert page.polls() == {200}
    assert not ends_after(ends)
    used(moment - timedelta(days=6), datetime.now(UTC) + timedelta(seconds=1))
    assert comes(lambda: page.polls() == {401})
    used(moment - timedelta(days=6), ends)
    assert student.get("/student/courses").status_code == 200
    assert ends_after(moment + timedelta(days=6))
    used(ends - timedelta(days=14), ends)
    assert student.get("/student/courses").status_code == 200
    assert not ends_after(ends)
    page = OpenPage(student)
    used(ends - timedelta(days=14), datetime.now(UTC) + timedelta(seconds=1))
    assert comes(lambda: page.polls() == {401})


def test_the_next_poll_shows_what_others_and_the_student_have_changed(
    portal: Portal, student: Client
) -> None:
    page = OpenPage(student)
    course = portal.call(a_public_course)
    assert page.polls() == {200}
    page = OpenPage(student)
    assert page.polls() == {304}
    portal.call(enrollment.enroll_directly, student.user_id, course)
    assert page.polls() == {200}


def test_polls_are_answered_after_the_database_has_ended_every_connection(
    postgresql: Server,
) -> None:
    with postgresql.migrated() as url, serving(url) as portal:  # whose log may tell of it
        page = OpenPage(newcomer(portal, "sam@example.org", role="student", name="Sam Student"))
        assert page.polls() == {304}
        portal.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert page.polls() == {304}
        portal.call(a_public_course)
        assert page.polls() == {200}


def test_a_poll_with_somebody_else_s_tag_or_a_forged_cookie_is_flask_s(
    student: Client, add: Add
) -> None:
    page, other = OpenPage(student), add()
    page._client = other
    assert page.polls() == {200}
    page = OpenPage(other)
    name = "portal"  # of the session; the device has a cookie of its own
    value = other.http.cookies[name]
    forged = value[:-10] + ("A" if value[-10] != "A" else "B") + value[-9:]
    other.http.cookies.set(name, forged, domain="127.0.0.1")
    assert page.polls() == {401}


@on_sqlite
def test_a_machine_takes_the_cookie_of_another_whose_clock_is_ahead(student: Client) -> None:
    app = student.portal.app

    class OfThere(TimestampSigner):
        def get_timestamp(self) -> int:
            return super().get_timestamp() + 3

    sessions = cast(SecureCookieSessionInterface, app.session_interface)
    signer = sessions.get_signing_serializer(app)
    assert signer is not None
    held = signer.loads(student.http.cookies["portal"])
    signer.signer = OfThere
    student.http.cookies.set("portal", signer.dumps(held), domain="127.0.0.1", path="/")
    assert student.get("/student/courses").status_code == 200
    assert OpenPage(student).polls() == {304}


def test_unchanged_polls_and_lists_never_reach_flask(portal: Portal, admin: Client) -> None:
    def are_all_of_the_front() -> bool:
        page = OpenPage(admin, "/admin/requests")
        tag = admin.get("/api/requests").headers["ETag"]
        before = _counted(admin)
        if page.polls() != {304}:
            return False
        listed = admin.get("/api/requests", **{"If-None-Match": tag})
        return listed.status_code == 304 and _counted(admin) - before == 8 * WORKERS + 1

    # Until then the worker validates what others have just changed, which this page counts.
    assert comes(are_all_of_the_front)


def _counted(admin: Client) -> float:
    found = re.search(
        r'portal_requests_total{method="GET",route="unchanged poll",status="304"} ([\d.]+)',
        admin.get("/metrics").text,
    )
    return float(found[1]) if found else 0


def test_an_unchanged_poll_says_what_flask_s_would(portal: Portal, student: Client) -> None:
    page = OpenPage(student)
    page.headers["X-Request-ID"] = "the-same-for-both"
    answer = student.get("/student/courses", **page.headers)
    inside = portal.app.test_client()
    for name, value in student.http.cookies.items():
        inside.set_cookie(name, value)
    flask_s = inside.get("/student/courses", headers=page.headers)
    assert (answer.status_code, flask_s.status_code) == (304, 304)
    of_the_server = {"server", "date"}
    assert {name.lower(): value for name, value in answer.headers.items()} == {
        **{name.lower(): value for name, value in flask_s.headers.items()},
        **{name: answer.headers[name] for name in of_the_server},
    }


def test_unchanged_polls_write_no_line_and_have_ids_of_their_own(
    portal: Portal, student: Client
) -> None:
    page = OpenPage(student)
    said = portal.said()
    assert page.polls() == {304}
    assert portal.said() == said
    for address, headers, status in (
        ("/student/courses", page.headers, 304),
        ("/healthz", {}, 200),
    ):
        answers = [student.get(address, **headers) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [status] * 3
        assert len({answer.headers["X-Request-ID"] for answer in answers}) == 3
    given = student.get("/healthz", **{"X-Request-ID": "of-a-proxy", **page.headers})
    assert given.headers["X-Request-ID"] == "of-a-proxy"


def test_what_the_web_server_and_the_worker_do_is_written(portal: Portal, student: Client) -> None:
    portal.sql(
        "INSERT INTO outbox_emails (key, recipient, subject, body, created_at)"
        " VALUES ('about-lines', 'somebody@example.org', 'Hello', 'A secret.', CURRENT_TIMESTAMP)"
    )
    assert student.get("/admin/students", **{"X-Request-ID": "of-a-refusal"}).status_code == 403
    found = re.search(r"refused.*request_id=of-a-refusal.*", portal.said())
    assert found is not None
    assert f"actor={student.user_id}" in found[0]
    assert "address=127.0.0.0/24" in found[0]
    assert comes(lambda: re.search(r"mail sent.*process=worker", portal.said()))
