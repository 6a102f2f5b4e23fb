"""The school's logo, chosen on the page of its settings in a form of its own."""

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response

from lms import enrollment
from lms.db import end_reading
from lms.files.taking import take_logo
from lms.refusals import Invalid
from lms.web.admin.blueprint import bp
from lms.web.admin.forms import LogoForm
from lms.web.admin.settings import settings_page
from lms.web.forms import refuse, status_of
from lms.web.session import person, require_proof
from lms.web.turns import turn
from lms.web.uploads import unkept


@bp.post("/settings/logo")
def choose_logo() -> Response | tuple[str, int]:
    """Make a picture the school's logo."""
    require_proof()
    form = LogoForm()
    if not form.validate():
        return settings_page(form), status_of(form)
    end_reading()
    try:
        with turn(), form.file.data.stream as file:
            content = take_logo(file)
        enrollment.choose_logo(content, by=person().id)
    except Invalid as refusal:
        refuse(form, refusal)
        return settings_page(form), 422
    except OSError as error:
        raise unkept(error) from None
    flash("Logo saved.", "success")
    return _back()


@bp.post("/settings/logo/remove")
def remove_logo() -> Response:
    """Go without a logo again."""
    require_proof()
    enrollment.choose_logo(None, by=person().id)
    flash("Logo removed.", "success")
    return _back()


def _back() -> Response:
    return redirect(url_for("admin.settings", _anchor="logo"), 303)
