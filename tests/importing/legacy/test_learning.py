"""Progress in old schools: by the chapters completed, or by an old figure."""

from typing import Any

import pytest

from tests.conftest import Sql
from tests.importing.conftest import Import
from tests.importing.old import PEOPLE, outcome

CHAPTERS = [{"id": f"c{n}", "courseId": "a", "title": f"C{n}", "position": n} for n in range(1, 5)]


def test_progress_follows_from_completions_and_the_old_figure_stays_readable(
    bring_in: Import, sql: Sql
) -> None:
    report = bring_in(
        {
            "users": [*PEOPLE, {"id": 6, "email": "?"}],
            "courses": [{"id": "a", "title": "Algebra"}, {"id": "b", "title": "No chapters"}],
            "chapters": CHAPTERS,
            "chapterCompletions": [
                {"studentId": 1, "chapterId": "c1", "completedAt": "2024-05-01T10:00:00Z"},
                {"studentId": "1", "chapterId": "c2", "completedAt": 1_700_000_000_000},
                {"studentId": 1.0, "chapterId": "c2", "completedAt": None},
                {"studentId": 2, "chapterId": "c1", "completedAt": "yesterday"},
                {"studentId": 3, "chapterId": "gone", "completedAt": None},
                {"studentId": 77, "chapterId": "c1", "completedAt": None},
            ],
            "enrollments": [
                {"id": 1, "userId": 1, "courseId": "a", "progress": "50.9"},
                {"id": 2, "userId": 2, "courseId": "a", "progress": 60},
                {"id": 3, "userId": 3, "courseId": "a", "progress": -3},
                {"id": 4, "userId": 4, "courseId": "a", "progress": None},
                {"id": 5, "userId": 1, "courseId": "b", "progress": "70 %"},
                {"id": 6, "userId": 1, "courseId": "a", "progress": 10},
                {"id": 7, "userId": 88, "courseId": "a", "progress": 10},
                {"id": 8, "userId": 6, "courseId": "a", "progress": 10},
            ],
            "studentProgress": [
                {"id": 1, "studentId": 1, "courseId": "a", "totalProgress": 50},
                {"id": 2, "studentId": 2, "courseId": "a", "totalProgress": 150},
                {"id": 3, "studentId": 5, "courseId": "a", "totalProgress": "100"},
            ],
        }
    )
    assert sql(
        "SELECT u.email, c.title, e.progress FROM enrollments e JOIN users u ON u.id = e.user_id"
        " JOIN courses c ON c.id = e.course_id ORDER BY 1, 2"
    ) == [
        ("u1@x.org", "Algebra", 50),
        ("u1@x.org", "No chapters", 0),
        ("u2@x.org", "Algebra", 25),
        ("u3@x.org", "Algebra", 0),
        ("u4@x.org", "Algebra", 0),
        ("u5@x.org", "Algebra", 0),
    ]
    assert outcome(report, "enrollments", 1) == "created"
    assert "the completed chapters contradict" in outcome(report, "enrollments", 2)
    assert "isn't a percentage" in outcome(report, "enrollments", 3)
    assert "no progress is given" in outcome(report, "enrollments", 4)
    assert "the course has no chapters" in outcome(report, "enrollments", 5)
    assert outcome(report, "enrollments", 6).startswith("merged: the same student and course")
    assert outcome(report, "enrollments", 7) == "refused: its student does not exist"
    assert outcome(report, "enrollments", 8) == "refused: its student was refused"
    assert "progress without an enrollment" in outcome(report, "student_progress", 3)
    told = sql("SELECT details FROM audit_entries WHERE action = 'access.granted' ORDER BY id")
    assert '"old_progress": "60"' in str(told).replace("'", '"')
    assert '"old_total_progress": "150"' in str(told).replace("'", '"')
    assert sql("SELECT DISTINCT kind FROM access_sources") == [("import",)]


def test_old_figures_become_chapters_where_no_completions_were_recorded(
    bring_in: Import, sql: Sql
) -> None:
    bring_in(
        {
            "users": PEOPLE,
            "courses": [{"id": "a", "title": "Algebra"}],
            "chapters": CHAPTERS,
            "enrollments": [
                {"userId": 1, "courseId": "a", "progress": 60},
                {"userId": 2, "courseId": "a", "progress": 100},
                {"userId": 3, "courseId": "a", "progress": "150"},
            ],
            "studentProgress": [
                {"studentId": 3, "courseId": "a", "totalProgress": 75, "lastActivityAt": 1.6e9}
            ],
        }
    )
    assert sql(
        "SELECT u.email, e.progress, e.completed_at IS NOT NULL FROM enrollments e"
        " JOIN users u ON u.id = e.user_id ORDER BY 1"
    ) == [("u1@x.org", 50, False), ("u2@x.org", 100, True), ("u3@x.org", 75, False)]
    assert sql(
        "SELECT ch.title FROM chapter_completions cc JOIN chapters ch ON ch.id = cc.chapter_id"
        " JOIN users u ON u.id = cc.student_id WHERE u.email = 'u1@x.org' ORDER BY 1"
    ) == [("C1",), ("C2",)]


@pytest.mark.parametrize("column", ["order", "orderIndex", "sortOrder", "chapter_order", "number"])
def test_chapters_stand_in_the_order_that_the_old_school_gave_them(
    column: str, bring_in: Import, sql: Sql
) -> None:
    places = {"a": 4, "b": 2, "c": 1, "d": 3}
    report = bring_in(
        {
            "users": PEOPLE,
            "courses": [{"id": 1, "title": "A"}],
            "chapters": [
                {"id": title, "courseId": 1, "title": title, column: place}
                for title, place in places.items()
            ],
            "enrollments": [{"id": 1, "userId": 1, "courseId": 1, "progress": 50}],
        }
    )
    assert report.not_read == []
    assert [row.title for row in sql("SELECT title FROM chapters ORDER BY position")] == [*"cbda"]
    completed = (
        "SELECT title FROM chapters WHERE id IN (SELECT chapter_id FROM chapter_completions)"
    )
    assert {row.title for row in sql(completed)} == {"c", "b"}


def test_chapters_without_places_stand_by_their_numbers_not_by_their_digits(
    bring_in: Import, sql: Sql
) -> None:
    chapters = [{"id": n, "courseId": 1, "title": f"C{n}"} for n in (10, 9, 2, 1)]
    bring_in(
        {"courses": [{"id": 1, "title": "A"}], "chapters": chapters}, {"chapters.id": "integer"}
    )
    found = [row.title for row in sql("SELECT title FROM chapters ORDER BY position")]
    assert found == ["C1", "C2", "C9", "C10"]


LISTS = {
    1: ('["c4", "c2"]', {"C4", "C2"}),
    2: ("{c1,c3}", {"C1", "C3"}),
    3: ('[{"chapterId": "c3", "completedAt": "2026-01-01"}]', {"C3"}),
    4: ('{"c1": true, "c2": false}', {"C1"}),
    5: ('["c1", "gone"]', {"C1"}),
}


@pytest.mark.parametrize(
    ("table", "student"), [("studentProgress", "studentId"), ("enrollments", "userId")]
)
def test_the_chapters_that_are_listed_are_completed_and_no_others(
    table: str, student: str, bring_in: Import, sql: Sql
) -> None:
    report = bring_in(
        {
            "users": PEOPLE,
            "courses": [{"id": "a", "title": "Algebra"}],
            "chapters": CHAPTERS,
            table: [
                {"id": n, student: n, "courseId": "a", "completedChapters": written}
                for n, (written, _) in LISTS.items()
            ],
        }
    )
    found: dict[int, set[str]] = {}
    for row in sql(
        "SELECT u.email, ch.title FROM chapter_completions cc JOIN users u ON u.id = cc.student_id"
        " JOIN chapters ch ON ch.id = cc.chapter_id"
    ):
        found.setdefault(int(row.email[1]), set()).add(row.title)
    assert found == {n: titles for n, (_, titles) in LISTS.items()}
    name = "student_progress" if table == "studentProgress" else table
    assert "listed as completed don't exist" in outcome(report, name, 5)


def test_a_number_of_chapters_is_that_many_from_the_first(bring_in: Import, sql: Sql) -> None:
    row = {"id": 1, "studentId": 1, "courseId": "a", "completedChapters": 3}
    bring_in(
        {
            "users": PEOPLE,
            "courses": [{"id": "a", "title": "Algebra"}],
            "chapters": CHAPTERS,
            "studentProgress": [row],
        }
    )
    assert sql("SELECT progress FROM enrollments") == [(75,)]


# All figures of a school, their declared type, and the progress of each.
SCALES = [
    ([0.6, 1, 0], "", [50, 100, 0]),
    (["0.29", "0.75", "1.0"], "", [25, 75, 100]),
    ([1, 0, 1], "real", [100, 0, 100]),
    ([1, 0, 1], "", [0, 0, 0]),  # one percent: nothing says otherwise
    ([60, 0.5, 100], "", [50, 0, 100]),
]


@pytest.mark.parametrize(("figures", "kind", "progress"), SCALES)
def test_progress_counts_to_one_or_to_a_hundred_as_all_rows_together_tell(
    figures: list[Any], kind: str, progress: list[int], bring_in: Import, sql: Sql
) -> None:
    bring_in(
        {
            "users": PEOPLE,
            "courses": [{"id": "a", "title": "Algebra"}],
            "chapters": CHAPTERS,
            "enrollments": [
                {"id": n, "userId": n, "courseId": "a", "progress": figure}
                for n, figure in enumerate(figures, 1)
            ],
        },
        {"enrollments.progress": kind} if kind else None,
    )
    found = sql(
        "SELECT e.progress FROM enrollments e JOIN users u ON u.id = e.user_id ORDER BY u.email"
    )
    assert [row.progress for row in found] == progress


def test_who_has_finished_is_finished_where_no_figure_says_how_far(
    bring_in: Import, sql: Sql
) -> None:
    bring_in(
        {
            "users": PEOPLE,
            "courses": [{"id": "a", "title": "Algebra"}],
            "chapters": CHAPTERS,
            "enrollments": [
                {"id": 1, "userId": 1, "courseId": "a", "status": "COMPLETED"},
                {"id": 2, "userId": 2, "courseId": "a", "status": "ACTIVE"},
            ],
        }
    )
    assert sql("SELECT progress FROM enrollments ORDER BY progress") == [(0,), (100,)]
