"""Who had access in the old school, by whatever evidence, and how far they got."""

from typing import Any

from sqlalchemy import Connection, Integer, exists, func, insert, select, union, update

from lms.importing.legacy.portal import Portal, pair_key
from lms.importing.legacy.rules import (
    chunks,
    comes_in,
    merge_all_but_first,
    put,
    refer,
    refuse,
    refuse_dangling,
    repair,
)
from lms.importing.legacy.staging import (
    access_requests,
    batches,
    chapter_completions,
    chapters,
    courses,
    derived,
    enrollments,
    pairs,
    payments,
    student_progress,
    target_of,
    users,
)
from lms.models.payment_status import GIVING_ACCESS, RETURNED

_NO_CHAPTERS = "the course has no chapters, so progress is 0; the old figure is in the audit trail"
_DERIVED = (
    "no completions were recorded: whole chapters stand for the old figure, which is in the audit"
    " trail"
)
_NOT_LEARNED = (
    "the chapters completed do not give the old figure: they count, and the figure is in the audit"
    " trail"
)


def refer_rows(scratch: Connection) -> None:
    """Find whom and what enrollments and progress are about, once per pair."""
    for table in (enrollments, student_progress):
        refer(scratch, table, "users", "user")
        refer(scratch, table, "courses", "course")
        refuse_dangling(scratch, table, "users", "user", "student")
        refuse_dangling(scratch, table, "courses", "course", "course")
        merge_all_but_first(
            scratch,
            table,
            "the same student and course as another row; the earliest date counts",
            [table.c.user_row, table.c.course_row],
        )


def collect_pairs(scratch: Connection) -> None:
    """Gather every access that anything in the old school speaks for."""
    approved = (access_requests.c.status == "approved", ~_rejected_later())
    paid = (payments.c.status.in_(GIVING_ACCESS), payments.c.user_row.is_not(None))
    evidence = union(
        _speaking(enrollments),
        _speaking(student_progress),
        _speaking(access_requests, *approved),
        _speaking(payments, *paid, payments.c.course_row.is_not(None)),
    ).subquery()
    scratch.execute(
        insert(pairs).from_select(
            ["user_row", "course_row"],
            select(evidence).order_by(evidence.c.user_row, evidence.c.course_row),
        )
    )
    first_activity = func.min(student_progress.c.last_activity_at)
    last_activity = func.max(student_progress.c.last_activity_at)
    scratch.execute(
        update(pairs).values(
            enrollment_row=_of_pair(enrollments, func.min(enrollments.c.row)),
            progress_row=_of_pair(student_progress, func.min(student_progress.c.row)),
            request_row=_of_pair(
                access_requests,
                func.max(access_requests.c.row),
                access_requests.c.verdict.is_(None),
                *approved,
            ),
            is_paid=_of_pair(payments, func.count(), payments.c.status.in_(GIVING_ACCESS)) > 0,
            enrolled_at=func.coalesce(
                _of_pair(enrollments, func.min(enrollments.c.enrolled_at)),
                _of_pair(student_progress, first_activity),
            ),
            last_activity_at=_of_pair(student_progress, last_activity),
            figure=func.max(
                func.coalesce(_of_pair(enrollments, func.max(enrollments.c.progress)), 0),
                func.coalesce(_of_pair(student_progress, func.max(student_progress.c.progress)), 0),
            ),
            user_id=target_of(users, pairs.c.user_row),
            course_id=target_of(courses, pairs.c.course_row),
        )
    )


def decide_pairs(scratch: Connection, portal: Portal) -> None:
    """Let in whom nothing here speaks against: a decision taken in the portal is the later one."""
    lost = _of_pair(payments, func.count(), payments.c.status.in_(RETURNED)) > 0
    refuse(
        scratch,
        pairs,
        "its payment went back, and nothing else speaks for the access: what was completed is kept",
        pairs.c.enrollment_row.is_(None),
        pairs.c.request_row.is_(None),
        ~pairs.c.is_paid,
        lost,
    )
    here = (pairs.c.user_id.is_not(None), pairs.c.course_id.is_not(None))
    for rows in batches(scratch, pairs, pairs.c.verdict.is_(None), *here):
        for part in chunks(rows):
            both = {row.row: (row.user_id, row.course_id) for row in part}
            found = list(both.values())
            enrolled, ended = portal.enrolled(found), portal.ended(found)
            before = portal.origins("enrollments", [pair_key(pair) for pair in found])
            verdicts = []
            for row, pair in both.items():
                is_in = pair in enrolled
                if is_in or pair in ended or pair_key(pair) in before:
                    verdicts.append(
                        {
                            "row": row,
                            "is_in_already": is_in,
                            "verdict": "merged" if is_in else "refused",
                            "reason": "the student is enrolled here already"
                            if is_in
                            else "this access was ended here: that decision is the later one",
                        }
                    )
            put(scratch, pairs, verdicts)
    _respect_capacity(scratch, portal)


def follow_pairs(scratch: Connection) -> None:
    """Tell the rows of a pair what became of it."""
    for table in (enrollments, student_progress):
        mine = _same_pair(table)
        for verdict in ("merged", "refused"):
            reason = select(pairs.c.reason).where(*mine).scalar_subquery()
            scratch.execute(
                update(table)
                .where(table.c.verdict.is_(None), exists().where(*mine, pairs.c.verdict == verdict))
                .values(verdict=verdict, reason=reason)
            )
    repair(
        scratch,
        student_progress,
        "progress without an enrollment: the student had access, and is enrolled again",
        exists().where(*_same_pair(student_progress), pairs.c.enrollment_row.is_(None)),
    )


def derive_completions(scratch: Connection) -> None:
    """Turn old figures into chapters where nobody's completions were recorded.

    The first chapters of the course, as many as the figure gives, rounded down: see
    docs/decisions/0006.
    """
    scratch.execute(
        insert(derived).from_select(
            ["user_row", "chapter_row", "completed_at"],
            select(
                pairs.c.user_row,
                chapters.c.row,
                func.coalesce(pairs.c.last_activity_at, pairs.c.enrolled_at),
            )
            .join(courses, courses.c.row == pairs.c.course_row)
            .join(chapters, chapters.c.course_row == courses.c.row)
            .where(
                pairs.c.verdict.is_(None),
                ~courses.c.has_completions,
                chapters.c.ordinal * 100 <= pairs.c.figure * courses.c.chapters,
            )
            .order_by(pairs.c.row, chapters.c.ordinal),
        )
    )


def compare_figures(scratch: Connection) -> None:
    """Note where the old figure is not what the chapters give: only they count."""
    done = _completed(chapter_completions, comes_in(chapter_completions)) + _completed(derived)
    total = select(courses.c.chapters).where(courses.c.row == pairs.c.course_row).scalar_subquery()
    scratch.execute(
        update(pairs)
        .where(pairs.c.verdict.is_(None))
        .values(share=func.coalesce(done * 100 // func.nullif(total, 0, type_=Integer), 0))
    )
    for table in (enrollments, student_progress):
        pair = exists().where(*_same_pair(table), pairs.c.share != table.c.progress)
        course = exists().where(courses.c.row == table.c.course_row, courses.c.chapters == 0)
        from_figure = exists().where(
            courses.c.row == table.c.course_row, courses.c.chapters > 0, ~courses.c.has_completions
        )
        for reason, where in (
            (_NO_CHAPTERS, course),
            (_DERIVED, from_figure & ~course),
            (_NOT_LEARNED, ~from_figure & ~course),
        ):
            repair(scratch, table, reason, pair, where)


def _speaking(table: Any, *where: Any) -> Any:
    return select(table.c.user_row, table.c.course_row).where(table.c.verdict.is_(None), *where)


def _rejected_later() -> Any:
    """Return whether a later request of the pair was turned down: the approval had ended."""
    later = access_requests.alias()
    return exists().where(
        later.c.user_row == access_requests.c.user_row,
        later.c.course_row == access_requests.c.course_row,
        later.c.verdict.is_(None),
        later.c.status == "rejected",
        func.coalesce(later.c.decided_at, later.c.created_at)
        > func.coalesce(access_requests.c.decided_at, access_requests.c.created_at),
    )


def _same_pair(table: Any) -> tuple[Any, Any]:
    return (pairs.c.user_row == table.c.user_row, pairs.c.course_row == table.c.course_row)


def _of_pair(table: Any, value: Any, *where: Any) -> Any:
    """Return a value of all rows of the pair that come in, duplicates too."""
    return (
        select(value)
        .select_from(table)
        .where(*_same_pair(table), comes_in(table), *where)
        .correlate(pairs)
        .scalar_subquery()
    )


def _completed(table: Any, *where: Any) -> Any:
    # A merged duplicate is not counted twice; one that is here already counts.
    return (
        select(func.count(table.c.chapter_row.distinct()))
        .select_from(table)
        .join(chapters, chapters.c.row == table.c.chapter_row)
        .where(
            table.c.user_row == pairs.c.user_row,
            chapters.c.course_row == pairs.c.course_row,
            *where,
        )
        .correlate(pairs)
        .scalar_subquery()
    )


def _respect_capacity(scratch: Connection, portal: Portal) -> None:
    """Give a course that comes in as many seats as it had students; one here has its own."""
    coming = (
        select(func.count())
        .where(pairs.c.course_row == courses.c.row, pairs.c.verdict.is_(None))
        .correlate(courses)
        .scalar_subquery()
    )
    repair(
        scratch,
        courses,
        "more students than seats: they had access, so there are as many seats as students",
        courses.c.row == courses.c.winner,
        courses.c.capacity < coming,
        capacity=coming,
    )
    for rows in batches(scratch, courses, courses.c.target.is_not(None)):
        for part in chunks(rows):
            seats = portal.free_seats([row.target for row in part])
            for row in part:
                if row.target in seats:
                    _fill(scratch, row.row, seats[row.target])


def _fill(scratch: Connection, course_row: int, seats: int) -> None:
    mine = (pairs.c.course_row == course_row, pairs.c.verdict.is_(None))
    order = (pairs.c.enrolled_at.asc().nulls_last(), pairs.c.row)
    seated = select(pairs.c.row).where(*mine).order_by(*order).limit(seats)
    refuse(
        scratch,
        pairs,
        "the course is full here: raise its capacity and import again",
        *mine,
        pairs.c.row.not_in(seated),
    )
