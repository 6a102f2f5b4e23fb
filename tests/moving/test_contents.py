"""What is in the files of courses goes along: into backups and exports, and back."""

from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from lms import enrollment, moving, school
from lms.db import db
from lms.files import store
from lms.models import User
from lms.moving import backup
from lms.queries import files as queries
from tests import buckets, databases
from tests.builders import a_course, a_file, a_logo, a_student, an_admin
from tests.conftest import Sql
from tests.stores import Folder, Home, content_of


@pytest.fixture
def digests(app: Flask, home: Home) -> set[str]:
    """What is in two files of which one has two names."""
    with app.app_context():
        course_id = a_course()
        a_file(course_id, "one.png", b"one")
        a_file(course_id, "same.png", b"one")
        a_file(course_id, "two.png", b"two")
        return store.digests()


def test_a_backup_waits_for_a_storage_that_is_away_for_a_moment(
    stored: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving.contents, "_WAITS", (0.1, 0.1))
    with stored.app_context():
        a_file(a_course())
    with closing(buckets.Between(stored.config["AWS_ENDPOINT_URL_S3"])) as between:
        stored.config["AWS_ENDPOINT_URL_S3"] = between.endpoint
        between.refused = ["HEAD"] * 4
        file = str(tmp_path / "school.backup")
        made = stored.test_cli_runner().invoke(args=["backup", file])
        assert (made.exit_code, between.refused) == (0, []), made.output
    checked = stored.test_cli_runner().invoke(args=["backup", "--check", file])
    assert (checked.exit_code, "file" in checked.output) == (0, True), checked.output


@pytest.mark.parametrize("ways", ["backup, restore", "export school, import school"])
def test_contents_leave_and_return_with_their_rows(  # noqa: PLR0917
    app: Flask,
    digests: set[str],
    elsewhere: str,
    home: Home,
    s3: str,
    tmp_path: Path,
    ways: str,
) -> None:
    """Out of a folder into a bucket, and the other way round."""
    out, back = (way.split() for way in ways.split(", "))
    place = str(tmp_path / "school")
    made = app.test_cli_runner().invoke(args=[*out, place])
    assert (made.exit_code, "missing" in made.output) == (0, False), made.output
    other = databases.portal(elsewhere)
    if isinstance(home, Folder):
        other.config.update(buckets.new(s3))
    returned = other.test_cli_runner().invoke(args=[*back, place])
    assert (returned.exit_code, "missing" in returned.output) == (0, False), returned.output
    assert "Violations" not in returned.output
    with other.app_context():
        assert store.digests() == digests
        assert {content_of(each) for each in digests} == {b"one", b"two"}
        db.engine.dispose()


def test_a_backup_s_check_reads_every_content(
    app: Flask, digests: set[str], home: Home, tmp_path: Path
) -> None:
    file = tmp_path / "school.backup"
    runner = app.test_cli_runner()
    assert "Keep both together" in runner.invoke(args=["backup", str(file)]).output
    with app.app_context():
        home.lose(max(digests))  # what counts is what is beside the backup
    checked = runner.invoke(args=["backup", "--check", str(file)])
    assert (checked.exit_code, "2 files in" in checked.output) == (0, True), checked.output
    assert "Violations" not in checked.output
    copied = store.place(max(digests), tmp_path / "school.backup.files")
    copied.write_bytes(b"damaged")
    damaged = runner.invoke(args=["backup", "--check", str(file)])
    assert (damaged.exit_code, "is damaged" in damaged.output) == (1, True)
    copied.unlink()
    damaged = runner.invoke(args=["backup", "--check", str(file)])
    told = f"{copied} is missing. Look for the folder school.backup.files"
    assert (damaged.exit_code, told in damaged.output) == (1, True), damaged.output


def test_a_backup_s_check_says_that_violations_are_listed_once_it_is_restored(
    app: Flask, sql: Sql, empty: str, tmp_path: Path
) -> None:
    with app.app_context():
        enrollment.enroll(a_student(), a_course(), by=None)
    sql("UPDATE enrollments SET progress = 70")
    file = str(tmp_path / "school.backup")
    runner = app.test_cli_runner()
    assert runner.invoke(args=["backup", file]).exit_code == 0
    checked = runner.invoke(args=["backup", "--check", file]).output
    told = "Violations in the backup: 1. Once it is restored, `flask sync validate` lists them."
    assert (told in checked, "original" in checked) == (True, False), checked
    restored = databases.portal(empty).test_cli_runner().invoke(args=["restore", file]).output
    assert "Violations: 1, as in the original. `flask sync validate` lists them." in restored


def test_a_backup_says_what_was_missing_already(
    app: Flask, digests: set[str], home: Home, tmp_path: Path
) -> None:
    with app.app_context():
        home.lose(max(digests))
    made = app.test_cli_runner().invoke(args=["backup", str(tmp_path / "school.backup")])
    assert (made.exit_code, "The content of 1 file is missing" in made.output) == (1, True), (
        made.output,
        made.exception,
    )


@pytest.mark.parametrize("broken", [b"", b"half of it"])
def test_a_backup_trusts_no_content_that_it_has_not_read(
    app: Flask, digests: set[str], tmp_path: Path, broken: bytes
) -> None:
    """What an interrupted command, or a damaged disk, has left under the right name."""
    file = tmp_path / "school.backup"
    left = store.place(max(digests), moving.contents.beside(file))
    left.parent.mkdir(parents=True)
    left.write_bytes(broken)
    runner = app.test_cli_runner()
    assert runner.invoke(args=["backup", str(file)]).exit_code == 0
    assert runner.invoke(args=["backup", "--check", str(file)]).exit_code == 0
    assert len([each for each in left.parents[2].rglob("*") if each.is_file()]) == len(digests)


def test_a_damaged_content_is_told_and_left_out(
    app: Flask, digests: set[str], home: Home, tmp_path: Path
) -> None:
    with app.app_context():
        home.damage(max(digests), b"???")
    file = tmp_path / "school.backup"
    made = app.test_cli_runner().invoke(args=["backup", str(file)])
    assert (made.exit_code, "1 file is missing or damaged" in made.output) == (1, True)
    assert not store.place(max(digests), moving.contents.beside(file)).exists()


def test_a_file_that_is_deleted_while_a_backup_is_made_is_in_it_whole_or_not_at_all(
    app: Flask,
    digests: set[str],
    home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "school.backup"
    describe = backup._describe

    def while_it_changes(made: Path) -> backup.Backup:
        assert not file.exists()
        with app.app_context():
            for row in queries.of_course(1):
                enrollment.delete_file(1, row.id, by=None)
            for digest in digests:
                home.lose(digest)
        return describe(made)

    monkeypatch.setattr(backup, "_describe", while_it_changes)
    runner = app.test_cli_runner()
    made = runner.invoke(args=["backup", str(file)])
    assert (made.exit_code, "missing" in made.output) == (0, False), made.output
    checked = runner.invoke(args=["backup", "--check", str(file)])
    assert (checked.exit_code, "2 files in" in checked.output) == (0, True), checked.output


def test_a_file_that_comes_while_a_backup_is_made_comes_with_its_content(
    app: Flask, digests: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "school.backup"
    copied = moving.contents.copied

    def then_one_comes(names: set[str], folder: Path) -> set[str]:
        found = copied(names, folder)
        with app.app_context():
            a_file(1, "three.png", b"three")
        return found

    monkeypatch.setattr(moving.contents, "copied", then_one_comes)
    runner = app.test_cli_runner()
    assert runner.invoke(args=["backup", str(file)]).exit_code == 0
    checked = runner.invoke(args=["backup", "--check", str(file)])
    assert (checked.exit_code, "3 files in" in checked.output) == (0, True), checked.output


def test_a_backup_without_its_storage_says_so_and_is_none(
    stored: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving.contents, "_WAITS", (0.1,))
    with stored.app_context():
        a_file(a_course())
    stored.config["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:1"
    file = tmp_path / "school.backup"
    made = stored.test_cli_runner().invoke(args=["backup", str(file)])
    assert (made.exit_code, "reach its file storage" in made.output) == (1, True), made.output
    assert not file.exists()
    assert "Traceback" not in made.output


@pytest.mark.parametrize("ways", ["backup, restore", "export school, import school"])
def test_a_school_returns_whole_or_not_at_all_where_its_storage_is_away(
    app: Flask, digests: set[str], elsewhere: str, tmp_path: Path, ways: str
) -> None:
    out, back = (way.split() for way in ways.split(", "))
    place = str(tmp_path / "school")
    assert app.test_cli_runner().invoke(args=[*out, place]).exit_code == 0
    other = databases.portal(elsewhere)
    other.config.update(buckets.settings("http://127.0.0.1:1", "nowhere"))
    returned = other.test_cli_runner().invoke(args=[*back, place])
    assert (returned.exit_code, "reach its file storage" in returned.output) == (1, True)
    with other.app_context(), db.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(User)).scalar_one() == 0
    with other.app_context():
        db.engine.dispose()


def test_an_export_without_its_storage_fails_and_says_so(
    stored: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving.contents, "_WAITS", (0.1,))
    with stored.app_context():
        a_file(a_course())
    runner = stored.test_cli_runner()
    with closing(buckets.Between(stored.config["AWS_ENDPOINT_URL_S3"])) as between:
        stored.config["AWS_ENDPOINT_URL_S3"] = between.endpoint
        between.refused = ["HEAD"] * 100  # after the rows are written
        begun = tmp_path / "begun"
        ended = runner.invoke(args=["export", "school", str(begun)])
    assert ended.exit_code == 1
    assert f"{begun} is incomplete: delete it" in ended.output
    ended = runner.invoke(args=["export", "school", str(tmp_path / "none")])
    assert (ended.exit_code, "reach its file storage" in ended.output) == (1, True)
    assert not (tmp_path / "none").exists()


def test_an_export_that_lacks_a_content_fails(app: Flask, home: Home, tmp_path: Path) -> None:
    with app.app_context():
        a_file(a_course())
        home.lose(*store.digests())
    ended = app.test_cli_runner().invoke(args=["export", "school", str(tmp_path / "school")])
    assert (ended.exit_code, "1 file is missing" in ended.output) == (1, True)


@pytest.mark.parametrize("ways", ["backup, restore", "export school, import school"])
@pytest.mark.parametrize(("refused", "ended"), [(4, 0), (100, 1)])
def test_a_school_returns_where_its_storage_is_away_for_a_moment_or_from_then_on(  # noqa: PLR0917
    app: Flask,
    elsewhere: str,
    s3: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused: int,
    ended: int,
    ways: str,
) -> None:
    out, back = (way.split() for way in ways.split(", "))
    with app.app_context():
        a_file(a_course(), "one.png", b"one")
    place = str(tmp_path / "school")
    assert app.test_cli_runner().invoke(args=[*out, place]).exit_code == 0
    other = databases.portal(elsewhere)
    between = buckets.Between(s3)
    other.config.update(buckets.new(s3), AWS_ENDPOINT_URL_S3=between.endpoint)
    monkeypatch.setattr(moving.contents, "_WAITS", (0.1, 0.1))
    between.refused = ["PUT"] * refused
    returned = other.test_cli_runner().invoke(args=[*back, place])
    assert (returned.exit_code, "is missing" in returned.output) == (ended, bool(ended))
    with other.app_context():
        assert len(store.digests()) == 1 - ended
        assert len(queries.of_course(1)) == 1
    with other.app_context():
        db.engine.dispose()
    between.close()


def test_a_school_s_logo_goes_along(app: Flask, elsewhere: str, tmp_path: Path) -> None:
    with app.app_context():
        logo = a_logo(by=an_admin())
    file = str(tmp_path / "school.backup")
    assert app.test_cli_runner().invoke(args=["backup", file]).exit_code == 0
    other = databases.portal(elsewhere)
    assert other.test_cli_runner().invoke(args=["restore", file]).exit_code == 0
    with other.app_context():
        assert store.digests() == {logo}
        found = school.of(db.session()).logo
        assert (found and found.digest) == logo
    with other.app_context():
        db.engine.dispose()
