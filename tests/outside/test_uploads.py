"""Uploads over real connections: larger than other bodies, for admins alone, and whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from requests import Response

from tests.databases import Server
from tests.importing.runs.school import SCHOOL, a_file
from tests.outside.client import Client, newcomer
from tests.patience import comes
from tests.server import Portal, flawless

PAGE, ROSTERS = "/admin/import", "/admin/roster"


@pytest.fixture
def portal(server: Server) -> Iterator[Portal]:
    """A portal that takes files of 2 MB."""
    with flawless(server, LMS_IMPORT_MEGABYTES="2") as portal:
        yield portal


def _send(client: Client, content: bytes, page: str = PAGE) -> Response:
    sent = {"data": {"csrf_token": client.token}, "files": {"file": ("old.db", content)}}
    return client.send("POST", page, **sent)


def test_a_large_file_of_an_admin_is_read_by_the_worker_and_imported(
    portal: Portal, tmp_path: Path
) -> None:
    notes = [{"id": number, "text": "x" * 1000} for number in range(1_500)]
    content = a_file(tmp_path, {**SCHOOL, "notes": notes}).getvalue()
    assert len(content) > 1_500_000
    admin = newcomer(portal, "ada@example.org", role="admin", name="Ada")
    assert _send(admin, content).status_code == 303
    assert comes(lambda: "Import now" in admin.get(PAGE).text), portal.said()
    [(import_id, key)] = portal.sql("SELECT id, mark FROM import_runs")
    assert admin.form(f"{PAGE}/{import_id}/apply", key=key).status_code == 303
    assert comes(lambda: "Imported old.db" in admin.get(PAGE).text), portal.said()
    assert portal.sql("SELECT count(*) FROM enrollments")[0][0] == 2


def test_a_large_roster_of_an_admin_is_previewed_and_a_larger_one_hears_so(portal: Portal) -> None:
    lines = [f"s{number}@x.org,{'x' * 1_000},1,enroll" for number in range(1_300)]
    content = "\n".join(("email,name,course_id,action", *lines)).encode()
    assert len(content) > 1_200_000
    admin = newcomer(portal, "ada@example.org", role="admin", name="Ada")
    answer = _send(admin, content, ROSTERS)
    assert answer.status_code == 303, answer.text
    assert "1,300 lines" in admin.get(answer.headers["Location"]).text
    answer = _send(admin, bytes(11_500_000), ROSTERS)
    assert (answer.status_code, "larger than 10 MB" in answer.text) == (413, True)
    answer = admin.send("POST", f"{ROSTERS}/list", data={"people": "x" * 1_500_000})
    assert answer.status_code == 413


def test_what_is_too_large_hears_so_and_nobody_else_may_send_as_much(portal: Portal) -> None:
    admin = newcomer(portal, "ada@example.org", role="admin", name="Ada")
    answer = _send(admin, bytes(4_000_000))
    assert (answer.status_code, "larger than 2 MB" in answer.text) == (413, True)
    student = newcomer(portal, "sam@example.org", role="student", name="Sam")
    # Of theirs only the beginning is taken, which is no form.
    assert _send(student, bytes(2_000_000)).status_code == 400
    assert _send(Client(portal), bytes(2_000_000)).status_code == 303
    assert portal.sql("SELECT * FROM import_runs") == []
    assert admin.send("POST", f"{PAGE}/address", data=b"x" * 1_500_000).status_code == 413
