"""Money in a school to look at: what is offered, disputed, in question, transferred and closed."""

from contextlib import suppress
from typing import Any

from lms import enrollment, payments
from lms.db import now
from lms.ledger.months import Month
from lms.payments import checkout
from lms.payments.events import read_event
from lms.refusals import CourseFull
from tests.builders import a_course, a_request, a_student
from tests.payments.stripe_events import Purchase
from tests.server import Portal


def some_money(portal: Portal, student: int, admin: int) -> dict[str, Any]:
    """Let a student be offered a seat and pay in every way; return what stands in addresses."""
    offer = _offers(portal, student, admin)
    disputed, bought = _begun(portal, student)
    _tell(portal, bought.completed(), bought.dispute("created", "needs_response", id=bought.intent))
    questioned, other = _begun(portal, student)
    _tell(portal, other.of(amount=3900).completed())
    money = payments.ManualPayment(
        student, _sold(portal), 4900, "eur", "transfer", f"Invoice {other.intent}"
    )
    transferred = portal.call(payments.record_payment, money, by=admin).payment_id
    last = Month.of(now()).previous
    portal.call(payments.close_month, last, by=admin)
    return {
        "offer": offer,
        "disputed": disputed,
        "questioned": questioned,
        "transferred": transferred,
        "closed": last,
        "open": last.previous,
    }


def _offers(portal: Portal, student: int, admin: int) -> int:
    course = _sold(portal, requires_approval=True, capacity=1)
    request = portal.call(a_request, student, course)
    made = portal.call(enrollment.approve, request, by=admin)
    second = portal.call(a_request, portal.call(a_student, "Second"), course)
    with suppress(CourseFull):  # approved for the next seat
        portal.call(enrollment.approve, second, by=admin)
    return int(made.offer.id)


def _begun(portal: Portal, student: int) -> tuple[int, Purchase]:
    course = _sold(portal)
    begun = portal.call(checkout._begin, student, course, origin="", is_configured=True)
    number = begun.payment_id
    reference = begun.offer.reference
    return number, Purchase(reference, session=f"cs_test_{number}", intent=f"pi_{number}")


def _tell(portal: Portal, *events: dict[str, Any]) -> None:
    for event in events:
        portal.call(payments.receive, read_event(event), None)


def _sold(portal: Portal, **fields: Any) -> int:
    # By its title the last, since others look for their courses on the catalog's first page.
    course: int = portal.call(a_course, "Zoology", chapters=1, price_cents=4900, **fields)
    return course
