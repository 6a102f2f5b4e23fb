"""an index of grants in the trail, which then also has what earlier releases left out of it"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"

_INDEX = "ix_audit_entries_granted"
_DETAILS = {
    "sqlite": "json_object('code', c.code, 'completed_at', c.completed_at)",
    "postgresql": "json_build_object('code', c.code, 'completed_at', c.completed_at)",
}
_SAID = {
    "sqlite": "json_extract({}, '$.{}')",
    "postgresql": "({} ->> '{}')",
}
_NOTHING_LEFT = {
    "sqlite": "json_object('sources', json_array())",
    "postgresql": "json_build_object('sources', json_build_array())",
}
_SOURCE = {
    "sqlite": "json_object('source', {}, 'reference', {})",
    "postgresql": "json_build_object('source', {}, 'reference', {})",
}


def upgrade() -> None:
    is_grant = sa.text("action = 'access.granted'")
    op.create_index(
        *(_INDEX, "audit_entries", ["student_id", "course_id", "id"]),
        sqlite_where=is_grant,
        postgresql_where=is_grant,
    )
    details = _DETAILS[op.get_bind().dialect.name]
    op.execute(
        "INSERT INTO audit_entries (at, action, student_id, student_name, course_id, course_title,"
        f" reason, details) SELECT c.issued_at, 'certificate.issued', c.user_id, c.student_name,"
        f" c.course_id, c.course_title, 'Known at the upgrade', {details} FROM certificates c"
        " ORDER BY c.id"
    )
    _tell_what_was_undone(op.get_bind().dialect.name)


def _tell_what_was_undone(dialect: str) -> None:
    """Write down which access ended by an undo: by the trail alone, it would seem to be lost."""
    said = _SAID[dialect].format
    kind, reference = said("c.after", "kind"), _number(said("c.after", "reference"))
    pair = "e.user_id = u.id AND e.course_id = s.id"
    enrolled = f"EXISTS (SELECT 1 FROM enrollments e WHERE {pair})"
    left = (
        f"EXISTS (SELECT 1 FROM access_sources e WHERE {pair} AND e.kind = {kind}"
        f" AND e.reference = {reference})"
    )
    same = (
        f" AND {said('a.details', 'source')} = {kind}"
        f" AND {_number(said('a.details', 'reference'))} = {reference}"
    )
    source = _SOURCE[dialect].format(kind, reference)
    ended = ("access.ended", _NOTHING_LEFT[dialect], f"NOT {enrolled}", "", "")
    withdrawn = (
        *("access.source_withdrawn", source, f"{enrolled} AND NOT {left}"),
        *(same, f", {kind}, {reference}"),
    )
    for table, (action, details, condition, of_source, by_source) in {
        "enrollments": ended,
        "access_sources": withdrawn,
    }.items():
        op.execute(
            "INSERT INTO audit_entries (at, action, student_id, student_name, course_id,"
            f" course_title, reason, details) SELECT max(c.undone_at), '{action}', u.id, u.name,"
            f" s.id, s.title, 'Undone before the upgrade', {details} FROM sync_changes c"
            f" JOIN users u ON u.id = {_number(said('c.after', 'user_id'))}"
            f" JOIN courses s ON s.id = {_number(said('c.after', 'course_id'))}"
            f" WHERE c.undone_at IS NOT NULL AND c.table_name = '{table}' AND {condition}"
            " AND NOT EXISTS (SELECT 1 FROM audit_entries a WHERE a.student_id = u.id"
            " AND a.course_id = s.id AND a.at >= c.undone_at"
            f" AND a.action IN ('access.granted', '{action}'){of_source})"
            f" GROUP BY u.id, u.name, s.id, s.title{by_source}"
        )


def _number(said: str) -> str:
    return f"coalesce(CAST({said} AS integer), 0)"


def downgrade() -> None:
    op.drop_index(_INDEX, "audit_entries")
