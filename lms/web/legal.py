"""What everybody may read about the school: terms, privacy, imprint, accessibility."""

from flask import Blueprint, abort, redirect, render_template
from werkzeug.wrappers import Response

from lms.queries.admin.settings import legal_text
from lms.school import LEGAL
from lms.web.markdown import render
from lms.web.school import school

bp = Blueprint("legal", __name__, url_prefix="/legal")


@bp.get(f"/<any({', '.join(LEGAL)}):name>")
def page(name: str) -> str | Response:
    """Show a text that the school has written, and of accessibility at least what is true."""
    if name == "terms" and (elsewhere := school().terms_url):
        return redirect(elsewhere)
    typed = legal_text(name)
    if typed is None and name != "accessibility":
        abort(404)
    body = render(typed) if typed else None
    return render_template("legal/text.html", title=LEGAL[name], body=body)
