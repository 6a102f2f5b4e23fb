"""The school's logo, saved by a button of its own on the page of the settings.

What was typed into the settings comes along, and stays on the page.
"""

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response

from lms import enrollment
from lms.db import end_reading
from lms.files.taking import take_logo
from lms.refusals import Invalid
from lms.web.admin.blueprint import bp
from lms.web.admin.forms import LogoForm
from lms.web.admin.settings import SettingsForm, settings_page, typed
from lms.web.forms import refuse, status_of
from lms.web.school import look_again
from lms.web.session import person, require_proof
from lms.web.turns import turn
from lms.web.uploads import unkept


@bp.post("/settings/logo")
def choose_logo() -> Response | str | tuple[str, int]:
    """Make a picture the school's logo."""
    require_proof()
    form, seen = LogoForm(), SettingsForm().version()
    if not form.validate():
        return settings_page(form, seen=seen), status_of(form)
    end_reading()
    try:
        with turn(), form.file.data.stream as file:
            content = take_logo(file)
        seen = enrollment.choose_logo(content, seen=seen, by=person().id)
    except Invalid as refusal:
        refuse(form, refusal)
        return settings_page(form, seen=seen), 422
    except OSError as error:
        raise unkept(error) from None
    flash("Logo saved.", "success")
    return _back(seen)


@bp.post("/settings/logo/remove")
def remove_logo() -> Response | str:
    """Go without a logo again."""
    require_proof()
    seen = enrollment.choose_logo(None, seen=SettingsForm().version(), by=person().id)
    flash("Logo removed.", "success")
    return _back(seen)


def _back(seen: int | None) -> Response | str:
    """Lead back to the page, or show it at once with what was typed in it."""
    if seen is None or typed() is None:
        return redirect(url_for("admin.settings", _anchor="logo"), 303)
    look_again()
    return settings_page(seen=seen)
