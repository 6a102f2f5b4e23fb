"""The portal over HTTP: pages for people, JSON for clients, from the same queries and verbs."""

from functools import partial

from flask import Flask
from werkzeug.routing import IntegerConverter, Map

from lms.db import LARGEST_ID
from lms.models.payment_status import STATUSES
from lms.models.payments import METHODS
from lms.money import money
from lms.school import LEGAL
from lms.texts import counted, size
from lms.web import (
    addresses,
    behind,
    bounds,
    errors,
    fragments,
    live,
    metrics,
    security,
    session,
    static,
    templating,
    trace,
    uploads,
    viewing,
    zones,
)
from lms.web.addresses import this_page
from lms.web.admin import bp as admin
from lms.web.api import bp as api
from lms.web.auth import bp as auth
from lms.web.certificates import bp as certificates
from lms.web.files import bp as files
from lms.web.front import Front
from lms.web.home import bp as home
from lms.web.legal import bp as legal
from lms.web.logo import bp as logo
from lms.web.notices import bp as notices
from lms.web.payments import bp as payments
from lms.web.resuming import bp as resuming
from lms.web.school import last_known, school
from lms.web.sign_ins import bp as sign_ins
from lms.web.student import bp as student
from lms.web.trace import about, network

__all__ = ["about", "network", "register"]


class StorableId(IntegerConverter):
    """An id in an address; beyond what a database column holds nothing can exist, so it is 404."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, min=1, max=LARGEST_ID)


def register(app: Flask) -> None:
    """Attach sessions, security, errors and every blueprint to the application."""
    app.url_map.converters["int"] = StorableId
    templating.init_app(app)
    metrics.init_app(app)
    trace.init_app(app)
    uploads.init_app(app)
    session.init_app(app)
    viewing.init_app(app)
    static.init_app(app)
    security.init_app(app)
    live.init_app(app)
    behind.init_app(app)
    fragments.init_app(app)
    zones.init_app(app)
    addresses.init_app(app)
    errors.init_app(app)
    app.add_template_filter(money)
    app.add_template_filter(counted)
    app.add_template_filter(size)
    app.add_template_filter(lambda method: METHODS.get(method, method), "method_name")
    app.jinja_env.globals.update(
        payment_statuses=STATUSES, bounds=bounds, this_page=this_page, enumerate=enumerate
    )
    app.jinja_env.globals.update(school=school, last_known_school=last_known, legal_titles=LEGAL)
    people = (
        home,
        auth,
        resuming,
        sign_ins,
        viewing.bp,
        student,
        files,
        notices,
        certificates,
        payments,
        legal,
        logo,
        admin,
    )
    for blueprint in (*people, api, metrics.bp):
        app.register_blueprint(blueprint)
    app.extensions["front"] = partial(Front, app)  # for the server, which knows no pages
