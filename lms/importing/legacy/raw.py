"""Old rows as they were read, to show some of them: a batch in one value, apart from what is ruled.

A rule that changes a row writes all of it again, and few rows are ever shown.
"""

import json
from collections.abc import Sequence
from operator import itemgetter

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, Text, insert, select

from lms.importing.legacy.values import Row, shown

HIDDEN = frozenset(("password_hash", "body", "description", "message"))
"""Never shown in a report: secrets, and what would fill the screen."""
metadata = MetaData()
_raw = Table(
    "raw",
    metadata,
    Column("kind", String, primary_key=True),
    Column("after", Integer, primary_key=True),  # the row before the first of them
    Column("names", Text),
    Column("rows", Text),
)


def keep(scratch: Connection, table: Table, rows: Sequence[Row], *, after: int) -> None:
    """Keep old rows that were staged as those after this one."""
    names = [name for name in rows[0] if name not in HIDDEN]
    values = list(map(itemgetter(*names, names[0]), rows)) if names else [()] * len(rows)
    written = {"names": json.dumps(names), "rows": json.dumps(values, default=shown)}
    scratch.execute(insert(_raw), {"kind": table.name, "after": after, **written})


def as_read(scratch: Connection, table: Table, row: int) -> dict[str, str | None]:
    """Return a staged row as it was read."""
    found = scratch.execute(
        select(_raw.c.after, _raw.c.names, _raw.c.rows)
        .where(_raw.c.kind == table.name, _raw.c.after < row)
        .order_by(_raw.c.after.desc())
        .limit(1)
    ).one()
    values = json.loads(found.rows)[row - found.after - 1]
    return {
        name: None if value is None else shown(value)
        for name, value in zip(json.loads(found.names), values, strict=False)
    }
