"""A portal that sells, on both engines, and a purchase to tell of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from lms.db import db
from lms.demo.stripe import StripeStandIn
from lms.payments import Gateway, checkout, connect
from tests.builders import a_chapter, a_course, a_student, an_admin
from tests.invariants import assert_invariants
from tests.payments.stripe_events import SECRET, Purchase, body_of, signed

Tell = Callable[..., TestResponse]
Hear = Callable[..., list[int]]


@dataclass(frozen=True)
class Sale:
    """A student who is about to pay for a course."""

    student: int
    course: int
    payment: int
    stripe: Purchase


@pytest.fixture
def selling(app: Flask) -> Flask:
    app.config["STRIPE_WEBHOOK_SECRET"] = SECRET
    return app


@pytest.fixture
def student(selling: Flask) -> int:
    with selling.app_context():
        return a_student()


@pytest.fixture
def admin(selling: Flask) -> int:
    with selling.app_context():
        return an_admin()


@pytest.fixture
def client(selling: Flask) -> FlaskClient:
    return selling.test_client()


@pytest.fixture
def sale(selling: Flask) -> Sale:
    with selling.app_context():
        return a_sale()


@pytest.fixture
def tell(client: FlaskClient) -> Tell:
    """Deliver an event as Stripe does."""

    def deliver(event: dict[str, Any], **signing: Any) -> TestResponse:
        body = body_of(event)
        return client.post(
            "/api/payments/webhook", data=body.encode(), headers=signed(body, **signing)
        )

    return deliver


@pytest.fixture
def stripe(selling: Flask, tmp_path: Path) -> Iterator[StripeStandIn]:
    """A Stripe on this machine that the portal calls; its webhook is `hear`."""
    with StripeStandIn(tmp_path / "stripe", webhook_secret=SECRET) as stand_in:
        selling.config["STRIPE_SECRET_KEY"] = stand_in.key
        selling.config["STRIPE_API_BASE"] = stand_in.url
        yield stand_in


@pytest.fixture
def gateway(selling: Flask, stripe: StripeStandIn) -> Gateway:
    found = connect(selling.config)
    assert found is not None, stripe.url
    return found


@pytest.fixture
def hear(client: FlaskClient, stripe: StripeStandIn) -> Hear:
    """Deliver what has happened at Stripe, all of it or only some types; return the statuses."""

    def deliver(*types: str) -> list[int]:
        answers = []
        for event in stripe.events(*types):
            body, headers = stripe.signed(event)
            answers.append(
                client.post("/api/payments/webhook", data=body.encode(), headers=headers)
            )
        return [answer.status_code for answer in answers]

    return deliver


def a_sale(*, price: int = 4900, currency: str = "eur", **fields: Any) -> Sale:
    """Begin a purchase, as pressing 'Buy' does before Stripe is called."""
    student = a_student()
    course = a_course("Bread", price_cents=price, currency=currency, **fields)
    a_chapter(course)
    attempt = checkout._begin(student, course, origin="http://localhost", is_configured=True)
    number = attempt.payment_id
    purchase = Purchase(
        reference=attempt.offer.reference,
        session=f"cs_test_{number}",
        intent=f"pi_{number}",
        amount=price,
        currency=currency,
    )
    return Sale(student, course, number, purchase)


def two_purchases(**fields: Any) -> tuple[Sale, Sale]:
    """Begin a second purchase, the first having been given up before its money came."""
    first = a_sale(**fields)
    checkout.give_up(first.payment)
    attempt = checkout._begin(first.student, first.course, origin="", is_configured=True)
    number = attempt.payment_id
    again = first.stripe.of(
        reference=attempt.offer.reference, session=f"cs_test_{number}", intent=f"pi_{number}"
    )
    return first, Sale(first.student, first.course, number, again)


def payment_state(sql: Any, sale: Sale) -> tuple[str, int, int]:
    """Return status, cents refunded, and how many enrollments the pair has."""
    [row] = sql("SELECT status, refunded_cents FROM payments WHERE id = :id", id=sale.payment)
    [enrolled] = sql(
        "SELECT count(*) AS n FROM enrollments WHERE user_id = :u AND course_id = :c",
        u=sale.student,
        c=sale.course,
    )
    return row.status, row.refunded_cents, enrolled.n


def check_invariants(app: Flask) -> None:
    with app.app_context(), Session(db.engine) as session:
        assert_invariants(session)
