"""Where the functions of triggers find tables: in the portal's schema, whatever else is searched.

`pg_dump --data-only` empties the search path: a function that relies on it finds no table.
"""

from alembic import op

_NAMED = """
    SELECT p.oid::regprocedure::text FROM pg_proc p
    WHERE p.pronamespace = to_regnamespace(current_schema())
    AND p.prorettype = 'trigger'::regtype AND p.proname = ANY (%(names)s)"""


def keep_to_schema(*names: str) -> None:
    """Let these functions, as far as they are there, look nowhere but in the portal's schema.

    Replacing a function forgets it again: a migration that does so calls this for the new one.
    """
    _alter(names, "SET search_path = {}, pg_temp")


def follow_search_path(*names: str) -> None:
    """Let these functions look wherever their caller does, as before 0036."""
    _alter(names, "RESET search_path")


def _alter(names: tuple[str, ...], setting: str) -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar()
    for function in connection.exec_driver_sql(_NAMED, {"names": list(names)}).scalars().all():
        op.execute(f"ALTER FUNCTION {function} {setting.format(schema)}")
