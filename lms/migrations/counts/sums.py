"""The statements that add rows to the sums, and the triggers that run them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lms.migrations.counts.declared import CURRENT, DAILY, Count, Counted, counted

_KEYS = {DAILY: ("course_id", "name", "day", "detail"), CURRENT: ("course_id", "name", "detail")}
_ROWS = {
    "insert": (("NEW", 1),),
    "update": (("OLD", -1), ("NEW", 1)),
    "delete": (("OLD", -1),),
}
_SETS = {"OLD": "gone", "NEW": "come"}
_SHARD = {"sqlite": "0", "postgresql": "pg_current_xact_id()::text::bigint"}
UTC_DAY = {"sqlite": "date({0})", "postgresql": "({0} AT TIME ZONE 'UTC')::date"}
_AHEAD = (
    "COALESCE((SELECT clock.ahead_seconds FROM clock_changes clock WHERE clock.begins_at <= {0}"
    " ORDER BY clock.begins_at DESC LIMIT 1), 0)"
)
_SECOND = (
    "CASE WHEN length({0}) IN (19, 26) AND substr({0}, 11, 1) = ' '"
    " AND substr({0}, 20, 1) IN ('', '.') THEN substr({0}, 1, 19) ELSE datetime({0}) END"
)
"""Of a time on SQLite, without fractions, which `date` would round; restored dumps name offsets."""
SCHOOL_DAY = {
    "sqlite": f"date({_SECOND}, " + _AHEAD.format(_SECOND + " || '.000000'") + " || ' seconds')",
    "postgresql": f"(({{0}} AT TIME ZONE 'UTC') + {_AHEAD} * interval '1 second')::date",
}
"""By which day a time counts, in SQL: since 0053 by the clocks of the school."""
Days = Mapping[str, str]
_COURSE_AND_SCHOOL = "(SELECT 1 AS is_course UNION ALL SELECT 0) s"
_ROW = re.compile(r"\br\.")
_COLUMN = re.compile(r"\br\.\w+")


def fill(
    dialect: str, tables: Mapping[str, Counted] | None = None, *, days: Days = UTC_DAY
) -> Iterator[str]:
    """Return the statements that count the rows that are there."""
    for table, declared in (tables or counted(dialect)).items():
        counts = [count for count in declared.counts if count.is_filled]
        yield from _additions(dialect, counts, [(f"{table} r", 1)], days)


def triggers(
    dialect: str,
    tables: Mapping[str, Counted] | None = None,
    *,
    called: str = "count",
    days: Days = UTC_DAY,
) -> Iterator[tuple[str, str]]:
    """Return the triggers by name, on PostgreSQL each with its function of the same name."""
    make = _on_sqlite if dialect == "sqlite" else _on_postgresql
    for table, declared in (tables or counted(dialect)).items():
        for event in _ROWS if declared.columns else ("insert",):
            name = f"{table}_{called}_{event}"
            yield name, make(name, table, event, declared, days)


def _on_sqlite(name: str, table: str, event: str, declared: Counted, days: Days) -> str:
    of = f" OF {', '.join(declared.columns)}" if event == "update" else ""
    body = "; ".join(
        _addition(_changing(count, days) if of else count, *row, days)
        for count in declared.counts
        for row in _ROWS[event]
    )
    return f"CREATE TRIGGER {name} AFTER {event.upper()}{of} ON {table} BEGIN {body}; END"


def _changing(count: Count, days: Days) -> Count:
    """Return the count for rows that are now counted otherwise than before, if by this at all."""
    parts = [count.course, count.name, count.detail, count.value, f"({count.where})"]
    parts += [_day_if_changed(count.day, days)] if count.day else []
    counted = ", ".join([*filter(_ROW.search, parts), *_COLUMN.findall(count.joined)])
    old, new = (_ROW.sub(f"{row}.", counted) for row in _SETS)
    return replace(count, where=f"({old}) IS NOT ({new}) AND {count.where}")


def _day_if_changed(time: str, days: Days) -> str:
    """Return the day of a time; NULL where that has stayed, which spares looking both up."""
    day = days["sqlite"].format(time)
    if days is UTC_DAY or not _ROW.search(time):
        return day
    old, new = (_ROW.sub(f"{row}.", time) for row in _SETS)
    return f"CASE WHEN {old} IS NOT {new} THEN {day} END"


def _addition(count: Count, row: str, sign: int, days: Days) -> str:
    """Return what adds one row to one sum of its course and of the school.

    Two microseconds, or half of one where the row is not counted; to group all that a trigger
    counts, as below, would take fifty.
    """
    day = [days["sqlite"].format(count.day)] if count.day else []
    values = (count.name, *day, count.detail)
    unsure = (*day, count.detail, count.value)
    known = " AND ".join(f"{value} IS NOT NULL" for value in unsure if "." in value)
    addition = (
        f"INSERT INTO {count.sums} ({', '.join(_KEYS[count.sums])}, shard, value)"
        f" SELECT CASE s.is_course WHEN 1 THEN {count.course} ELSE 0 END, {', '.join(values)},"
        f" 0, {sign} * ({count.value}) FROM {_COURSE_AND_SCHOOL}"
        f"{', ' + count.beside if count.beside else ''}"
        f" WHERE {count.where} AND {count.joined} AND {known or '1 = 1'}"
        f" AND (s.is_course = 0 OR {count.course} IS NOT NULL) {_conflict(count.sums)}"
    )
    return _ROW.sub(f"{row}.", addition)


def _on_postgresql(name: str, table: str, event: str, declared: Counted, days: Days) -> str:
    is_each_row = event == "update" and declared.changes_often
    sources = [
        (f"(SELECT {row}.*) r" if is_each_row else f"{_SETS[row]} r", sign)
        for row, sign in _ROWS[event]
    ]
    body = "; ".join(_additions("postgresql", declared.counts, sources, days))
    if is_each_row:
        old, new = (", ".join(f"{of}.{name}" for name in declared.columns) for of in _SETS)
        fires = f"FOR EACH ROW WHEN (({old}) IS DISTINCT FROM ({new}))"
    else:
        tables = " ".join(f"{row} TABLE AS {_SETS[row]}" for row, _ in _ROWS[event])
        fires = f"REFERENCING {tables} FOR EACH STATEMENT"
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body};"
        f" RETURN NULL; END $$; CREATE TRIGGER {name} AFTER {event.upper()} ON {table} {fires}"
        f" EXECUTE FUNCTION {name}()"
    )


def _additions(
    dialect: str, counts: Sequence[Count], rows: Sequence[tuple[str, int]], days: Days
) -> Iterator[str]:
    """Return what adds the rows, or with the sign -1 takes them away: in one statement a table."""
    for sums, keys in _KEYS.items():
        parts = [
            _part(dialect, count, *row, days)
            for count in counts
            for row in rows
            if count.sums == sums
        ]
        if not parts:
            continue
        known = " AND ".join(f"n.{key} IS NOT NULL" for key in keys[1:])
        chosen = ", ".join(f"n.{key}" for key in keys[1:])
        places = ", ".join(str(place + 1) for place in range(len(keys)))
        yield (
            f"INSERT INTO {sums} ({', '.join(keys)}, shard, value)"
            f" SELECT CASE s.is_course WHEN 1 THEN n.course_id ELSE 0 END, {chosen},"
            f" {_SHARD[dialect]}, sum(n.value) FROM ({' UNION ALL '.join(parts)}) n"
            f" CROSS JOIN {_COURSE_AND_SCHOOL}"
            f" WHERE {known} AND (s.is_course = 0 OR n.course_id IS NOT NULL)"
            f" GROUP BY {places} HAVING sum(n.value) <> 0 {_conflict(sums)}"
        )


def _part(dialect: str, count: Count, source: str, sign: int, days: Days) -> str:
    """Return what the rows of one source are counted as."""
    day = f", {days[dialect].format(count.day)} AS day" if count.day else ""
    course = count.course if count.course != "NULL" else "CAST(NULL AS integer)"
    beside = f", {count.beside}" if count.beside else ""
    return (
        f"SELECT {course} AS course_id, {count.name} AS name, {count.detail} AS detail{day},"
        f" {sign} * ({count.value}) AS value FROM {source}{beside}"
        f" WHERE {count.where} AND {count.joined}"
    )


def _conflict(sums: str) -> str:
    key = ", ".join([*_KEYS[sums], "shard"])
    return f"ON CONFLICT ({key}) DO UPDATE SET value = {sums}.value + excluded.value"
