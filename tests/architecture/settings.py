"""Settings come from one module."""

import ast
from collections.abc import Iterator

from tests.architecture.rule import rule
from tests.architecture.syntax import imported_names, name_of


@rule(
    allowed=("lms.config", "lms.metrics"),  # its library takes a folder from there
    offenders=(
        ("lms/made_up.py", "import os\nport = os.environ['PORT']"),
        ("lms/made_up.py", "from os import getenv as g\nport = g('PORT')"),
    ),
)
def settings_read_elsewhere(tree: ast.Module) -> Iterator[ast.expr]:
    """Find what reads the environment beside lms.config, but for the library that counts."""
    return (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name)
        and imported_names(tree).get(name_of(node), ast.unparse(node))
        in {"os.environ", "os.getenv"}
    )
