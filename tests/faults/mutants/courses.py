"""Faults in courses, chapters, everybody's courses and people."""

from tests.faults.mutants.mutant import (
    COURSES,
    DEFAULTS,
    LEARNING,
    MACHINE,
    PEOPLE,
    RACES,
    Mutant,
)

_COURSES = "lms/enrollment/courses.py"
_DEFAULTS = "lms/enrollment/defaults.py"
_PEOPLE = "lms/enrollment/people.py"

MUTANTS = (
    Mutant(
        "a new course of everybody's has nobody",
        _COURSES,
        "    session.flush()\n"
        '    record(session, "course.created", by=by, course_id=course.id, **asdict(values))\n'
        "    if course.is_default_unlocked and course.is_visible:",
        "    session.flush()\n"
        '    record(session, "course.created", by=by, course_id=course.id, **asdict(values))\n'
        "    if course.is_public and course.is_visible:",
        (DEFAULTS, MACHINE),
    ),
    Mutant(
        "a hidden course lets everybody in",
        _COURSES,
        "    if course.is_default_unlocked and course.is_visible:\n"
        "        grant_default_course(session, course)\n    elif",
        "    if course.is_default_unlocked:\n"
        "        grant_default_course(session, course)\n    elif",
        (DEFAULTS, MACHINE),
    ),
    Mutant(
        "a course that is everybody's no more keeps everybody",
        _COURSES,
        '    elif before["is_default_unlocked"] and not course.is_default_unlocked:',
        '    elif before["is_default_unlocked"] and course.is_public:',
        (DEFAULTS, MACHINE),
    ),
    Mutant(
        "capacity may be lowered by one too many",
        _COURSES,
        "values.capacity < (enrolled or 0)",
        "values.capacity + 1 < (enrolled or 0)",
        (COURSES, MACHINE),
    ),
    Mutant(
        "everybody's course may have few seats",
        _COURSES,
        "    if fields.capacity is not None and fields.is_default_unlocked:",
        "    if fields.capacity == -1 and fields.is_default_unlocked:",
        (COURSES, MACHINE),
    ),
    Mutant(
        "an edit leaves no trace",
        _COURSES,
        '    record(session, "course.edited", by=by, course_id=course_id, changes=changes)\n',
        "",
        (COURSES,),
    ),
    Mutant(
        "archiving forgets what it was",
        _COURSES,
        '        changes={"status": [course.status, "archived"]},',
        '        changes={"status": ["draft", "archived"]},',
        (COURSES,),
    ),
    Mutant(
        "the end of a course is not the end of an access",
        _COURSES,
        '(("access.ended", enrolled), ("request.dropped", waiting))',
        '(("request.dropped", waiting),)',
        (COURSES,),
    ),
    Mutant(
        "money for a deleted course is not shown",
        _COURSES,
        '        .where(Payment.course_id == course_id, Payment.status.in_(("paid", "part',
        '        .where(Payment.id == -course_id, Payment.status.in_(("paid", "part',
        (COURSES,),
    ),
    Mutant(
        "a payment forgets what was bought",
        _COURSES,
        "        .values(course_title=course.title)",
        '        .values(course_title="")',
        (COURSES,),
    ),
    Mutant(
        "a new chapter leaves progress as it was",
        _COURSES,
        "    session.flush()\n    recompute_progress(session, course_id)\n",
        "    session.flush()\n",
        (LEARNING, MACHINE),
    ),
    Mutant(
        "a deleted chapter leaves progress as it was",
        _COURSES,
        "    session.execute(delete(Chapter).where(Chapter.id == chapter_id))\n"
        "    recompute_progress(session, course_id)\n",
        "    session.execute(delete(Chapter).where(Chapter.id == chapter_id))\n",
        (LEARNING, MACHINE),
    ),
    Mutant(
        "a new chapter does not wait for those who learn",
        _COURSES,
        "    lock_course_for_change(session, course_id)\n    last =",
        "    last =",
        (RACES,),
        engine="postgresql",
    ),
    Mutant(
        "a chapter is deleted under those who learn",
        _COURSES,
        "        raise ChapterNotFound\n    lock_course_for_change(session, course_id)\n",
        "        raise ChapterNotFound\n",
        (RACES,),
        engine="postgresql",
    ),
    Mutant(
        "the second chapter cannot become the first",
        _COURSES,
        "    if 0 <= there < len(order):",
        "    if 0 < there < len(order):",
        (COURSES,),
    ),
    Mutant(
        "an order may forget chapters",
        _COURSES,
        "    if sorted(chapter_ids) != sorted(_chapter_ids(session, course_id)):",
        "    if not set(chapter_ids) <= set(_chapter_ids(session, course_id)):",
        (COURSES,),
    ),
    Mutant(
        "a status keeps its blanks",
        _COURSES,
        "    return status.strip().lower()",
        "    return status.lower()",
        (COURSES,),
    ),
    Mutant(
        "new students and new courses do not wait for each other",
        _DEFAULTS,
        "    session.execute(\n        upsert(session, Version)",
        "    _ = (\n        upsert(session, Version)",
        (RACES,),
        engine="postgresql",
    ),
    Mutant(
        "a waiver does not keep a returning student out",
        _DEFAULTS,
        "        if course.id not in waived:",
        "        if course.id:",
        (DEFAULTS, MACHINE),
    ),
    Mutant(
        "a waiver does not keep a student out of a course that is edited",
        _DEFAULTS,
        'students = select(User.id).where(User.role == "student", ~waived)',
        'students = select(User.id).where(User.role == "student", User.id > 0)',
        (DEFAULTS, MACHINE),
    ),
    Mutant(
        "admins are enrolled in everybody's course",
        _DEFAULTS,
        'students = select(User.id).where(User.role == "student", ~waived)',
        "students = select(User.id).where(~waived)",
        (DEFAULTS, MACHINE),
    ),
    Mutant(
        "requests that unlocking supersedes leave no trace",
        _DEFAULTS,
        '    record_many(session, "request.superseded", waiting, by=None, course_id=course.id)\n',
        "",
        (DEFAULTS,),
    ),
    Mutant(
        "unlocking begins at 0",
        _DEFAULTS,
        "User.id, literal(course.id), share, moment, case(",
        "User.id, literal(course.id), literal(0), moment, case(",
        (DEFAULTS, MACHINE),
    ),
    Mutant(
        "who was in already gets no further reason",
        _DEFAULTS,
        "            students.where(User.id.not_in(has_source)).with_only_columns(",
        "            newcomers.where(User.id.not_in(has_source)).with_only_columns(",
        (DEFAULTS, MACHINE),
    ),
    Mutant(
        "locking takes what another reason gives",
        _DEFAULTS,
        "    losing = kinds.having(had_default, func.count() == 1)",
        "    losing = kinds.having(had_default)",
        (DEFAULTS, MACHINE),
    ),
    Mutant(
        "locking remembers waivers",
        _DEFAULTS,
        "        delete(AccessWaiver)\n        .where(AccessWaiver.course_id == course.id)",
        "        delete(AccessWaiver)\n        .where(AccessWaiver.course_id == -course.id)",
        (DEFAULTS, MACHINE),
    ),
    Mutant(
        "newcomers are let into archived courses",
        _DEFAULTS,
        "            .where(Course.is_default_unlocked, Course.status.in_(VISIBLE_STATUSES))",
        "            .where(Course.is_default_unlocked)",
        (DEFAULTS, MACHINE),
    ),
    Mutant(
        "a new student is in no course of everybody's",
        _PEOPLE,
        '    record(session, "user.added", by=by or user_id, student_id=user_id, role=role)\n'
        "    grant_defaults(session, courses, user_id)\n",
        '    record(session, "user.added", by=by or user_id, student_id=user_id, role=role)\n',
        (DEFAULTS, MACHINE),
    ),
    Mutant(
        "who becomes an admin still waits",
        _PEOPLE,
        "        _drop_requests(session, user_id, by=by)\n    else:",
        "        pass\n    else:",
        (PEOPLE,),
    ),
    Mutant(
        "who is locked out stays signed in",
        _PEOPLE,
        "delete(SignIn).where(SignIn.user_id == user_id)",
        "delete(SignIn).where(SignIn.user_id == -user_id)",
        (PEOPLE,),
    ),
    Mutant(
        "the last admin may go",
        _PEOPLE,
        "    if not others:",
        "    if others == -1:",
        (PEOPLE, RACES),
    ),
    Mutant(
        "two admins remove each other",
        _PEOPLE,
        '        .where(User.role == "admin")\n'
        "        .order_by(User.id)\n        .with_for_update(key_share=True)\n",
        '        .where(User.role == "admin")\n        .order_by(User.id)\n',
        (RACES,),
        engine="postgresql",
    ),
    Mutant(
        "the money of a deleted student is not shown",
        _PEOPLE,
        '        .where(Payment.user_id == user_id, Payment.status.in_(("paid", "part',
        '        .where(Payment.id == -user_id, Payment.status.in_(("paid", "part',
        (PEOPLE,),
    ),
    Mutant(
        "a payment forgets who paid",
        _PEOPLE,
        "        .values(user_email=user.email)",
        '        .values(user_email="")',
        (PEOPLE,),
    ),
    Mutant(
        "the trail forgets the access of a deleted student",
        _PEOPLE,
        '            session, "access.ended", by=by, student_id=user_id, course_id=course_id,',
        '            session, "access.gone", by=by, student_id=user_id, course_id=course_id,',
        (PEOPLE,),
    ),
    Mutant(
        "an address keeps its case",
        _PEOPLE,
        "    return email.strip().lower()",
        "    return email.strip()",
        (PEOPLE,),
    ),
)
