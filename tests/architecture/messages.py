"""All words that people are sent come from lms.messages."""

import ast
from collections.abc import Iterator

from tests.architecture.rule import rule
from tests.architecture.statements import statements_on


@rule(
    allowed=("lms.messages", "lms.models"),
    offenders=(
        (
            "lms/payments/made_up.py",
            "from lms.models import OutboxEmail as Mail\nsession.add(Mail(subject='Hello'))",
        ),
        (
            "lms/enrollment/made_up.py",
            "from lms.upsert import insert as put\nsession.execute(put(models.Notice))",
        ),
    ),
)
def messages_written_elsewhere(tree: ast.Module) -> Iterator[ast.Call]:
    """Find new notices and e-mails outside lms.messages."""
    return statements_on({"Notice", "OutboxEmail"}, tree, statements={"insert", "upsert"})
