"""The books: what money moved in a month, and closing it."""

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from lms import payments
from lms.ledger.book_clocks import BookClocks
from lms.ledger.months import Month
from lms.queries import books as queries
from lms.queries import payments as paid
from lms.refusals import Invalid
from lms.web import behind
from lms.web.admin.blueprint import bp, live
from lms.web.admin.filters import addresses, listed
from lms.web.admin.spreadsheets import spreadsheet
from lms.web.session import person, require_proof


@bp.get("/payments/books")
@live("payments")
def books() -> str | tuple[str, int]:
    """Show the books of a month, by default of the present one."""
    asked, clocks = request.args.get("month", "").strip(), queries.present_clocks()
    try:
        month, refusal = clocks.read(asked) if asked else clocks.present, ""
    except Invalid as error:
        month, refusal = clocks.present, error.detail
    address = addresses("admin.books", month=str(month))
    page = render_template(
        "admin/books.html",
        **behind.read(lambda: _shown(month, clocks, address)),
        month=month,
        is_over=clocks.is_over(month),
        is_early=queries.is_early(month, clocks),
        next_zone=clocks.zone(month.next),
        figures=queries.SUMS,
        asked=asked or str(month),
        refusal=refusal,
        address=address,
    )
    return (page, 422) if refusal else page


def _shown(month: Month, clocks: BookClocks, address: Callable[[int], str]) -> dict[str, Any]:
    found = queries.books(month, clocks)
    lines = listed(
        lambda page: queries.page_of_lines(month, clocks, page, is_closed=found.is_closed), address
    )
    months = queries.months()
    return {"books": found, "span": queries.span_of(found), "found": lines, "months": months}


@bp.get("/payments/books/close")
def confirm_close() -> str | Response:
    """Ask whether to close a month, and say what it takes along."""
    clocks = queries.present_clocks()
    try:
        month = clocks.read(request.args.get("month", ""))
    except Invalid as refusal:
        return _back(refusal)
    found = queries.books(month, clocks)
    if found.is_closed or not clocks.is_over(month):
        flash(_obstacle(month, is_closed=found.is_closed), "info")
        return _to(month)
    return render_template("admin/books_close.html", books=found, month=month)


@bp.post("/payments/books/close")
def close_books() -> Response:
    """Close a month."""
    require_proof()
    try:
        month = queries.present_clocks().read(request.form.get("month", ""))
        closed = payments.close_month(month, by=person().id)
    except Invalid as refusal:
        return _back(refusal)
    if closed:
        flash(f"The books for {month.name} are closed.", "success")
    else:
        flash(_obstacle(month, is_closed=True), "info")
    return _to(month)


@bp.get("/payments/books.csv")
def books_csv() -> Response:
    """Export the lines of a month."""
    clocks = queries.present_clocks()
    month = clocks.read(request.args.get("month", "") or str(clocks.present))
    require_proof()
    return spreadsheet(
        f"books-{month}.csv", lambda: queries.spreadsheet_rows(queries.report(month, clocks))
    )


@bp.get("/payments/<int:payment_id>/access")
def payment_access(payment_id: int) -> Response:
    """Lead to the access that a payment gives; to the payment, where nobody is left to have it."""
    found = paid.pair_of(payment_id)
    if found is None:
        return redirect(url_for("admin.payment", payment_id=payment_id), 303)
    student_id, course_id = found
    return redirect(
        url_for("admin.explain_access", student_id=student_id, course_id=course_id), 303
    )


def _back(refusal: Invalid) -> Response:
    flash(refusal.detail, "warning")
    return _to(None)


def _to(month: Month | None) -> Response:
    return redirect(url_for("admin.books", month=month), 303)


def _obstacle(month: Month, *, is_closed: bool) -> str:
    if is_closed:
        return f"The books for {month.name} are already closed."
    return f"{month.name} isn't over yet. You can close its books once {month.next.name} has begun."
