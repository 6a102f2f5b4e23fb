"""The school's settings: one page, one form."""

import re
from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import HiddenField, RadioField, ValidationError
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs

from lms import enrollment
from lms.models.columns import LONGEST_EMAIL
from lms.models.school import (
    LONGEST_ADDRESS,
    LONGEST_HOSTS,
    LONGEST_LEGAL,
    LONGEST_RULE,
    LONGEST_SCHOOL,
    LONGEST_TAX_ID,
    LONGEST_WAY_TO_PAY,
    LONGEST_ZONE,
)
from lms.queries.admin import settings as kept
from lms.refusals import Invalid, SettingsChanged
from lms.school import DEFAULTS, LEGAL, is_overruled
from lms.times import zone_names
from lms.web.admin.blueprint import bp
from lms.web.admin.forms import LogoForm
from lms.web.admin.saved_now import SavedNow
from lms.web.forms import long_text_field, refuse, status_of, text_field
from lms.web.school import school
from lms.web.session import person, require_proof

_ADMISSION = [
    ("open", "Anyone"),
    ("domains", "Only people with an e-mail address at these domains"),
    ("closed", "Nobody: the school adds or invites its students"),
]

_VERSION = re.compile("[0-9]{1,18}", re.ASCII)
_RULE = {"domains": "registration"}
"""Fields that are part of another setting."""
_EXPIRED = "This form has expired. Check what you typed, and save again."


class SettingsForm(FlaskForm):
    """All settings; `seen` is the version that the page showed."""

    seen = HiddenField()
    name = text_field("School's name", most=LONGEST_SCHOOL)
    time_zone = text_field("Time zone", most=LONGEST_ZONE)
    currency = text_field("Currency", most=3)
    contact = text_field("Contact e-mail", most=LONGEST_EMAIL)
    address = text_field("Seller's address", most=LONGEST_ADDRESS)
    tax_id = text_field("Seller's tax ID", most=LONGEST_TAX_ID)
    registration = RadioField(
        "Who can create an account?",
        choices=[SelectChoice(*choice) for choice in _ADMISSION],
        validate_choice=False,
    )
    domains = text_field("Domains", most=LONGEST_RULE)
    offer_days = text_field("Days that an offer holds a seat", most=10)
    video_hosts = text_field("Videos from other sites", most=LONGEST_HOSTS)
    how_to_pay = long_text_field("How to pay without Stripe", most=LONGEST_WAY_TO_PAY)
    terms = long_text_field("Terms", most=LONGEST_LEGAL)
    privacy = long_text_field("Privacy", most=LONGEST_LEGAL)
    imprint = long_text_field("Imprint", most=LONGEST_LEGAL)
    accessibility = long_text_field("Accessibility", most=LONGEST_LEGAL)

    def chosen(self) -> dict[str, Any]:
        """Return what was sent of what the environment leaves open."""
        named = [name for name in (*DEFAULTS, *LEGAL) if not is_overruled(name)]
        values = {name: self[name].data or None for name in named if name in request.form}
        if "registration" in named:
            values["registration"] = self._admission()
        return values

    def version(self) -> int | None:
        """Return the version that the page showed; None if it names none."""
        version = str(self.seen.data or "")
        return int(version) if _VERSION.fullmatch(version) else None

    def validate(self, extra_validators: Mapping[str, Any] | None = None) -> bool:
        """Check the fields, each by the rule of its setting as well: all faults at once."""
        super().validate(extra_validators)
        chosen = self.chosen()
        if self._lacks_domains() and not self.domains.errors:
            refuse(self, Invalid("domains", "Enter at least one domain, such as school.example."))
        if self.domains.errors:
            chosen.pop("registration", None)
        sound = {name: value for name, value in chosen.items() if not self[name].errors}
        for fault in enrollment.setting_faults(sound):
            refuse(self, _at_its_field(fault))
        return not self.errors

    def validate_registration(self, field: RadioField) -> None:
        """Demand an answer: none must not mean that anyone can create an account."""
        if not is_overruled("registration") and field.data not in dict(_ADMISSION):
            raise ValidationError("Choose who can create an account.")

    def _admission(self) -> str:
        is_list = self.registration.data == "domains"
        return str((self.domains if is_list else self.registration).data or "").strip()

    def _lacks_domains(self) -> bool:
        is_list = self.registration.data == "domains" and not is_overruled("registration")
        return is_list and self._admission() in {"", "open", "closed"}


@bp.get("/settings")
def settings() -> str:
    """Show the settings."""
    return settings_page()


@bp.post("/settings")
def change_settings() -> Response | tuple[str, int]:
    """Change the settings; whoever has seen earlier ones than there are is told."""
    require_proof()
    form = SettingsForm()
    version, status, saved = str(form.seen.data or ""), 422, None
    seen = form.version()
    if seen is None:
        form.form_errors.append(_EXPIRED)
        version, status = kept.chosen()["version"], 400
    elif form.validate():
        try:
            enrollment.change_settings(form.chosen(), seen=seen, by=person().id)
        except Invalid as refusal:
            refuse(form, _at_its_field(refusal))
        except SettingsChanged as refusal:
            found = kept.chosen()
            saved = SavedNow(refusal.detail, _words(form, refusal, found))
            version, status = str(refusal.version), 409
        else:
            if request.form.get("file"):  # its name: this button sends no files
                flash(
                    "Settings saved, but not the logo: choose it again, and press Save logo.",
                    "warning",
                )
            else:
                flash("Settings saved.", "success")
            return redirect(url_for("admin.settings"), 303)
    else:
        status = status_of(form)
    return _page(form, version, saved=saved), status


def settings_page(logo_form: LogoForm | None = None, *, seen: int | None = None) -> str:
    """Return the page with what was typed in it; with the form of the logo, where it was refused.

    `seen` is the version of which what was typed is a change; None if nothing was.
    """
    form, found = typed() if seen is not None else None, kept.chosen()
    if form is None:
        unchanged = SettingsForm(formdata=None, data=_shown(found))
        return _page(unchanged, found["version"], logo_form)
    return _page(form, seen, logo_form, is_unsaved=True)


def typed() -> SettingsForm | None:
    """Return what was sent along with a logo; None if that is what is saved."""
    form, found = SettingsForm(), _shown(kept.chosen())
    differs = False
    for name, saved in found.items():
        if name not in request.form or is_overruled(_RULE.get(name, name)):
            form[name].data = saved
        differs |= (form[name].data or "") != (saved or "")
    return form if differs else None


def _page(
    form: SettingsForm,
    version: object,
    logo_form: LogoForm | None = None,
    saved: SavedNow | None = None,
    *,
    is_unsaved: bool = False,
) -> str:
    overruled = {field.name for field in form if is_overruled(_RULE.get(field.name, field.name))}
    form.seen.data = str(version)
    shown = _shown(vars(school())) | {"terms": school().terms_url}
    for name in overruled:
        form[name].data = shown[name]
    return render_template(
        "admin/settings.html",
        form=form,
        saved=saved,
        logo_form=logo_form or LogoForm(formdata=None),
        is_unsaved=is_unsaved,
        overruled=overruled,
        defaults=DEFAULTS,
        zones=zone_names(),
    )


def _at_its_field(fault: Invalid) -> Invalid:
    return Invalid("domains", fault.detail) if fault.field == "registration" else fault


def _shown(values: Any) -> dict[str, Any]:
    """Return settings as the form shows them: those who register in two fields."""
    hosts = values["video_hosts"] or ""
    rule = values["registration"] or DEFAULTS["registration"]
    is_list = rule not in {"open", "closed"}
    days = values["offer_days"]
    return {name: values[name] for name in (*DEFAULTS, *LEGAL) if name in values} | {
        "registration": "domains" if is_list else rule,
        "domains": rule.replace(",", ", ") if is_list else "",
        "offer_days": "" if days is None else str(days),
        "currency": (values["currency"] or "").upper(),
        "video_hosts": hosts.replace(",", ", "),
    }


def _unset(name: str) -> str:
    return "the default" if DEFAULTS.get(name) else "empty"


def _words(
    form: SettingsForm, refusal: SettingsChanged, found: dict[str, Any]
) -> list[tuple[str, str]]:
    """Return what is there now where something else was typed."""
    there = {**found, "currency": (found["currency"] or "").upper()}
    return [(form[name].label.text, str(there[name] or _unset(name))) for name in refusal.fields]
