"""Accounts: who is an admin, who may sign in, and deletion."""

from typing import Literal

from flask import abort, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from lms import accounts, enrollment
from lms.queries.admin import students as people
from lms.queries.admin.students import Admin
from lms.queries.student import certificates
from lms.refusals import AddressNotConfirmed, Invalid, UserNotFound
from lms.texts import counted
from lms.web.addresses import whole
from lms.web.admin.blueprint import bp, live
from lms.web.admin.forms import ReasonForm
from lms.web.admin.spreadsheets import export
from lms.web.session import person, require_proof

Change = Literal["deactivate", "delete", "make-admin"]


@bp.get("/admins")
@live("people", "requests")
def admins() -> str:
    """List the admins."""
    return render_template("admin/admins.html", admins=people.admins(), me=person().id)


@bp.get("/admins.csv")
def admins_csv() -> Response:
    """Export the admins."""
    return export("admins", Admin, people.admins)


@bp.get("/admins/<int:user_id>/make-student")
def confirm_make_student(user_id: int) -> str:
    """Show what it means that an admin becomes a student."""
    name = next((admin.name for admin in people.admins() if admin.id == user_id), None)
    if name is None:
        raise UserNotFound
    return render_template(
        "admin/admin_demote.html",
        name=name,
        user_id=user_id,
        is_me=user_id == person().id,
        form=ReasonForm(),
    )


@bp.post("/admins/<int:user_id>/make-student")
def make_student(user_id: int) -> Response:
    """Make an admin a student; the last active admin stays one."""
    require_proof()
    reason = _reason()
    try:
        enrollment.change_role(user_id, "student", by=person().id, reason=reason)
    except Invalid as refusal:
        flash(refusal.detail, "warning")
        return redirect(url_for("admin.admins"), 303)
    if user_id == person().id:
        flash("You're a student now. Sign in again.", "success")
        return redirect(url_for("auth.login"), 303)
    flash("This person is now a student and has to sign in again.", "success")
    return redirect(url_for("admin.student", student_id=user_id), 303)


@bp.post("/students/<int:student_id>/sign-out")
def sign_out(student_id: int) -> Response:
    """End a student's sessions, wherever they are; they can sign in again."""
    people.student(student_id)
    ended = enrollment.end_sign_ins(student_id, by=person().id)
    where = (
        f"Signed out of {counted(ended, 'browser')}." if ended else "The student isn't signed in."
    )
    flash(where, "success")
    return redirect(url_for("admin.student", student_id=student_id), 303)


@bp.get("/people/<int:user_id>/reset-factors")
def confirm_reset_factors(user_id: int) -> str | Response:
    """Show what it means that a person's second factors are removed for them."""
    if user_id == person().id:
        return redirect(url_for("auth.profile") + "#second-factor-card", 303)
    name, page = _somebody(user_id)
    return render_template(
        "admin/reset_factors.html", name=name, page=page, user_id=user_id, form=ReasonForm()
    )


@bp.post("/people/<int:user_id>/reset-factors")
def reset_factors(user_id: int) -> Response:
    """Remove the second factors of somebody else, who has lost them."""
    if user_id == person().id:
        abort(403, "Your own second factors are on your profile page.")
    require_proof()
    _name, page = _somebody(user_id)
    address = whole("auth.profile")
    removed = accounts.reset_factors(user_id, by=person().id, reason=_reason(), address=address)
    if removed:
        flash(
            f"Removed {counted(removed, 'second factor')}. We've notified this person by e-mail.",
            "success",
        )
    else:
        flash("This person has no second factor.", "info")
    return redirect(page, 303)


@bp.post("/students/<int:student_id>/reactivate")
def reactivate(student_id: int) -> Response:
    """Let a deactivated student sign in again."""
    people.student(student_id)
    enrollment.reactivate_user(student_id, by=person().id)
    flash("Reactivated. The student can sign in again.", "success")
    return redirect(url_for("admin.student", student_id=student_id), 303)


@bp.get("/students/<int:student_id>/<any('deactivate', 'delete', 'make-admin'):change>")
def confirm_change(student_id: int, change: Change) -> str:
    """Show what a change of the account means."""
    return render_template(
        "admin/account.html",
        detail=people.detail(student_id),
        certificates=certificates(student_id),
        change=change,
        form=ReasonForm(),
    )


@bp.post("/students/<int:student_id>/<any('deactivate', 'delete', 'make-admin'):change>")
def change_account(student_id: int, change: Change) -> Response:
    """Change the account."""
    people.student(student_id)
    if change != "deactivate":
        require_proof()
    reason, by = _reason(), person().id
    if change == "deactivate":
        enrollment.deactivate_user(student_id, by=by, reason=reason)
        flash("Deactivated. The student is signed out everywhere and can't sign in.", "success")
        return redirect(url_for("admin.student", student_id=student_id), 303)
    if change == "make-admin":
        try:
            enrollment.change_role(student_id, "admin", by=by, reason=reason)
        except AddressNotConfirmed as refusal:
            flash(refusal.detail, "warning")
            return redirect(url_for("admin.student", student_id=student_id), 303)
        flash("This person is now an admin and has to sign in again.", "success")
        return redirect(url_for("admin.admins"), 303)
    enrollment.delete_user(student_id, by=by, reason=reason)
    flash("Account and learning records deleted. Payments and the audit trail are kept.", "success")
    return redirect(url_for("admin.students"), 303)


def _somebody(user_id: int) -> tuple[str, str]:
    """Return the name and the page of a person of either role."""
    for admin in people.admins():
        if admin.id == user_id:
            return admin.name, url_for("admin.admins")
    return people.student(user_id).name, url_for("admin.student", student_id=user_id)


def _reason() -> str:
    form = ReasonForm()
    if not form.validate():
        abort(422, "Nothing was changed. " + " ".join(form.reason.errors))
    return form.reason.data or ""
