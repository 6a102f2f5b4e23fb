"""Two verbs that meet at one certain line, which no race would hit often enough."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from lms import enrollment
from lms.db import db, writer
from lms.refusals import ChapterNotFound
from tests.builders import a_course, a_public_course, a_request, a_student, an_admin
from tests.databases import Postgresql, portal
from tests.patience import PATIENCE, comes


def test_a_chapter_removed_while_its_completion_waits_is_not_found(
    postgresql: Postgresql,
) -> None:
    with postgresql.migrated() as url, portal(url).app_context():
        student, course = a_student(), a_public_course(chapters=1)
        enrollment.enroll_directly(student, course)

        def complete() -> None:
            with portal(url).app_context():
                enrollment.complete_chapter(student, 1)

        with ThreadPoolExecutor(1) as threads:
            with writer(db.engine).begin() as remover:
                remover.execute(text("SELECT id FROM courses FOR UPDATE"))
                remover.execute(text("DELETE FROM chapters"))
                completion = threads.submit(complete)
                _wait_until_somebody_waits()
            with pytest.raises(ChapterNotFound):
                completion.result(PATIENCE)
        db.session.remove()
        db.engine.dispose()


def test_a_digest_that_finds_all_its_news_in_other_hands_delays_no_later_one(
    postgresql: Postgresql,
) -> None:
    with postgresql.migrated() as url, portal(url).app_context():
        enrollment.choose_emails(an_admin(), requests=True)
        a_request(a_student(), a_course())
        with writer(db.engine).begin() as decider:
            decider.execute(text("SELECT id FROM access_requests FOR UPDATE"))
            assert enrollment.send_request_digest() == 0
        assert enrollment.send_request_digest() == 1
        db.session.remove()
        db.engine.dispose()


def _wait_until_somebody_waits() -> None:
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with db.engine.connect() as connection:

        def waits() -> object:
            connection.rollback()
            return connection.scalar(waiting)

        assert comes(waits)
