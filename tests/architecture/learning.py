"""Only verbs and repairs change what people learn, and only the ledger lets them in."""

import ast
from collections.abc import Iterator

from tests.architecture.places import DEFINES_TABLES, STAND_IN
from tests.architecture.rule import rule
from tests.architecture.statements import assignments_to, statements_on, statements_on_any_table

LEARNING = {
    "Enrollment",
    "StudentProgress",
    "AccessRequest",
    "AccessSource",
    "AccessWaiver",
    "ChapterCompletion",
    "Decision",
    "DecisionReversal",
}
ACCESS = {"Enrollment", "StudentProgress", "AccessSource"}
OWN_DATABASES = ("lms.importing.legacy", STAND_IN)
"""What writes tables of a database of its own: a scratch file, the stand-in for Stripe."""


@rule(
    allowed=(
        *("lms.enrollment", "lms.ledger", "lms.models"),
        *("lms.sync.kind", "lms.sync.kinds"),  # what a repair's step does, and its fixes
    ),
    offenders=(
        (
            "lms/web/made_up.py",
            "from lms.models import Enrollment\nenrollment = Enrollment(user_id=1, course_id=1)",
        ),
        (
            "lms/made_up.py",
            "from lms import models\nsession.execute(delete(models.AccessRequest))",
        ),
        (
            "lms/made_up.py",
            "from lms.models import Decision as D\nsession.execute(sa.update(D).values(status=1))",
        ),
        (
            "lms/made_up.py",
            "from lms.upsert import insert as put\nsession.execute(put(StudentProgress))",
        ),
        (
            "lms/made_up.py",
            "session.execute(ChapterCompletion.__table__.delete())",
        ),
    ),
)
def learning_changed_outside_of_verbs(tree: ast.Module) -> Iterator[ast.Call]:
    """Find statements on the learning tables, and new rows of them, beside verbs and repairs."""
    return statements_on(LEARNING, tree)


@rule(
    allowed=(
        *("lms.ledger", "lms.models", *DEFINES_TABLES, *OWN_DATABASES),
        "lms.upsert",  # which makes the statements for all
    ),
    offenders=(
        (
            "lms/enrollment/made_up.py",
            "from lms.models import Enrollment\nsession.add(Enrollment(user_id=1, course_id=1))",
        ),
        (
            "lms/sync/kinds/made_up.py",
            "from lms.models import AccessSource as Why\nstep.run(sa.delete(Why))",
        ),
        (
            "lms/payments/made_up.py",
            "from lms.upsert import insert as put\nsession.execute(put(StudentProgress))",
        ),
        (
            "lms/enrollment/made_up.py",
            "insert_many(session, table_of(models.Enrollment), rows)",
        ),
        (
            "lms/made_up.py",
            "def f(enrollment):\n    enrollment.progress += 1",
        ),
        (
            "lms/made_up.py",
            "def f(s):\n    r = s.get(StudentProgress, 1)\n    r.last_activity_at, x = now(), 1",
        ),
        (
            "lms/sync/made_up.py",
            "from sqlalchemy import update\nstep.run(update(table).where(wrong))",
        ),
        (
            "lms/sync/made_up.py",
            "from lms.upsert import insert\ninsert(step.model)",
        ),
    ),
)
def access_written_elsewhere(tree: ast.Module) -> Iterator[ast.expr]:
    """Find what writes enrollments, their mirrors or the sources of access beside the ledger.

    That is a statement, a new row or an assignment; and a statement on a table that only the
    running program knows, since it could be any.
    """
    yield from statements_on(ACCESS, tree)
    yield from statements_on_any_table(tree)
    yield from assignments_to(ACCESS, tree)
