"""The rules of the house as checks; each is broken on purpose and seen caught."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

FLASK = ("flask", "werkzeug", "wtforms")
STAND_IN = "lms.demo.stripe"
"""A small application of its own, with its own file; the portal knows it over HTTP alone."""
DEFINES_TABLES = ("lms.migrations", "lms.schema")
"""What makes tables and puts back their constraints; no verb, and nothing that pages call."""
KNOW_FLASK = (
    "lms.__init__",
    "lms.config",
    "lms.db",
    "lms.web",
    "lms.cli",
    "lms.serve",
    "lms.schema.reference",  # an app that is nothing but a database to compare with
    "lms.worker",
    "lms.sync.health",
    "lms.sync.latest",  # what both remember between calls belongs to the process' app
    "lms.demo.payments",
    STAND_IN,
)
"""The outside of the house; those after lms.cli are processes beside the web server."""
KNOW_STRIPE = ("lms.payments", STAND_IN)

LEARNING = {
    "Enrollment",
    "StudentProgress",
    "AccessRequest",
    "AccessSource",
    "AccessWaiver",
    "ChapterCompletion",
    "Decision",
    "DecisionReversal",
}
CHANGE_LEARNING = (
    *("lms.enrollment", "lms.ledger", "lms.models"),
    *("lms.sync.kind", "lms.sync.kinds"),  # what a repair's step does, and its fixes
)
MONEY = {"Payment", "StripeSession", "StripeRefund", "StripeDispute"}
CHANGES = {"insert", "update", "delete", "upsert", "insert_many", "insert_numbered"}

ACCESS = {"Enrollment", "StudentProgress", "AccessSource"}
OWN_DATABASES = ("lms.importing.legacy", STAND_IN)
"""What writes tables of a database of its own: a scratch file, the stand-in for Stripe."""

Check = Callable[[Path], list[str]]


def flask_in_the_domain(root: Path) -> list[str]:
    """Find imports of Flask and its kin outside of the web, the commands and the set-up."""
    return [
        f"{module}: {imported}"
        for module, tree in _modules(root)
        if not _is_in(module, KNOW_FLASK)
        for imported in _imports(tree)
        if imported.partition(".")[0].startswith(FLASK)
    ]


def stripe_elsewhere(root: Path) -> list[str]:
    """Find imports of Stripe's SDK outside of lms.payments."""
    return [
        f"{module}: {imported}"
        for module, tree in _modules(root)
        if not _is_in(module, KNOW_STRIPE)
        for imported in _imports(tree)
        if imported.partition(".")[0] == "stripe"
    ]


def learning_changed_outside_of_verbs(root: Path) -> list[str]:
    """Find statements on the learning tables, and new rows of them, beside verbs and repairs."""
    return [
        f"{module}:{call.lineno}: {ast.unparse(call)[:60]}"
        for module, tree in _modules(root)
        if not _is_in(module, CHANGE_LEARNING)
        for call in _calls(tree)
        if _changes(call, _renamed(tree), LEARNING, CHANGES)
    ]


def payments_changed_outside_of_the_ledger(root: Path) -> list[str]:
    """Find statements on payments and Stripe's facts, new rows of them, and changes of a row."""
    return [
        f"{module}:{node.lineno}: {ast.unparse(node)[:60]}"
        for module, tree in _modules(root)
        if not _is_in(module, ("lms.ledger", "lms.models", "lms.migrations", STAND_IN))
        for node in [
            *(call for call in _calls(tree) if _changes(call, _renamed(tree), MONEY, CHANGES)),
            *_assignments_to(MONEY, tree),
        ]
    ]


def access_written_elsewhere(root: Path) -> list[str]:
    """Find what writes enrollments, their mirrors or the sources of access beside the ledger.

    That is a statement, a new row or an assignment; and a statement on a table that only the
    running program knows, since it could be any.
    """
    return [
        f"{module}:{node.lineno}: {ast.unparse(node)[:60]}"
        for module, tree in _modules(root)
        if not _is_in(module, ("lms.ledger", "lms.models", *DEFINES_TABLES, *OWN_DATABASES))
        for node in [
            *(call for call in _calls(tree) if _changes(call, _renamed(tree), ACCESS, CHANGES)),
            *(call for call in _calls(tree) if _changes_any_table(call, _renamed(tree))),
            *_assignments_to(ACCESS, tree),
        ]
        if module != "lms.upsert"  # which makes the statements for all
    ]


def messages_written_elsewhere(root: Path) -> list[str]:
    """Find new notices and e-mails outside lms.messages, where all their words come from."""
    return [
        f"{module}:{call.lineno}: {ast.unparse(call)[:60]}"
        for module, tree in _modules(root)
        if not _is_in(module, ("lms.messages", "lms.models"))
        for call in _calls(tree)
        if _changes(call, _renamed(tree), {"Notice", "OutboxEmail"}, {"insert", "upsert"})
    ]


def raw_sql(root: Path) -> list[str]:
    """Find SQL as text outside of the migrations; the engine's own settings are in lms.db."""
    return [
        f"{module}:{call.lineno}: {ast.unparse(call)[:60]}"
        for module, tree in _modules(root)
        if not _is_in(module, (*DEFINES_TABLES, STAND_IN))
        for call in _calls(tree)
        if (_name(call.func) == "exec_driver_sql" and module != "lms.db")
        or _renamed(tree).get(_name(call.func), "") in {"sqlalchemy.text", "sqlalchemy.sql.text"}
        or ast.unparse(call.func) in {"sa.text", "sqlalchemy.text"}
    ]


def settings_read_elsewhere(root: Path) -> list[str]:
    """Find what reads the environment beside lms.config, but for the library that counts."""
    return [
        f"{module}:{node.lineno}: {ast.unparse(node)}"
        for module, tree in _modules(root)
        if not _is_in(module, ("lms.config", "lms.metrics"))
        for node in ast.walk(tree)
        if isinstance(node, (ast.Attribute, ast.Name))
        and _renamed(tree).get(_name(node), ast.unparse(node)) in {"os.environ", "os.getenv"}
    ]


def transactions_opened_elsewhere(root: Path) -> list[str]:
    """Find sessions, connections and commits beside lms.transaction."""
    return [
        f"{module}:{call.lineno}: {ast.unparse(call)[:60]}"
        for module, tree in _modules(root)
        if not _is_in(module, ("lms.transaction", *DEFINES_TABLES, STAND_IN))
        for call in _calls(tree)
        if _name(call.func) == "commit"
        or _renamed(tree).get(_name(call.func)) in {"sqlalchemy.orm.Session", "lms.db.writer"}
    ]


CHECKS: list[tuple[Check, str, str]] = [
    (flask_in_the_domain, "lms/enrollment/made_up.py", "from flask import request"),
    (flask_in_the_domain, "lms/queries/made_up.py", "import flask_login"),
    (
        flask_in_the_domain,
        "lms/made_up.py",
        "def f():\n    from werkzeug.exceptions import NotFound",
    ),
    (stripe_elsewhere, "lms/web/made_up.py", "from stripe import Webhook"),
    (stripe_elsewhere, "lms/enrollment/made_up.py", "import stripe"),
    (
        learning_changed_outside_of_verbs,
        "lms/web/made_up.py",
        "from lms.models import Enrollment\nenrollment = Enrollment(user_id=1, course_id=1)",
    ),
    (
        learning_changed_outside_of_verbs,
        "lms/made_up.py",
        "from lms import models\nsession.execute(delete(models.AccessRequest))",
    ),
    (
        learning_changed_outside_of_verbs,
        "lms/made_up.py",
        "from lms.models import Decision as D\nsession.execute(sa.update(D).values(status='x'))",
    ),
    (
        learning_changed_outside_of_verbs,
        "lms/made_up.py",
        "from lms.upsert import insert as put\nsession.execute(put(session, StudentProgress))",
    ),
    (
        learning_changed_outside_of_verbs,
        "lms/made_up.py",
        "session.execute(ChapterCompletion.__table__.delete())",
    ),
    (
        access_written_elsewhere,
        "lms/enrollment/made_up.py",
        "from lms.models import Enrollment\nsession.add(Enrollment(user_id=1, course_id=1))",
    ),
    (
        access_written_elsewhere,
        "lms/sync/kinds/made_up.py",
        "from lms.models import AccessSource as Why\nstep.run(sa.delete(Why))",
    ),
    (
        access_written_elsewhere,
        "lms/payments/made_up.py",
        "from lms.upsert import insert as put\nsession.execute(put(session, StudentProgress))",
    ),
    (
        access_written_elsewhere,
        "lms/enrollment/made_up.py",
        "insert_many(session, table_of(models.Enrollment), rows)",
    ),
    (
        access_written_elsewhere,
        "lms/made_up.py",
        "def f(enrollment):\n    enrollment.progress += 1",
    ),
    (
        access_written_elsewhere,
        "lms/made_up.py",
        "def f(s):\n    r = s.get(StudentProgress, 1)\n    r.last_activity_at, x = now(), 1",
    ),
    (
        access_written_elsewhere,
        "lms/sync/made_up.py",
        "from sqlalchemy import update\nstep.run(update(table).where(wrong))",
    ),
    (
        access_written_elsewhere,
        "lms/sync/made_up.py",
        "from lms.upsert import insert\ninsert(session, step.model)",
    ),
    (
        messages_written_elsewhere,
        "lms/payments/made_up.py",
        "from lms.models import OutboxEmail as Mail\nsession.add(Mail(subject='Hello'))",
    ),
    (
        messages_written_elsewhere,
        "lms/enrollment/made_up.py",
        "from lms.upsert import insert as put\nsession.execute(put(session, models.Notice))",
    ),
    (
        payments_changed_outside_of_the_ledger,
        "lms/payments/made_up.py",
        "from lms.models import Payment as P\nsession.add(P(status='paid'))",
    ),
    (
        payments_changed_outside_of_the_ledger,
        "lms/enrollment/made_up.py",
        "from lms.models import Payment\nsession.execute(update(Payment).values(status='paid'))",
    ),
    (
        payments_changed_outside_of_the_ledger,
        "lms/sync/made_up.py",
        "session.execute(sa.delete(table_of(models.StripeRefund)))",
    ),
    (
        payments_changed_outside_of_the_ledger,
        "lms/importing/made_up.py",
        "insert_many(session, Payment.__table__, rows)",
    ),
    (
        payments_changed_outside_of_the_ledger,
        "lms/payments/made_up.py",
        "def f(session):\n    row = session.get(Payment, 1)\n    row.status = 'paid'",
    ),
    (
        payments_changed_outside_of_the_ledger,
        "lms/payments/made_up.py",
        "def f(row: Payment):\n    row.status, other.status = 'paid', ''",
    ),
    (
        payments_changed_outside_of_the_ledger,
        "lms/web/made_up.py",
        "def f(session):\n    for row in session.scalars(select(Payment)):\n        row.x += 1",
    ),
    (
        payments_changed_outside_of_the_ledger,
        "lms/payments/made_up.py",
        "def f(session):\n    payment = lock_payment(session, 1)\n    payment.status = 'paid'",
    ),
    (raw_sql, "lms/queries/made_up.py", "from sqlalchemy import text\nrows = text('SELECT 1')"),
    (raw_sql, "lms/made_up.py", "from sqlalchemy import text as t\nrows = t('SELECT 1')"),
    (raw_sql, "lms/made_up.py", "import sqlalchemy as sa\nrows = sa.text('SELECT 1')"),
    (raw_sql, "lms/made_up.py", "connection.exec_driver_sql('SELECT 1')"),
    (settings_read_elsewhere, "lms/made_up.py", "import os\nport = os.environ['PORT']"),
    (settings_read_elsewhere, "lms/made_up.py", "from os import getenv as g\nport = g('PORT')"),
    (transactions_opened_elsewhere, "lms/web/made_up.py", "db.session.commit()"),
    (
        transactions_opened_elsewhere,
        "lms/made_up.py",
        "from sqlalchemy.orm import Session as S\ns = S()",
    ),
    (transactions_opened_elsewhere, "lms/made_up.py", "from lms.db import writer\nwriter(engine)"),
]

CONTRACTS = [
    ("Imports go down only", "lms/messages/made_up.py", "from lms.ledger import audit"),
    ("Imports go down only", "lms/queries/made_up.py", "from lms import enrollment"),
    ("Imports go down only", "lms/enrollment/made_up.py", "from lms.queries import people"),
    ("Only verbs open transactions", "lms/web/made_up.py", "from lms.transaction import ATTEMPTS"),
    (
        "Only verbs open transactions",
        "lms/sync/kinds/pairs.py",
        "from lms.transaction import transactional",
    ),
    (
        "A kind of violation knows neither runs nor pages",
        "lms/sync/kinds/seats.py",
        "from lms.sync import runs",
    ),
    (
        "Kinds of violation do not know each other",
        "lms/sync/kinds/seats.py",
        "from lms.sync.kinds import access",
    ),
    ("Blueprints do not know each other", "lms/web/api/made_up.py", "import lms.web.admin.forms"),
]


@pytest.mark.parametrize("check", dict.fromkeys(check for check, _, _ in CHECKS))
def test_the_house_keeps_its_rules(check: Check) -> None:
    assert check(ROOT) == []


@pytest.mark.parametrize(("check", "path", "source"), CHECKS)
def test_a_broken_rule_is_caught(tmp_path: Path, check: Check, path: str, source: str) -> None:
    made_up = tmp_path / path
    made_up.parent.mkdir(parents=True)
    made_up.write_text("first = 1\n")
    assert check(tmp_path) == []
    made_up.write_text(source)
    assert len(check(tmp_path)) == 1


def test_imports_keep_their_contracts() -> None:
    linted = _lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout


def test_the_layers_are_described_as_they_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [layers] = [each["layers"] for each in contracts["contracts"] if each["id"] == "layers"]
    [described] = re.findall(
        r"^Imports go down only.*?^```\n(.*?)^```$",
        (ROOT / "docs" / "architecture.md").read_text(),
        re.DOTALL | re.MULTILINE,
    )
    assert described.splitlines() == [re.sub(r"\(lms\.(\w+)\)", r"\1", each) for each in layers]


@pytest.mark.parametrize(("contract", "path", "line"), CONTRACTS)
def test_a_broken_contract_is_caught(tmp_path: Path, contract: str, path: str, line: str) -> None:
    shutil.copytree(ROOT / "lms", tmp_path / "lms", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / path).open("a") as module:
        module.write(f"\n{line}\n")
    linted = _lint_imports(tmp_path)
    assert linted.returncode == 1
    assert f"{contract} BROKEN" in linted.stdout


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT_IMPORTS, "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def _modules(root: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(root.glob("lms/**/*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        yield name, ast.parse(path.read_text())


def _is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@cache
def _renamed(tree: ast.Module) -> dict[str, str]:
    """Tell what the names that a module imports are really called."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _changes(
    call: ast.Call, renamed: dict[str, str], models: set[str], statements: set[str]
) -> bool:
    if _real(call.func, renamed) in models:
        return True
    named = [*call.args, *(keyword.value for keyword in call.keywords)]
    if isinstance(call.func, ast.Attribute):  # table.delete()
        named.append(call.func.value)
    return _real(call.func, renamed) in statements and any(
        _mentions(models, table, renamed) for table in named
    )


def _assignments_to(models: set[str], tree: ast.Module) -> Iterator[ast.expr]:
    """Find attributes set on a row: on what has the name of a model, or comes from one."""
    for scope in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        rows = _rows(models, scope, _renamed(tree))
        for node in ast.walk(scope):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                yield from [node] if _name(node.value) in rows else []


def _rows(models: set[str], scope: ast.FunctionDef, renamed: dict[str, str]) -> set[str]:
    rows = {model.lower() for model in models}
    for node in ast.walk(scope):
        match node:
            case ast.arg(arg=name, annotation=ast.expr() as source):
                targets: list[ast.expr] = [ast.Name(name)]
            case ast.Assign(targets=targets, value=source):
                pass
            case ast.For(target=target, iter=source):
                targets = [target]
            case _:
                continue
        if _mentions(models, source, renamed):
            rows |= {target.id for target in targets if isinstance(target, ast.Name)}
    return rows


def _mentions(models: set[str], source: ast.expr, renamed: dict[str, str]) -> bool:
    return any(
        _real(node, renamed) in models
        for node in ast.walk(source)
        if isinstance(node, ast.Name | ast.Attribute)
    )


def _real(node: ast.expr, renamed: dict[str, str]) -> str:
    return renamed.get(_name(node), _name(node)).rpartition(".")[2]


def _changes_any_table(call: ast.Call, renamed: dict[str, str]) -> bool:
    """Return whether a statement changes a table that is no model by its name."""
    real = ast.unparse(call.func)
    real = renamed.get(real, real)
    if not real.startswith(("sqlalchemy.", "sa.", "lms.upsert.")):
        return False
    is_upsert = real.startswith("lms.upsert.")
    if real.rpartition(".")[2] not in CHANGES or len(call.args) < 1 + is_upsert:
        return False
    table = call.args[is_upsert]
    if isinstance(table, ast.Call) and _name(table.func) == "table_of":
        [table] = table.args
    return not _name(table)[:1].isupper()


def _name(node: ast.expr) -> str:
    """Return the last part of a name: `update` of `sa.update`."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
