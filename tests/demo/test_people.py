import re

from lms.demo.people import students


def test_sixty_students_have_names_and_addresses_of_their_own() -> None:
    assert len(students()) == 60
    assert len({student.name for student in students()}) == 60
    assert len({student.email for student in students()}) == 60


def test_no_mail_can_reach_a_real_person() -> None:
    addresses = [student.email for student in students()]
    assert [a for a in addresses if not re.fullmatch(r"[a-z]+\.[a-z]+@example\.org", a)] == []


def test_the_students_are_the_same_at_each_call() -> None:
    assert students() == students()
