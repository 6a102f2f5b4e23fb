"""`flask sync` at a terminal: what it prints, and its exit status."""

import json
from datetime import timedelta

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from lms import create_app
from lms.db import db, now
from lms.models import AuditEntry, User
from lms.times import day_of
from tests.commands import run
from tests.databases import settings
from tests.sync.conftest import Injure
from tests.sync.damage import Damage
from tests.sync.school import School


def _run(app: Flask, *arguments: str) -> Result:
    db.session.rollback()
    return run(app, "sync", *arguments)


def test_validate_exits_0_when_clean_and_1_with_violations(
    app: Flask, school: School, injure: Injure
) -> None:
    clean = _run(app, "validate")
    assert (clean.exit_code, clean.stdout) == (0, "No violations found.\n")
    injure(school, "progress_drift")
    broken = _run(app, "validate")
    assert broken.exit_code == 1
    assert "progress_drift: 1" in broken.stdout
    assert broken.stdout.endswith("\n1 violation\n")
    assert "(Ada in Algebra): expected 25, found 60" in broken.stdout
    report = json.loads(_run(app, "validate", "--json").stdout)
    assert (report["ok"], report["total"]) == (False, 1)


def test_validate_exits_2_when_it_could_not_check(tmp_path: object) -> None:
    away = create_app(settings(f"sqlite:///{tmp_path}/none/here.db"))
    result = run(away, "sync", "validate")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


def test_auto_fix_previews_repairs_and_is_undone(
    app: Flask, school: School, injure: Injure
) -> None:
    injure(school, "progress_drift")
    preview = _run(app, "auto-fix", "--dry-run")
    assert preview.exit_code == 1
    assert "progress_drift: 1 would be repaired" in preview.stdout
    fixed = _run(app, "auto-fix", "--json")
    assert fixed.exit_code == 0
    result = json.loads(fixed.stdout)
    assert result["fixed"]["progress_drift"] == 1
    undone = _run(app, "undo", str(result["runId"]))
    assert undone.exit_code == 0
    assert undone.stdout.startswith("2 rows of run")
    assert _run(app, "validate").exit_code == 1
    assert "1 repaired in run" in _run(app, "auto-fix", "--student", _email(school)).stdout


def test_undo_says_what_it_left(app: Flask, school: School, injure: Injure) -> None:
    injure(school, "pending_while_enrolled")
    run_id = json.loads(_run(app, "auto-fix", "--json").stdout)["runId"]
    assert "left unchanged: access_requests" in _run(app, "undo", str(run_id)).stdout


def test_what_is_left_to_people_is_named(app: Flask, school: School, injure: Injure) -> None:
    injure(school, _take_seats)
    result = _run(app, "auto-fix")
    assert result.exit_code == 1
    assert "remaining: over_capacity 1" in result.stdout
    assert "would remain: over_capacity 1" in _run(app, "auto-fix", "--dry-run").stdout


def test_a_database_that_lost_its_rules_is_told(app: Flask, school: School, injure: Injure) -> None:
    assert _run(app, "validate").stderr == ""
    injure(school, lambda damage, _: damage.lift("courses"))
    for command in ("validate", "auto-fix"):
        result = _run(app, command)
        assert result.exit_code == 0
        assert "flask db repair-constraints" in result.stderr


def test_explain_tells_verdict_reasons_and_action(app: Flask, school: School) -> None:
    told = _run(app, "explain", _email(school), str(school.algebra))
    assert told.exit_code == 0
    lines = told.stdout.splitlines()
    assert lines[0] == "Ada has access to Algebra: enrolled by an admin."
    assert lines[-1].startswith("To end access")
    facts = json.loads(_run(app, "explain", _email(school), str(school.algebra), "--json").stdout)
    assert facts["hasAccess"] is True


def test_explain_tells_an_earlier_day_or_why_it_cannot(app: Flask, school: School) -> None:
    today = now()
    told = _run(app, "explain", _email(school), str(school.algebra), "--at", f"{today:%Y-%m-%d}")
    assert told.exit_code == 0
    lines = told.stdout.splitlines()
    assert lines[0].startswith(f"Ada had access to Algebra on {today:%-d %b %Y} at ")
    assert lines[1].startswith("  source of access: enrolled by an admin, since ")
    asked = ("explain", _email(school), str(school.algebra), "--json", "--at")
    assert json.loads(_run(app, *asked, f"{today:%Y-%m-%d}").stdout)["hasAccess"] is True
    for day, said in (
        ("2101-01-01", "is in the future"),
        ("2001-01-01", "The audit trail begins on"),
        ("yesterday", "is not a date"),
        ("", "is not a date"),
    ):
        result = _run(app, *asked, day)
        assert result.exit_code == 1
        [line] = result.stderr.splitlines()
        assert said in line


def test_explain_goes_by_the_days_of_the_school(
    app: Flask, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SCHOOL_TIME_ZONE", "Pacific/Kiritimati")  # UTC+14
    granted = select(AuditEntry.at).where(
        AuditEntry.action == "access.granted", AuditEntry.course_id == school.algebra
    )
    at = db.session.scalars(granted).first()
    assert at is not None
    there = (at + timedelta(hours=14)).strftime("%-d %B %Y, %H:%M")
    told = _run(app, "explain", _email(school), str(school.algebra))
    assert f"  {there} (Kiritimati time, UTC+14): access.granted" in told.stdout
    day = day_of(now(), "Pacific/Kiritimati")
    told = _run(app, "explain", _email(school), str(school.algebra), "--at", f"{day}")
    assert "Kiritimati time" in told.stdout.splitlines()[0]


def test_an_unknown_person_or_run_is_one_line(app: Flask, school: School) -> None:
    for arguments in (("explain", "nobody@example.org", "1"), ("undo", "4711")):
        result = _run(app, *arguments)
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1
    assert _run(app, "validate", "--student", "nobody@example.org").exit_code == 2


def _email(school: School) -> str:
    email = db.session.get_one(User, school.ada).email
    db.session.rollback()
    return email


def _take_seats(damage: Damage, _school: School) -> None:
    damage.run("UPDATE courses SET capacity = 0 WHERE title = 'Algebra'")
