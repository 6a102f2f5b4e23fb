"""Repair of a payment that is behind what Stripe has told: it is settled, as after any telling."""

from lms.enrollment.repair.repair import Repair, Step
from lms.ledger.fact_rows import lock_facts
from lms.models import AccessRequest, AccessSource, Enrollment, Payment, StudentProgress
from lms.payments.settle import settle


def _settle(step: Step) -> None:
    for payment_id in step.ids:
        settle(step.session, payment_id)


REPAIRS = {
    ("payment_behind_stripe", Payment.__tablename__): Repair(
        _settle,
        also=(Enrollment, StudentProgress, AccessSource, AccessRequest),
        first=lock_facts,
        tells=True,
    ),
}
