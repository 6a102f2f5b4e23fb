"""What can be broken in a function: each operation finds the nodes that it means, and changes one.

A pattern is an expression of Python. A bare name in it means every use of that name: of a variable,
an attribute, a keyword or a function. `...` stands for anything, `f(...)` for every call of f.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Edit = Callable[[], None]


@dataclass(frozen=True)
class Slot:
    """A place in a tree where a node stands."""

    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST
    statement: ast.AST
    """The statement that it is part of; of a statement with a body, only the head counts."""

    def put(self, *nodes: ast.AST) -> None:
        """Let these stand there instead."""
        if self.index is None:
            [node] = nodes
            setattr(self.parent, self.field, node)
            return
        there = getattr(self.parent, self.field)
        at = next(n for n, each in enumerate(there) if each is self.node)
        there[at : at + 1] = nodes
        if not there and self.field in {"body", "finalbody"}:
            there.append(ast.Pass())


Operation = Callable[[ast.AST], list[Edit]]
"""Returns the ways of breaking a definition; a fault needs exactly one."""


def drop_call(function: str, *about: str) -> Operation:
    """Leave out the statement that calls a function."""
    return _on_statements(
        lambda node: (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and _last_name(node.value.func) == function
        ),
        about,
        lambda slot: slot.put(),
    )


def drop_statement(*about: str) -> Operation:
    """Leave out the statement about something, with all that it contains."""
    return _on_statements(lambda _: True, about, lambda slot: slot.put())


def drop_if(*about: str) -> Operation:
    """Leave out an `if` about something, with its branch; what `else` says stays."""
    return _on_statements(
        lambda node: isinstance(node, ast.If),
        about,
        lambda slot: slot.put(*getattr(slot.node, "orelse", [])),
    )


def negate(*about: str) -> Operation:
    """Turn a condition about something into its contrary."""
    return _on_conditions(about, lambda slot: slot.put(_contrary(slot.node)))


def never(*about: str) -> Operation:
    """Let a condition about something never hold."""
    return _on_conditions(about, lambda slot: slot.put(ast.Constant(False)))


def always(*about: str) -> Operation:
    """Let a condition about something always hold."""
    return _on_conditions(about, lambda slot: slot.put(ast.Constant(True)))


def compare(sign: str, *about: str) -> Operation:
    """Compare by another sign."""
    [operator] = _comparison(f"a {sign} b").ops

    def edit(slot: Slot) -> None:
        node = slot.node
        assert isinstance(node, ast.Compare)
        node.ops = [operator]

    return _on(
        lambda node: isinstance(node, ast.Compare) and len(node.ops) == 1, about, edit, within=True
    )


def change(old: str, new: str, *about: str) -> Operation:
    """Put another expression, constant, name or attribute in place of one."""
    pattern = _expression(old)
    return _on(
        lambda node: isinstance(node, ast.expr) and _fits(node, pattern),
        about,
        lambda slot: slot.put(_expression(new)),
    )


def change_argument(old: str, new: str, *about: str) -> Operation:
    """Put another expression in place of one that is an argument as it stands, or an element."""
    pattern = _expression(old)

    def find(scope: ast.AST) -> list[Edit]:
        return [
            _replaced(slot, _expression(new))
            for slot in _slots(scope)
            if slot.field in {"args", "elts"}
            and _fits(slot.node, pattern)
            and _mentions(slot.statement, about)
        ]

    return find


def change_keyword(name: str, new: str, *about: str) -> Operation:
    """Give another value for a keyword."""

    def edit(slot: Slot) -> None:
        assert isinstance(slot.node, ast.keyword)
        slot.node.value = _expression(new)

    return _on(lambda node: isinstance(node, ast.keyword) and node.arg == name, about, edit)


def drop_keyword(name: str, *about: str) -> Operation:
    """Leave out a keyword."""
    return _on(
        lambda node: isinstance(node, ast.keyword) and node.arg == name,
        about,
        lambda slot: slot.put(),
    )


def drop_argument(*about: str) -> Operation:
    """Leave out an argument about something, such as a condition of `where`, or an element."""

    def find(scope: ast.AST) -> list[Edit]:
        return _edits(
            (
                slot
                for slot in _slots(scope)
                if slot.field in {"args", "elts"}
                and isinstance(slot.node, ast.expr)
                and _mentions(slot.node, about)
            ),
            lambda slot: slot.put(),
        )

    return find


def drop_link(method: str, *about: str) -> Operation:
    """Leave a method out of a chain: `a.method(b).c()` becomes `a.c()`."""

    def edit(slot: Slot) -> None:
        assert isinstance(slot.node, ast.Call)
        assert isinstance(slot.node.func, ast.Attribute)
        slot.put(slot.node.func.value)

    return _on(
        lambda node: (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == method
        ),
        about,
        edit,
    )


def drop_operand(*about: str) -> Operation:
    """Leave one side out of `and`, `or`, `|`, `+`, `-` and their like."""

    def find(scope: ast.AST) -> list[Edit]:
        found = []
        for slot in _slots(scope):
            node = slot.node
            if isinstance(node, ast.BoolOp):
                found += [_without(slot, each) for each in node.values if _mentions(each, about)]
            elif isinstance(node, ast.BinOp):
                for side, other in ((node.left, node.right), (node.right, node.left)):
                    if _mentions(side, about) and not isinstance(side, ast.BinOp | ast.BoolOp):
                        found.append(_replaced(slot, other))
        return found

    return find


def returns(new: str, *about: str) -> Operation:
    """Return something else."""

    def edit(slot: Slot) -> None:
        assert isinstance(slot.node, ast.Return)
        slot.node.value = _expression(new)

    return _on_statements(lambda node: isinstance(node, ast.Return), about, edit)


def begin_with(code: str, *about: str) -> Operation:
    """Do something before all else, in a function about something."""

    def find(scope: ast.AST) -> list[Edit]:
        if not isinstance(scope, ast.FunctionDef) or not _mentions(scope, about):
            return []
        at = 1 if ast.get_docstring(scope) is not None else 0
        return [lambda: scope.body.__setitem__(slice(at, at), ast.parse(code).body)]

    return find


def instead(code: str, *about: str) -> Operation:
    """Do something else instead of the statement about something."""
    return _on_statements(lambda _: True, about, lambda slot: slot.put(*ast.parse(code).body))


def instead_of_raising(code: str, *about: str) -> Operation:
    """Do something else where an error is raised."""
    return _on_statements(
        lambda node: isinstance(node, ast.Raise),
        about,
        lambda slot: slot.put(*ast.parse(code).body),
    )


def _on(
    is_meant: Callable[[ast.AST], bool],
    about: tuple[str, ...],
    edit: Callable[[Slot], None],
    *,
    within: bool = False,
) -> Operation:
    """Look among nodes; `about` tells of their statements, or `within` of themselves."""

    def find(scope: ast.AST) -> list[Edit]:
        meant = (
            slot
            for slot in _slots(scope)
            if is_meant(slot.node) and _mentions(slot.node if within else slot.statement, about)
        )
        return [_edit(edit, slot) for slot in meant]

    return find


def _on_statements(
    is_meant: Callable[[ast.AST], bool], about: tuple[str, ...], edit: Callable[[Slot], None]
) -> Operation:
    def find(scope: ast.AST) -> list[Edit]:
        meant = (
            slot
            for slot in _slots(scope)
            if isinstance(slot.node, ast.stmt)
            and slot.node is not scope
            and is_meant(slot.node)
            and _mentions(_head(slot.node), about)
        )
        return _edits(meant, edit)

    return find


def _on_conditions(about: tuple[str, ...], edit: Callable[[Slot], None]) -> Operation:
    def find(scope: ast.AST) -> list[Edit]:
        meant = (
            slot
            for slot in _slots(scope)
            if slot.field in {"test", "ifs"} and _mentions(slot.node, about)
        )
        return [_edit(edit, slot) for slot in meant]

    return find


def _edits(slots: Iterator[Slot], edit: Callable[[Slot], None]) -> list[Edit]:
    """Return edits of the innermost of the slots: what contains another one is not meant."""
    found = list(slots)
    return [
        _edit(edit, slot)
        for slot in found
        if not any(
            other is not slot and any(node is other.node for node in ast.walk(slot.node))
            for other in found
        )
    ]


def _edit(edit: Callable[[Slot], None], slot: Slot) -> Edit:
    return lambda: edit(slot)


def _without(slot: Slot, operand: ast.expr) -> Edit:
    def edit() -> None:
        node = slot.node
        assert isinstance(node, ast.BoolOp)
        node.values.remove(operand)
        if len(node.values) == 1:
            slot.put(node.values[0])

    return edit


def _replaced(slot: Slot, node: ast.AST) -> Edit:
    return lambda: slot.put(node)


def _slots(scope: ast.AST) -> Iterator[Slot]:
    """Return every place below a definition, but for its docstrings."""

    def below(parent: ast.AST, statement: ast.AST) -> Iterator[Slot]:
        for field, value in ast.iter_fields(parent):
            several = isinstance(value, list)
            for index, node in enumerate(value if several else [value]):
                if not isinstance(node, ast.AST) or _is_docstring(node):
                    continue
                its = _head(node) if isinstance(node, ast.stmt) else statement
                yield Slot(parent, field, index if several else None, node, its)
                yield from below(node, its)

    return below(scope, scope)


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _head(statement: ast.stmt) -> ast.AST:
    """Return a statement without the statements in it."""
    if not isinstance(statement, ast.If | ast.For | ast.While | ast.With | ast.Try):
        return statement
    kept = [
        node
        for node in ast.iter_child_nodes(statement)
        if not isinstance(node, ast.stmt | ast.ExceptHandler)
    ]
    return ast.Tuple(elts=kept, ctx=ast.Load())  # type: ignore[arg-type]  # only ever walked


def _mentions(node: ast.AST, words: tuple[str, ...]) -> bool:
    below = list(ast.walk(node))
    return all(any(_is_use(each, _expression(word)) for each in below) for word in words)


def _is_use(node: ast.AST, pattern: ast.expr) -> bool:
    if isinstance(pattern, ast.Name):
        return pattern.id in {
            getattr(node, part, None) for part in ("id", "attr", "arg", "name") if part
        }
    return _fits(node, pattern)


def _fits(node: object, pattern: object) -> bool:
    """Return whether a node is what a pattern describes."""
    if isinstance(pattern, ast.Constant) and pattern.value is ...:
        return True
    if isinstance(pattern, ast.Call) and isinstance(node, ast.Call) and _takes_any(pattern):
        return _fits(node.func, pattern.func)
    if isinstance(pattern, list):
        return (
            isinstance(node, list) and len(node) == len(pattern) and all(map(_fits, node, pattern))
        )
    if isinstance(pattern, ast.AST):
        return type(node) is type(pattern) and all(
            field == "ctx" or _fits(getattr(node, field, None), value)
            for field, value in ast.iter_fields(pattern)
        )
    return type(node) is type(pattern) and node == pattern


def _takes_any(call: ast.Call) -> bool:
    return [ast.unparse(each) for each in (*call.args, *call.keywords)] == ["..."]


def _last_name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _contrary(node: ast.AST) -> ast.expr:
    contraries: dict[type[ast.cmpop], ast.cmpop] = {
        ast.Is: ast.IsNot(),
        ast.IsNot: ast.Is(),
        ast.Eq: ast.NotEq(),
        ast.NotEq: ast.Eq(),
        ast.In: ast.NotIn(),
        ast.NotIn: ast.In(),
    }
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return operand
        case ast.Compare(left=left, ops=[sign], comparators=others) if type(sign) in contraries:
            return ast.Compare(left=left, ops=[contraries[type(sign)]], comparators=others)
    assert isinstance(node, ast.expr)
    return ast.UnaryOp(op=ast.Not(), operand=node)


def _comparison(code: str) -> ast.Compare:
    node = _expression(code)
    assert isinstance(node, ast.Compare)
    return node


def _expression(code: str) -> ast.expr:
    return ast.parse(code, mode="eval").body
