"""The portal over HTTP: pages for people, JSON for clients, from the same queries and verbs."""

from flask import Flask
from werkzeug.routing import IntegerConverter, Map

from lms.web import errors, live, security, session
from lms.web.api import bp as api
from lms.web.auth import bp as auth
from lms.web.home import bp as home


class StorableId(IntegerConverter):
    """An id in an address; beyond what a database column holds nothing can exist, so it is 404."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, min=1, max=2**31 - 1)


def register(app: Flask) -> None:
    """Attach sessions, security, errors and every blueprint to the application."""
    app.url_map.converters["int"] = StorableId
    session.init_app(app)
    security.init_app(app)
    live.init_app(app)
    errors.init_app(app)
    for blueprint in (home, auth, api):
        app.register_blueprint(blueprint)
