"""Only the outside of the house knows Flask, and only payments know Stripe's SDK."""

import ast
from collections.abc import Iterator

from tests.architecture.places import STAND_IN
from tests.architecture.rule import rule


@rule(
    # The outside of the house; those after lms.cli are processes beside the web server.
    allowed=(
        "lms.__init__",
        "lms.config",
        "lms.db",
        "lms.web",
        "lms.hashes",  # those that werkzeug wrote; nothing of a request
        "lms.cli",
        "lms.serve",
        "lms.revisions",  # `flask db`
        "lms.schema.reference",  # an app that is nothing but a database to compare with
        "lms.worker",
        "lms.accounts.passwords",  # the school's name, which is a setting, makes no password
        "lms.background",  # threads work in the app's context
        "lms.moving.places",  # apps that are nothing but a database
        "lms.ledger.kept",  # how much of a payment has to be kept is the school's to set
        "lms.sync.health",
        "lms.sync.latest",  # what both remember between calls belongs to the process' app
        "lms.demo.payments",
        STAND_IN,
    ),
    offenders=(
        ("lms/enrollment/made_up.py", "from flask import request"),
        ("lms/queries/made_up.py", "import flask_login"),
        ("lms/made_up.py", "def f():\n    from werkzeug.exceptions import NotFound"),
    ),
)
def flask_in_the_domain(tree: ast.Module) -> Iterator[ast.stmt]:
    """Find imports of Flask and its kin outside of the web, the commands and the set-up."""
    return _imports_of(("flask", "werkzeug", "wtforms"), tree)


@rule(
    allowed=("lms.payments", STAND_IN),
    offenders=(
        ("lms/web/made_up.py", "from stripe import Webhook"),
        ("lms/enrollment/made_up.py", "import stripe"),
    ),
)
def stripe_elsewhere(tree: ast.Module) -> Iterator[ast.stmt]:
    """Find imports of Stripe's SDK outside of lms.payments."""
    return _imports_of(("stripe",), tree)


@rule(
    allowed=("lms.web.typesetter",),  # one command, of words that nobody sends
    offenders=(
        ("lms/web/made_up.py", "import subprocess"),
        ("lms/web/made_up.py", "def f(typed):\n    return eval(typed)"),
        ("lms/worker.py", "from pickle import loads"),
        ("lms/importing/made_up.py", "import xml.etree.ElementTree"),
        ("lms/cli/made_up.py", "import os\ndef f(name):\n    os.system(name)"),
    ),
)
def what_can_run_or_open_what_was_sent(tree: ast.Module) -> Iterator[ast.stmt | ast.expr]:
    """Find commands, code made of text, and formats whose readers do what a sender says."""
    yield from _imports_of(("subprocess", "pickle", "marshal", "shelve", "xml", "yaml"), tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="eval" | "exec" | "compile" | "__import__")):
                yield node
            case ast.Call(func=ast.Attribute(value=ast.Name(id="os"), attr="system" | "popen")):
                yield node


def _imports_of(libraries: tuple[str, ...], tree: ast.Module) -> Iterator[ast.stmt]:
    """Find imports of the libraries, and of their extensions: `flask_login` is Flask."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module)):
                modules = [module]
            case _:
                continue
        if any(module.startswith(libraries) for module in modules):
            yield node
