"""Payments: what was paid for what, and what needs a look."""

from typing import get_args

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from lms.models import PaymentStatus
from lms.queries.admin import payments as paid
from lms.web.admin.blueprint import bp
from lms.web.admin.filters import addresses
from lms.web.forms import page_number, search_text
from lms.web.live import live


@bp.get("/payments")
@live("payments", "people", "catalogue", "requests")
def payments() -> str | Response:
    """List the payments, the latest first."""
    q, page = search_text(), page_number()
    status = request.args.get("status", "")
    status = status if status in get_args(PaymentStatus) else ""
    address = addresses("admin.payments", q=q, status=status)
    found = paid.payments(page=page, q=q, status=status)
    if page > found.pages:
        return redirect(address(found.pages))
    return render_template(
        "admin/payments.html",
        found=found,
        counts=paid.statuses(),
        statuses=get_args(PaymentStatus),
        q=q,
        status=status,
        address=address,
    )
