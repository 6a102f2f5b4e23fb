"""Faults in progress, the audit trail and the locks."""

from tests.faults.mutants.mutant import (
    ACCESS,
    HISTORIES,
    LEARNING,
    MACHINE,
    RACES,
    REQUESTS,
    Mutant,
)

_LEARNING = "lms/enrollment/learning.py"
_AUDIT = "lms/ledger/audit.py"
_LOCKS = "lms/ledger/locks.py"

MUTANTS = (
    Mutant(
        "a completion moves no progress",
        _LEARNING,
        "    if completed is not None:",
        "    if completed is None:",
        (LEARNING, MACHINE, HISTORIES),
    ),
    Mutant(
        "a chapter that is reopened still counts",
        _LEARNING,
        "    if reopened is not None:\n        _follow(session, student_id, course_id)\n",
        "    if reopened is not None:\n",
        (LEARNING, MACHINE, HISTORIES),
    ),
    Mutant(
        "one student reopens the chapter of all",
        _LEARNING,
        "            ChapterCompletion.student_id == student_id,\n"
        "            ChapterCompletion.chapter_id == chapter_id,\n"
        "        )\n        .returning",
        "            ChapterCompletion.chapter_id == chapter_id,\n        )\n        .returning",
        (LEARNING, MACHINE, HISTORIES),
    ),
    Mutant(
        "reopening leaves no trace",
        _LEARNING,
        '            "chapter.reopened",',
        '            "chapter.opened",',
        (LEARNING,),
    ),
    Mutant(
        "who is not enrolled learns",
        _LEARNING,
        "    if enrolled is None:",
        "    if enrolled == -1:",
        (LEARNING, MACHINE, HISTORIES),
    ),
    Mutant(
        "progress is recomputed for nobody",
        _LEARNING,
        "Enrollment.progress != share\n",
        "Enrollment.progress > share\n",
        (LEARNING, MACHINE),
    ),
    Mutant(
        "an unfinished course stays dated",
        _LEARNING,
        "case((share == 100, completed_at), else_=None)",
        "case((share == 100, completed_at), else_=Enrollment.completed_at)",
        (LEARNING, MACHINE),
    ),
    Mutant(
        "activity is not dated",
        _LEARNING,
        "        .values(last_activity_at=now())",
        "        .values(last_activity_at=StudentProgress.last_activity_at)",
        (LEARNING,),
    ),
    Mutant(
        "the student's pages do not hear of the progress",
        _LEARNING,
        '    touch(session, "progress", students=[student_id])',
        '    touch(session, "progress")',
        (LEARNING,),
    ),
    Mutant(
        "learning does not hold the course",
        _LEARNING,
        "    lock_course_for_learning(session, course_id)\n",
        "",
        (RACES,),
        engine="postgresql",
    ),
    Mutant(
        "learning does not hold the student",
        _LEARNING,
        "    lock_student(session, student_id)\n",
        "",
        (RACES, HISTORIES),
        engine="postgresql",
    ),
    Mutant(
        "a chapter that was removed meanwhile is completed",
        _LEARNING,
        "    if session.scalar(in_course) is None:  # removed",
        "    if in_course is None:  # removed",
        ("tests/faults/test_meetings.py", RACES),
        engine="postgresql",
    ),
    Mutant(
        "progress is read outside the transaction",
        _LEARNING,
        "    progress, completed, chapters = session.execute(",
        "    from lms.db import db\n    progress, completed, chapters = db.session.execute(",
        (LEARNING, HISTORIES),
    ),
    Mutant(
        "progress is rounded to the nearest",
        "lms/models/learning.py",
        "func.coalesce(done * 100 // ",
        "func.coalesce((done * 100 + total / 2) // ",
        (LEARNING, MACHINE),
    ),
    Mutant(
        "the trail names the student as the one who acted",
        _AUDIT,
        "            actor_id=by,",
        "            actor_id=student_id,",
        (ACCESS, REQUESTS),
    ),
    Mutant(
        "the trail forgets the reasons",
        _AUDIT,
        "            reason=reason,\n            details=details,",
        '            reason="",\n            details=details,',
        (ACCESS, REQUESTS),
    ),
    Mutant(
        "an admin counts as a student",
        _LOCKS,
        '    if user is None or user.role != "student":',
        "    if user is None:",
        (REQUESTS, ACCESS),
    ),
    Mutant(
        "courses are not held at all",
        _LOCKS,
        "        .with_for_update(read=read, key_share=key_share)\n",
        "",
        (RACES, HISTORIES),
        engine="postgresql",
    ),
    Mutant(
        "people are not held at all",
        _LOCKS,
        "        .where(User.id == user_id)\n        .with_for_update(key_share=True)\n",
        "        .where(User.id == user_id)\n",
        (RACES, HISTORIES),
        engine="postgresql",
    ),
    Mutant(
        "seats are shared",
        _LOCKS,
        '    """Hold the seats of the course: one student comes in or leaves at a time."""\n'
        "    return _course(session, course_id, read=False, key_share=True)",
        '    """Hold the seats of the course: one student comes in or leaves at a time."""\n'
        "    return _course(session, course_id, read=True, key_share=True)",
        (RACES,),
        engine="postgresql",
    ),
)
