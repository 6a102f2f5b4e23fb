"""How to find what writes a table: statements, new rows, and assignments to a row."""

import ast
from collections.abc import Iterator

from tests.architecture.syntax import calls, imported_names, name_of

CHANGES = {"insert", "update", "delete", "upsert", "insert_many", "insert_numbered"}


def statements_on(
    models: set[str], tree: ast.Module, *, statements: set[str] = CHANGES
) -> Iterator[ast.Call]:
    """Find the statements that change one of the models' tables, and new rows of them."""
    renamed = imported_names(tree)
    return (call for call in calls(tree) if _changes(call, renamed, models, statements))


def statements_on_any_table(tree: ast.Module) -> Iterator[ast.Call]:
    """Find statements that change a table that is no model by its name."""
    return (call for call in calls(tree) if _changes_any_table(call, imported_names(tree)))


def assignments_to(models: set[str], tree: ast.Module) -> Iterator[ast.Attribute]:
    """Find attributes set on a row: on what has the name of a model, or comes from one."""
    for scope in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        rows = _rows(models, scope, imported_names(tree))
        for node in ast.walk(scope):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                yield from [node] if name_of(node.value) in rows else []


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


def _changes_any_table(call: ast.Call, renamed: dict[str, str]) -> bool:
    real = ast.unparse(call.func)
    real = renamed.get(real, real)
    if not real.startswith(("sqlalchemy.", "sa.", "lms.upsert.")):
        return False
    takes_session = real.startswith("lms.upsert.insert_")
    if real.rpartition(".")[2] not in CHANGES or len(call.args) < 1 + takes_session:
        return False
    table = call.args[takes_session]
    if isinstance(table, ast.Call) and name_of(table.func) == "table_of":
        [table] = table.args
    return not name_of(table)[:1].isupper()


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
    return renamed.get(name_of(node), name_of(node)).rpartition(".")[2]
