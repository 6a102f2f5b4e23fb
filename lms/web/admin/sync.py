"""Sync: what the portal guarantees, and the latest repairs."""

from flask import render_template

from lms.queries.admin import sync as repairs
from lms.web.admin.blueprint import bp
from lms.web.live import live


@bp.get("/sync")
@live("sync", "requests")
def sync() -> str:
    """Show the latest runs."""
    return render_template("admin/sync.html", runs=repairs.runs())
