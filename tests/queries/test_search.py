"""What a search finds: a part of a word, whatever the accents and the case, and nothing else."""

import unicodedata
from collections.abc import Callable

import pytest

from lms import enrollment
from lms.queries.admin import audit, payments, requests, students
from lms.queries.admin.audit import AuditFilter
from lms.queries.search import _equals
from lms.texts import without_accents
from tests.builders import a_course, a_request, a_student, an_admin
from tests.conftest import Sql

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture(params=["new", "written"], autouse=True)
def write(request: pytest.FixtureRequest) -> Callable[[], object]:
    """Of people, either the names themselves are searched, or what the worker has written."""
    return enrollment.write_search_words if request.param == "written" else int


def found(q: str) -> list[str]:
    page = students.students(q=q)
    assert page.total == len(page.students)
    assert [hit.name for hit in students.hits(q, limit=50)] == [row.name for row in page.students]
    return [row.name for row in page.students]


@pytest.mark.parametrize(
    ("name", "searches"),
    [
        ("François Œuvrard", "francois FRANÇOIS FrAnÇoIs çois œuvrard ŒUVRARD"),
        ("Francois Lefevre", "françois FRANÇOIS lefèvre"),
        ("Özgür Ozan", "ozgur ÖZGÜR özgur Ózgúr"),
        ("İrem Işık", "irem IREM isik İŞIK ışık"),  # noqa: RUF001 - Turkish
        ("Nguyễn Thị Ánh", "nguyen thi anh NGUYỄN"),
        ("Łukasz Đorđević", "lukasz dordevic ŁUKASZ ĐORĐEVIĆ"),
        ("Søren Ångström", "soren angstrom SØREN"),
        ("Straßer", "straßer STRAßER straß"),
        ("Ελένη Παπαδοπούλου", "ελενη ΕΛΕΝΗ παπαδοπουλου"),
        ("Жанна Королёва", "жанна ЖАННА королева КОРОЛЁВА"),
        ("金子 みすゞ", "金子 みす"),
        ("한글 이름", "한글"),
        ("O'Brien-[x]*?^", "o'brien n-[x] ]*? ?^ *"),
        ("Zoë 50%_/\\", "50% %_ _/ /\\ zoe"),
    ],
)
def test_accents_and_case_are_ignored(
    write: Callable[[], object], name: str, searches: str
) -> None:
    a_student("Nobody Else", email="other@example.org")
    a_student(name, email="this@example.org")
    write()
    for q in searches.split():
        assert found(q) == [name], q
        assert found(unicodedata.normalize("NFD", q)) == [name], q


@pytest.mark.parametrize("q", ["fransois", "francoiss", "f*s", "f?an", "[f]r", "f_a", "%", "r.n"])
def test_what_is_only_alike_is_not_found(write: Callable[[], object], q: str) -> None:
    a_student("François", email="cedille@school.test")
    a_student("Francois", email="bare@school.test")
    write()
    assert found(q) == []


def test_each_word_is_found_in_name_or_address(write: Callable[[], object]) -> None:
    a_student("Chloé Dubois", email="c.d@lycee.example")
    write()
    assert found("chloe lycee") == found("DUBOIS Chlo") == ["Chloé Dubois"]
    assert found("chloe school") == []


def test_all_lists_search_alike(write: Callable[[], object], sql: Sql) -> None:
    admin, course = an_admin(), a_course("Économie générale")
    student = a_student("Zoé Müller", email="zm@example.org")
    sql(
        "INSERT INTO payments (user_email, course_title, amount_cents) VALUES"
        " ('gone@example.org', 'Économie générale', 4900)"
    )
    pending = a_request(student, course)
    write()
    for q in ("economie GENERALE", "zoe muller"):
        assert requests.queue(q=q).total == 1, q
    enrollment.approve(pending, by=admin)
    for q in ("economie GENERALE", "zoe muller"):
        assert requests.decided(q=q).total == 1, q
        assert audit.entries(AuditFilter(q=q))[0], q
    assert payments.payments(q="Economie gone").total == 1
    assert payments.payments(q="economie other").total == 0


def test_what_is_written_follows_every_change(sql: Sql) -> None:
    ada, bob = a_student("Ada Ørsted", email="ada@example.org"), a_student("Bob")
    assert enrollment.write_search_words() == 2
    assert enrollment.write_search_words() == 0
    assert sql("SELECT words FROM users WHERE id = :ada", ada=ada) == [
        ("ada orsted ada@example.org",)
    ]
    enrollment.rename_user(ada, "Ada Lovelace", by=an_admin())
    sql("UPDATE users SET email = 'robert@example.org' WHERE id = :bob", bob=bob)
    assert sql("SELECT id FROM users WHERE role = 'student' AND words IS NULL ORDER BY id") == [
        (ada,),
        (bob,),
    ]
    assert found("orsted") == []
    enrollment.write_search_words()
    assert (found("lovelace"), found("robert")) == (["Ada Lovelace"], ["Bob"])


def test_the_portal_compares_as_many_letters_on_both_paths() -> None:
    """Every letter that has an accent is found by its plain one, written or not."""
    letters = [chr(number) for number in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))]
    accented = [each for each in letters if each.isalpha() and without_accents(each).isascii()]
    assert len(accented) > 400
    for letter in filter(lambda each: len(without_accents(each)) == 1, accented):
        assert letter in _equals()[without_accents(letter)]
