"""The evidence for a dispute: one press gathers what the portal knows of it."""

import re
from io import BytesIO

import stripe as sdk
from flask import Flask
from pypdf import PdfReader

from lms import enrollment, payments
from lms.demo.stripe import StripeStandIn
from lms.payments.evidence import WHAT, asked_for
from tests.builders import a_chapter, a_course
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act


def said(content: bytes) -> str:
    """Return the words of a PDF without spaces, which extraction adds and leaves out."""
    return "".join(
        "".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages).split()
    )


def test_one_press_gathers_what_decides_a_dispute(
    *, student: Browser, admin: Browser, stripe: StripeStandIn, app: Flask, act: Act, sql: Sql
) -> None:
    app.config["TERMS_URL"] = "https://school.example/terms"
    course = act(a_course, "Bread & Butter", price_cents=4900)
    chapters = [act(a_chapter, course, title) for title in ("Flour", "Yeast", "Oven")]
    stripe.pay(act(payments.buy, connect(app), student.user_id, course, origin="http://localhost"))
    act(payments.reconcile, connect(app))
    for chapter in chapters[:2]:
        act(enrollment.complete_chapter, student.user_id, chapter)
    sql("UPDATE outbox_emails SET sent_at = '2026-11-03 10:00:00.000000'")
    address = "/admin/payments/1/evidence.pdf"
    assert admin.get(address).status_code == 303  # nobody disputes it yet
    assert "Evidence for the bank" not in admin.get("/admin/payments/1").text
    [payment] = sql("SELECT stripe_payment_intent_id AS intent FROM payments")
    stripe.open_dispute(payment.intent, reason="product_not_received", amount=1000)
    act(payments.reconcile, connect(app))
    assert address in admin.get("/admin/payments/1").text
    answer = admin.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    words = said(answer.data)
    for told in (
        *("Bread&Butter", "€49.00", "€10.00", payment.intent, "productnotreceived"),
        *("Firstchaptercompleted:Flour,", "Lastchaptercompleted:Yeast,", "Chapterscompleted:2"),
        "SamStudent",
        *("2026-11-0310:00UTC:", "https://school.example/terms", "service_documentation"),
        *("https://docs.stripe.com/disputes/categories", "Currentsign-ins"),
    ):
        assert told in words, told
    assert "Oven" not in words
    assert re.search(r"Access:[-0-9:]{15}UTCto[-0-9:]{15}UTC", words)  # the dispute suspended it
    assert "never" not in words  # a sign-in that was not used again was used when it began
    assert student.get(address).status_code == 403


def test_what_stripe_asks_for_depends_on_the_reason_and_is_in_its_form() -> None:
    assert WHAT.keys() <= sdk.Dispute.Evidence.__annotations__.keys()
    assert "duplicate_charge_id" in asked_for("duplicate")
    assert "duplicate_charge_id" not in asked_for("fraudulent")
    assert "refund_policy" in asked_for("credit_not_processed")
    assert asked_for("a reason of tomorrow") == asked_for("general")


def connect(app: Flask) -> payments.Gateway:
    gateway = payments.connect(app.config)
    assert gateway is not None
    return gateway
