"""A person's own account: name, password, e-mails."""

from flask import flash, redirect, session, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, PasswordField
from wtforms.validators import InputRequired

from lms import accounts, enrollment
from lms.models.school import LONGEST_ZONE
from lms.queries.people import chosen_address, emails_wanted, open_sign_ins
from lms.refusals import Invalid, RateLimited
from lms.times import zone_names
from lms.web.addresses import is_mail_sent
from lms.web.asking import device, limit
from lms.web.auth.blueprint import bp, forms_of_page, page
from lms.web.auth.forms import AddressForm
from lms.web.auth.second_factors import shown as second_factors
from lms.web.forms import NameForm, refuse, text_field
from lms.web.session import begin, person, require_anybody


class ChangePasswordForm(FlaskForm):
    current_password = PasswordField(
        "Current password", validators=[InputRequired("Enter your current password.")]
    )
    password = PasswordField("New password", validators=[InputRequired("Choose a password.")])


class EmailsForm(FlaskForm):
    """Which e-mails to send; each role has its own kinds."""

    decisions = BooleanField("Updates on my access and certificates")
    purchases = BooleanField("Payments: receipts, refunds and problems")
    messages = BooleanField("Messages from the school about my courses")
    requests = BooleanField("New access requests (at most one e-mail every 15 minutes)")


class ZoneForm(FlaskForm):
    """In which time zone to tell the time."""

    time_zone = text_field("Time zone", most=LONGEST_ZONE)


@bp.route("/profile", methods=["GET", "POST"])
def profile() -> Response:
    """Show a person's own account, and change the name."""
    require_anybody()
    form = NameForm(data={"name": person().name})
    if form.is_submitted() and form.validate():
        try:
            enrollment.rename_user(person().id, str(form.name.data), by=person().id)
        except Invalid as refusal:
            refuse(form, refusal)
        else:
            flash("Name saved.", "success")
            return redirect(url_for("auth.profile"), 303)
    return profile_page(form)


@bp.post("/profile/password")
def change_password() -> Response:
    """Replace the password; every other browser is signed out."""
    require_anybody()
    form = ChangePasswordForm()
    if form.validate():
        current, new = str(form.current_password.data), str(form.password.data)
        try:
            remember = session.permanent
            token = accounts.change_password(
                person().id,
                current=current,
                new=new,
                limit=limit(),
                device=device(),
                remember=remember,
            )
        except Invalid as refusal:
            refuse(form, refusal)
        except RateLimited as refusal:
            return profile_page(form, refusal)
        else:
            begin(token, remember=remember)
            flash("Password changed. You're signed out everywhere else.", "success")
            return redirect(url_for("auth.profile"), 303)
    return profile_page(form)


@bp.post("/profile/time-zone")
def choose_time_zone() -> Response:
    """Choose a time zone of one's own, or the school's again."""
    require_anybody()
    form = ZoneForm()
    if form.validate():
        try:
            enrollment.choose_time_zone(person().id, str(form.time_zone.data or ""))
        except Invalid as refusal:
            refuse(form, refusal)
        else:
            flash("Time zone saved.", "success")
            return redirect(url_for("auth.profile"), 303)
    return profile_page(form)


@bp.post("/profile/emails")
def choose_emails() -> Response:
    """Choose which e-mails to get; those about passwords are always sent."""
    require_anybody()
    form = EmailsForm()
    if not form.validate():
        return profile_page(form)
    if person().role == "admin":
        enrollment.choose_emails(person().id, requests=form.requests.data)
    else:
        enrollment.choose_emails(
            person().id,
            decisions=form.decisions.data,
            purchases=form.purchases.data,
            messages=form.messages.data,
        )
    flash("E-mail preferences saved.", "success")
    return redirect(url_for("auth.profile"), 303)


def profile_page(form: FlaskForm, refusal: RateLimited | None = None) -> Response:
    """Return the page with all its forms, one of which may have come back."""
    forms = forms_of_page(
        form,
        name_form=NameForm(formdata=None, data={"name": person().name}),
        address_form=AddressForm(formdata=None),
        password_form=ChangePasswordForm(formdata=None),
        zone_form=ZoneForm(formdata=None, data={"time_zone": person().time_zone}),
        emails_form=EmailsForm(formdata=None, obj=emails_wanted(person().id)),
    )
    return page(
        "auth/profile.html",
        form,
        refusal,
        sign_ins=open_sign_ins(person().id),
        chosen=chosen_address(person().id),
        is_mail_sent=is_mail_sent(),
        zones=zone_names(),
        **second_factors(person().id),
        **forms,
    )
