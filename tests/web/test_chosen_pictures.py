"""A picture that was chosen stays so while the form goes on, or its loss is said."""

import re
import time
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask

from lms.accounts.sign_in import IDLE
from lms.db import at, now
from lms.files import store
from lms.web.admin.pictures import GONE
from lms.web.signing import serializer
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser
from tests.web.course_form import NEW, a_picture, kept, send
from tests.web.pages import error_at

SECONDS = timedelta(seconds=1)


def _labels(page: str) -> list[str]:
    return re.findall(r'for="typed-\d+">([^<]*)<', page)


def test_a_picture_stays_chosen_while_another_field_is_corrected(admin: Browser, sql: Sql) -> None:
    refused = send(admin, NEW, a_picture(), title="")
    assert refused.status_code == 422
    assert "“leaf.png” is chosen" in refused.text
    assert sql("SELECT * FROM courses") == []
    again = send(admin, NEW, title="", picture_kept=kept(refused.text))
    assert send(admin, NEW, picture_kept=kept(again.text)).status_code == 303
    assert sql("SELECT name FROM course_files WHERE is_cover") == [("leaf.png",)]


def test_a_picture_that_was_chosen_is_dropped_on_request(admin: Browser, sql: Sql) -> None:
    refused = send(admin, NEW, a_picture(), title="")
    assert "Don&#39;t use this picture" in refused.text
    chosen = kept(refused.text)
    again = send(admin, NEW, title="", picture_kept=chosen, picture_dropped="y")
    assert kept(again.text) == ""
    assert "picture_dropped" not in again.text
    done = send(admin, NEW, picture_kept=chosen, picture_dropped="y")
    assert done.status_code == 303
    assert sql("SELECT * FROM course_files") == []


def test_a_picture_whose_content_is_gone_has_to_be_chosen_again(
    app: Flask, admin: Browser, sql: Sql
) -> None:
    chosen = kept(send(admin, NEW, a_picture(), title="").text)
    with app.app_context():
        [digest] = store.digests()
        store.place(digest).unlink()
    answer = send(admin, NEW, picture_kept=chosen, teacher="Ada Lovelace")
    assert (answer.status_code, error_at(answer.text, "picture")) == (422, GONE)
    assert 'value="Ada Lovelace"' in answer.text
    assert kept(answer.text) == ""
    assert sql("SELECT * FROM courses") == []


def test_a_refused_form_does_not_make_the_choice_any_younger(
    admin: Browser, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, began = kept(send(admin, NEW, a_picture(), title="").text), time.time()
    monkeypatch.setattr(time, "time", lambda: began + 2_900)
    again = send(admin, NEW, title="", picture_kept=chosen)
    assert "“leaf.png” is chosen" in again.text
    monkeypatch.setattr(time, "time", lambda: began + 3_100)
    answer = send(admin, NEW, picture_kept=kept(again.text))
    assert (answer.status_code, error_at(answer.text, "picture")) == (422, GONE)
    assert sql("SELECT * FROM courses") == []


def test_what_no_page_of_ours_has_signed_is_no_choice(app: Flask, admin: Browser, sql: Sql) -> None:
    chosen = kept(send(admin, NEW, a_picture(), title="").text)
    with app.app_context():
        strange = [
            serializer("chosen-picture").dumps(value)
            for value in (1, "ab", ["a", {}], ["a", {"digest": "x"}], ["a", 1])
        ]
    for forged in ("x", chosen[:-2], "9" * 5_000, *strange):
        answer = send(admin, NEW, picture_kept=forged)
        assert (answer.status_code, error_at(answer.text, "picture")) == (422, GONE)
    assert sql("SELECT * FROM courses") == []


@pytest.fixture
def away(app: Flask, sql: Sql) -> None:
    """Let the database take no course, as if it were away."""
    if app.config["DATABASE_URL"].startswith("sqlite"):
        words = "SELECT RAISE(ABORT, 'database is locked')"
        sql(f"CREATE TRIGGER away BEFORE INSERT ON courses BEGIN {words}; END")
    else:
        sql(
            "CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE SQLSTATE '57P01'; END $$",
            "CREATE TRIGGER away BEFORE INSERT ON courses FOR EACH ROW EXECUTE FUNCTION away()",
        )


@pytest.mark.usefixtures("away")
def test_what_was_typed_of_a_course_is_kept_where_no_database_takes_it(admin: Browser) -> None:
    chosen = kept(send(admin, NEW, a_picture(), title="").text)
    failed = send(admin, NEW, teacher="Ada Lovelace", picture_kept=chosen)
    assert (failed.status_code, "Send it again" in failed.text) == (503, True)
    assert "Teacher" in _labels(failed.text)
    assert "Picture kept" not in _labels(failed.text)
    assert f'name="picture_kept" value="{chosen}"' in failed.text
    # A file can't be put into a page.
    assert "Send it again" not in send(admin, NEW, a_picture()).text


def test_a_choice_is_not_shown_as_typed_after_signing_in_again(admin: Browser) -> None:
    chosen = kept(send(admin, NEW, a_picture(), title="").text)
    with at(now() + IDLE["admin"] + SECONDS):
        late = send(admin, NEW, picture_kept=chosen)
        fields = {"email": "ada@example.org", "password": PASSWORD}
        page = admin.get(str(admin.send_form(late.location, **fields).location))
        assert "Title" in _labels(page.text)
        assert "Picture kept" not in _labels(page.text)
        assert unescape(kept(page.text)) == chosen
