"""The evidence for a dispute, as a PDF to be sent to the bank through Stripe."""

import json
from collections.abc import Iterator
from datetime import datetime

from flask import current_app, flash, redirect, url_for
from werkzeug.wrappers import Response

from lms.db import now
from lms.money import money
from lms.payments.evidence import SOURCE, asked_for
from lms.queries.admin.evidence import Evidence, evidence
from lms.web.addresses import portal_address
from lms.web.admin.blueprint import bp
from lms.web.certificate_pdf import drawable, typesetter
from lms.web.school import school

Rows = list[tuple[str, str]]


@bp.get("/payments/<int:payment_id>/evidence.pdf")
def dispute_evidence(payment_id: int) -> Response:
    """Gather what decides the dispute of a payment."""
    found = evidence(payment_id)
    if not found.payment.disputes:
        flash("This payment isn't disputed, so there is nothing to answer.", "info")
        return redirect(url_for("admin.payment", payment_id=payment_id), 303)
    response = current_app.response_class(mimetype="application/pdf")
    name = f'attachment; filename="evidence-{payment_id}.pdf"'
    response.headers["Content-Disposition"] = name
    sections = [
        {"title": title, "rows": [(label, drawable(value) or "-") for label, value in rows]}
        for title, rows in _sections(found)
    ]
    words = {
        "title": f"Evidence for the dispute over payment {payment_id}",
        "author": drawable(school().name),
        "sections": json.dumps(sections),
    }
    response.data = typesetter.drawn("evidence.typ", words, now().replace(microsecond=0))
    return response


def _sections(found: Evidence) -> Iterator[tuple[str, Rows]]:
    yield "Dispute", _dispute(found)
    yield "Purchase", _purchase(found)
    yield "Course activity", _use(found)
    yield (
        "Current sign-ins",
        [
            (
                _when(each.created_at),
                f"{each.device or 'Unknown device'},"
                f" last used {_when(each.last_seen_at or each.created_at)}",
            )
            for each in found.sign_ins
        ]
        or [("None", "Sign-ins that have ended aren't kept.")],
    )
    yield (
        "E-mails sent",
        [(_when(each.sent_at), each.subject) for each in found.emails]
        or [("None", "Sent e-mails are kept for a limited time.")],
    )
    yield "Terms", [("Terms", _terms() or "Not given")]


def _terms() -> str:
    """Return where the terms are: elsewhere, or on a page of the portal."""
    about = school()
    is_own = "terms" in about.legal and not about.terms_url
    return portal_address("legal.page", name="terms") if is_own else about.terms_url


def _dispute(found: Evidence) -> Rows:
    rows: Rows = []
    for each in found.payment.disputes:
        reason = each.reason or "general"
        rows += [
            ("Dispute", f"{each.id}, opened {_when(each.created_at)}"),
            ("Amount", money(each.amount, each.currency or found.payment.currency)),
            ("Reason", reason.replace("_", " ")),
            *((f"Stripe asks for {field}", what) for field, what in asked_for(reason).items()),
        ]
    return [*rows, ("Source", SOURCE)]


def _purchase(found: Evidence) -> Rows:
    payment = found.payment
    return [
        ("Name", payment.user_name),
        ("E-mail", payment.user_email),
        ("Course", payment.course_title),
        ("Paid", f"{money(payment.amount_cents, payment.currency)}, {_when(payment.paid_at)}"),
        ("Refunded", money(payment.refunded_cents, payment.currency)),
        ("Stripe payment", payment.payment_intent or ""),
        ("Stripe checkout", payment.session_id or ""),
    ]


def _use(found: Evidence) -> Rows:
    rows = [
        ("Access", f"{_when(each.began)} to {_when(each.ended) if each.ended else 'now'}")
        for each in found.accesses
    ] or [("Access", "None through this payment")]
    rows.append(("Chapters completed", f"{found.completed:,}"))
    for label, chapter in (("First", found.first_chapter), ("Last", found.last_chapter)):
        if chapter is not None:
            rows.append(
                (f"{label} chapter completed", f"{chapter.title}, {_when(chapter.completed_at)}")
            )
    return rows


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"
