"""The search of the top bar, as a page and while one types."""

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from lms.queries.admin import everywhere
from lms.queries.admin import students as people
from lms.web.admin.blueprint import bp, live
from lms.web.forms import search_text

_MOST = 20
_MOST_WHILE_TYPING = 4


@bp.get("/search")
@live("people", "catalogue")
def search() -> str | Response:
    """List what is found; an address leads straight to its student."""
    q = search_text()
    if "go" in request.args and (number := people.by_email(q)) is not None:
        return redirect(url_for("admin.student", student_id=number), 303)
    found = everywhere.hits(q, limit=_MOST + 1)
    return render_template("admin/search.html", found=found, q=q, most=_MOST)


@bp.get("/search/hits")
def search_hits() -> str:
    """Give the first hits of each kind, as links."""
    q = search_text()
    found = everywhere.hits(q, limit=_MOST_WHILE_TYPING + 1)
    return render_template("admin/_hits.html", found=found, q=q, most=_MOST_WHILE_TYPING)
