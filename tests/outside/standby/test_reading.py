"""Figures, exports and checks from a standby that lags or stands still."""

import json
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from lms import enrollment, lag, standby, sync
from lms.db import behind, db, now, writer
from lms.ledger.months import Month
from lms.payments import close_month
from lms.sync.latest import validate_for_repair
from tests.builders import a_public_course, a_student
from tests.outside.client import newcomer
from tests.outside.standby.standbys import (
    ANALYTICS,
    BOOKS,
    PAGE,
    Servers,
    caught_up,
    enroll_somebody,
    enrollments,
    figure_of_the_standby,
    standing_still,
    two_servers,
)
from tests.patience import PATIENCE, comes
from tests.server import serving
from tests.statements import sent_to
from tests.web.browser import Browser


def test_figures_are_those_of_the_standby_and_say_so(
    servers: Servers, portal: Flask, admin: Browser
) -> None:
    enroll_somebody(portal)
    caught_up(servers)
    before = figure_of_the_standby(admin)
    with standing_still(servers[1]):
        enroll_somebody(portal)
        number, as_of = enrollments(admin)
        assert number == before
        assert as_of is not None
        moment = datetime.fromisoformat(as_of)
        assert timedelta(0) <= now() - moment < lag.MOST_BEHIND
        assert f">{moment:%H:%M:%S}</time> UTC" in admin.get(PAGE).text
    assert comes(lambda: enrollments(admin)[0] == before + 1)


def test_one_that_is_far_behind_is_not_read(
    servers: Servers, portal: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = figure_of_the_standby(admin)
    monkeypatch.setattr(lag, "MOST_BEHIND", timedelta(0))
    with standing_still(servers[1]):
        enroll_somebody(portal)
        assert enrollments(admin) == (before + 1, None)
        assert 'id="as-of"' in (page := admin.get(PAGE).text)
        assert "As of <time datetime" not in page


def test_one_without_news_is_as_good_as_the_primary(
    servers: Servers, portal: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "MOST_BEHIND", timedelta(0))
    enroll_somebody(portal)
    began = now().replace(microsecond=0)
    assert comes(lambda: enrollments(admin)[1])
    with psycopg.connect(servers[0], autocommit=True) as server:
        server.execute("SELECT pg_switch_wal()")  # where the two count differently
    caught_up(servers)
    assert datetime.fromisoformat(enrollments(admin)[1] or "") >= began


@pytest.mark.parametrize("address", [ANALYTICS, BOOKS])
def test_where_an_answer_may_come_from_the_standby_is_described(
    admin: Browser, address: str
) -> None:
    described = admin.get("/api/openapi.json").get_json()["paths"]
    assert comes(lambda: "As-Of" in admin.get(address).headers)
    assert "As-Of" in described[address]["get"]["responses"]["200"]["headers"]
    having = {path for path, calls in described.items() if "As-Of" in json.dumps(calls)}
    assert having == {ANALYTICS, BOOKS}


@pytest.mark.parametrize("address", [ANALYTICS, PAGE])
def test_no_304_keeps_an_old_figure(
    servers: Servers, portal: Flask, admin: Browser, address: str
) -> None:
    enroll_somebody(portal)
    figure_of_the_standby(admin)

    def poll(tag: str = "") -> Any:
        return admin.get(address, headers={"X-Live": "1", "If-None-Match": tag})

    with standing_still(servers[1]):
        current = poll().headers["ETag"]
        assert poll(current).status_code == 304
        enroll_somebody(portal)
        for _ in range(2):
            old = poll(current)
            assert ("ETag" in old.headers, "As-Of" in old.headers) == (False, True)
            assert old.status_code == 200
    caught_up(servers)
    new = poll()
    assert poll(new.headers["ETag"]).status_code == 304
    assert new.data != old.data


def test_exports_and_books_have_all_that_was_there_before(
    servers: Servers, portal: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "CATCH_UP_SECONDS", 0.1)
    month = Month.of(now()).previous.previous
    with standing_still(servers[1]):
        enroll_somebody(portal)
        with portal.app_context():
            a_student("Zoe Latest")
            close_month(month, by=None)
        export = admin.get("/admin/students.csv")
        assert ("Zoe Latest" in export.text, "As-Of" in export.headers) == (True, False)
        assert "These books never change" in admin.get(f"/admin/payments/books?month={month}").text
        books = admin.get(f"/api/admin/payments/books?month={month}")
        assert (books.get_json()["isClosed"], "As-Of" in books.headers) == (True, False)
    monkeypatch.setattr(lag, "CATCH_UP_SECONDS", PATIENCE)
    export = admin.get("/admin/students.csv")
    assert ("Zoe Latest" in export.text, "As-Of" in export.headers) == (True, True)
    assert "As-Of" in admin.get(f"/api/admin/payments/books?month={month}").headers
    assert ">As of <time" in admin.get(f"/admin/payments/books?month={month}").text


def test_a_validation_knows_all_that_was_there_before_and_repairs_ask_the_primary(
    servers: Servers, portal: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "CATCH_UP_SECONDS", 0.1)
    with portal.app_context():
        reads = behind()
        assert reads is not None
        with standing_still(servers[1]):
            enroll_somebody(portal)
            with writer(db.engine).begin() as connection:
                connection.execute(text("UPDATE courses SET status = status"))
            with sent_to(reads) as sent:
                assert sync.validate_anew().ok
            assert not [each for each in sent if "progress" in str(each)]
        monkeypatch.setattr(lag, "CATCH_UP_SECONDS", PATIENCE)
        with sent_to(reads) as sent:
            assert sync.validate_anew().ok
            checks = len(sent)
            assert checks > len(sync.validate().checks)
            validate_for_repair(sync.WHOLE_SCHOOL)
            assert len(sent) == checks


def test_nothing_is_decided_where_a_standby_is_read(portal: Flask) -> None:
    with portal.app_context():
        assert comes(lambda: standby.read(standby.is_read).value)
        with pytest.raises(RuntimeError, match="called where a standby is read"):
            standby.read(lambda: a_student("Nobody"))


def test_the_running_portal_shows_what_the_standby_has_and_then_what_is_new() -> None:
    with (
        two_servers() as servers,
        serving(servers[0], DATABASE_READ_URL=servers[1]) as portal,
    ):
        admin = newcomer(portal, "admin@example.org", role="admin")

        def poll(tag: str) -> Any:
            return admin.get(PAGE, **{"X-Live": "1", "If-None-Match": tag})

        assert comes(lambda: "As-Of" in admin.get(PAGE).headers)
        with standing_still(servers[1]):
            portal.call(lambda: enrollment.enroll_directly(a_student(), a_public_course()))
            old = poll("")
            assert ("ETag" in old.headers, "As-Of" in old.headers) in {(False, True), (True, False)}
        caught_up(servers)
        assert comes(lambda: poll(poll("").headers["ETag"]).status_code == 304)
        assert "unhandled error" not in portal.said()
