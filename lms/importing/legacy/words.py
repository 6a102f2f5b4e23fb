"""What an old school's words for a status or a role mean here; case and signs don't count."""

import re
from collections.abc import Mapping
from typing import Any

from lms.importing.legacy.values import line


def spelled(value: Any) -> str:
    """Return a word without what writers differ in: case, blanks, dashes, brackets."""
    return re.sub(r"[^a-z0-9]", "", line(value).lower())


def _table(**words: str) -> dict[str, str]:
    return {
        spelled(each): ours for ours, listed in words.items() for each in (ours, *listed.split())
    }


ROLES = _table(
    student="user member learner customer subscriber participant pupil trainee attendee basic"
    " regular normal default viewer standard authenticated",
    admin="administrator superadmin superuser root sysadmin systemadmin siteadmin",
    teacher="instructor teachers tutor lecturer professor author creator educator mentor coach"
    " trainer faculty staff editor moderator manager assistant teachingassistant ta",
)
"""There are no teachers here: they come as students, and the report says so first."""
ACCOUNTS = _table(
    active="enabled verified approved confirmed ok normal invited new registered pending"
    " unverified pendingverification",
    closed="inactive disabled deactivated banned blocked suspended locked deleted removed archived"
    " closed rejected terminated expired frozen",
)
COURSES = _table(
    published="publish live released visible public open online approved available",
    active="enabled running ongoing inprogress current",
    draft="unpublished hidden private pending review inreview new inactive disabled scheduled"
    " comingsoon upcoming planned unlisted pendingreview rejected",
    archived="archive deleted closed ended retired completed finished cancelled canceled expired"
    " removed trash trashed deprecated past",
)
ENROLLMENTS = _table(
    active="enrolled enroled enabled inprogress started notstarted ongoing paid accepted approved"
    " confirmed current open granted registered joined valid ok yes true trial trialing",
    completed="complete finished passed graduated done certified",
    ended="cancelled canceled cancelledbyuser dropped droppedout inactive suspended expired"
    " withdrawn withdrew removed revoked rejected denied declined refunded unenrolled unenroled"
    " deleted banned blocked terminated archived left paused unpaid disabled closed pastdue"
    " overdue stopped quit abandoned no false incompleteexpired",
    waiting="pending waiting waitlist waitlisted waitlisting requested invited applied awaiting"
    " pendingpayment pendingapproval awaitingpayment onhold hold incomplete",
)
REQUESTS = _table(
    pending="requested waiting open new submitted created inreview underreview review awaiting"
    " pendingreview pendingapproval todo waitlisted",
    approved="approve accepted accept granted confirmed allowed enrolled completed yes ok done",
    rejected="reject denied deny declined decline refused disapproved dismissed revoked no",
    withdrawn="cancelled canceled cancelledbyuser withdrew retracted expired closed deleted"
    " archived removed abandoned",
)
PAYMENTS = _table(
    paid="succeeded succeed success successful complete completed captured settled paidout payed"
    " confirmed approved done fulfilled ok active finished finalized received won disputewon",
    pending="open created initiated unpaid requirespaymentmethod requiresconfirmation"
    " requiresaction incomplete new draft waiting awaiting awaitingpayment started notpaid",
    processing="inprogress requirescapture authorized authorised uncaptured clearing",
    failed="failure fail declined error denied rejected paymentfailed uncollectible",
    expired="cancelled canceled abandoned voided void timeout timedout incompleteexpired deleted",
    refunded="refund fullyrefunded reversed returned moneyback",
    partially_refunded="partiallyrefunded partialrefund partial partlyrefunded",
    disputed="dispute indispute chargeback chargebackpending underreview needsresponse",
    dispute_lost="disputelost lost chargedback chargebacklost",
    needs_review="needsreview review onhold hold",
    undeliverable="",
)
METHODS = _table(
    stripe="card creditcard debitcard cards checkout stripecheckout stripecard applepay googlepay",
    transfer="banktransfer wire wiretransfer bank sepa sepadebit sepatransfer ach bacs iban"
    " directdebit klarnabanktransfer invoice uberweisung eft",
    cash="cashpayment bar",
    purchase_order="purchaseorder po",
    other="paypal manual cheque check razorpay paddle lemonsqueezy mollie square braintree voucher"
    " coupon free gift comp none mobilemoney mpesa crypto offline external",
)


def meaning(value: Any, table: Mapping[str, str], answers: Mapping[str, str]) -> str | None:
    """Return our word for this one; None where it is unknown, which the owner may have answered."""
    found = spelled(value)
    return answers.get(found) or table.get(found)


def words_in(value: Any) -> list[str]:
    """Return the words of a list, such as `{ADMIN}`, `["admin"]` or `admin,user`."""
    return [each for each in re.split(r"[\s,;|\[\]{}\"']+", line(value)) if each]
