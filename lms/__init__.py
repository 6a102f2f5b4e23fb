"""A learning portal in which access, payments and progress are never wrong."""

from collections.abc import Mapping

from flask import Flask

from lms import cli, config, db, logs, web
from lms.accounts.passwords import use_cheap_hashes
from lms.revisions import init_revisions


def create_app(overrides: Mapping[str, object] | None = None) -> Flask:
    """Assemble the portal; touches no database, so that workers start while it is down."""
    app = Flask(
        __name__,
        instance_relative_config=True,
        template_folder="../templates",
        static_folder="../static",
    )
    app.config.update(config.load(app.instance_path, overrides))
    logs.configure(app.config["LMS_ENV"], about=web.about)
    if app.config["LMS_CHEAP_HASHES"]:
        use_cheap_hashes()
    db.init_app(app)
    init_revisions(app, db.db)
    web.register(app)
    cli.register(app)
    return app
