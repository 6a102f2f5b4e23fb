"""Which old table is which of ours: singular, plural, quoted, prefixed, or as it was told."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from lms.importing.legacy.address import NoOldSchool
from lms.importing.legacy.answers import Answers, BadAnswer
from lms.importing.legacy.catalog import Found
from lms.importing.legacy.questions import Question
from lms.refusals import Refusal
from lms.texts import counted

USER = ("userid", "studentid", "learnerid", "memberid", "profileid", "user", "student")
COURSE = ("courseid", "course")
CHAPTER = ("chapterid", "lessonid", "chapter", "lesson")
_OWN_TABLES = frozenset(("alembicversion", "prismamigrations", "sequelizemeta", "migrations"))
_OF_MONEY = frozenset(
    ["payment", "purchase", "order", "transaction", "invoice", "charge", "refund", "subscription"]
)
_OF_LEARNING = frozenset(
    [
        "enrollment",
        "enrolment",
        "registration",
        "membership",
        "lesson",
        "module",
        "chapter",
        "completion",
        "progress",
    ]
)
_WEIGHTY = {
    "money": frozenset(
        [
            "price",
            "cost",
            "fee",
            "amount",
            "tuition",
            "refund",
            "refunded",
            "discount",
            "tax",
            "subtotal",
        ]
    ),
    "access": frozenset(
        [
            "deleted",
            "banned",
            "blocked",
            "suspended",
            "disabled",
            "expires",
            "expiry",
            "expiration",
            "cancelled",
            "canceled",
            "revoked",
            "status",
            "state",
            "published",
            "archived",
        ]
    ),
    "learning": frozenset(["order", "position", "progress", "completed", "completion", "percent"]),
}
_LIGHT = frozenset(["id", "by", "url", "count", "reason", "note", "notes", "message"])
"""A column that ends so only speaks about such a thing."""
_OF_SIGN_INS = frozenset(["token", "reset", "verification", "session", "refresh", "otp", "last"])
"""A column with such a word is about something else that expires, or about where somebody was."""


class UnclearSchool(Refusal):
    """Which table holds what can't be told; the message says how to answer."""


@dataclass(frozen=True)
class OldTable:
    """A table of the old database, and how its columns map to ours."""

    name: str
    found: Found
    columns: dict[str, list[str]]
    rows: int

    @property
    def actual(self) -> str:
        """What the old school calls it."""
        return self.found.name


class Names(NamedTuple):
    """How a table and its columns may be called, in small letters alone."""

    columns: Mapping[str, tuple[str, ...]]
    """All spellings of each of our columns."""
    tables: tuple[str, ...] = ()
    """The singular, and what else means the same."""
    needs: tuple[str, ...] = ()
    """Our columns without which a table of another name is something else."""


class Matched(NamedTuple):
    """What of the old database is read, and what is not."""

    tables: list[OldTable]
    unread: list[str]


@dataclass(frozen=True)
class Matching:
    """Finds our tables; what must not be overlooked joins `questions`."""

    names: Mapping[str, Names]
    answers: Answers
    questions: list[Question] = field(default_factory=list)

    def match(self, found: Sequence[Found], connection: Connection) -> Matched:
        """Return the tables to read; raises NoOldSchool where there are none, UnclearSchool."""
        chosen = {name: self._chosen(name, found, connection) for name in self.names}
        read = [
            OldTable(name, each, self._columns(name, each), each.count(connection))
            for name, tables in chosen.items()
            for each in tables
        ]
        read = [old for old in read if old.columns]
        if not read:
            raise NoOldSchool(
                "This isn't a school's database: it has none of the tables"
                f" {', '.join(self.names)}, in the singular or plural, in snake_case or camelCase."
                " Check that it's the right database."
            )
        self._refuse_gaps(read, found)
        unread = list(self._unread(read, found, connection))
        return Matched(read, unread)

    def _chosen(self, name: str, found: Sequence[Found], connection: Connection) -> list[Found]:
        if told := self.answers.tables.get(name):
            named = [each for each in found if _is_called(each, told)]
            if not named:
                raise BadAnswer(
                    f"--map {name}={told}: there is no table {told}. Check the spelling."
                )
            return named[:1]
        ranked = self._ranked(name, found)
        if not ranked:
            return []
        best = ranked[min(ranked)]
        rivals = [each for rank in (0, 1, 2) for each in ranked.get(rank, [])] or best
        return best if len(_different(rivals)) == 1 else _only(name, best, rivals, connection)

    def _ranked(self, name: str, found: Sequence[Found]) -> dict[int, list[Found]]:
        ranked: dict[int, list[Found]] = {}
        for each in found:
            is_told = any(_is_called(each, told) for told in self.answers.tables.values())
            rank = self._rank(name, each)
            if rank is not None and not is_told and not self.answers.is_unneeded(each.name):
                ranked.setdefault(rank, []).append(each)
        return ranked

    def _rank(self, name: str, each: Found) -> int | None:
        """Return how well a table fits, 0 best; None where it doesn't.

        Its own name counts whatever its columns are; any other only with those it can't be without.
        """
        names = self.names[name]
        words = _words(each.name)
        joined = "".join(words)
        ours = _spelled(name)
        nearby = 0 if each.is_at_hand else 2
        if joined == ours:
            return nearby
        columns = self._columns(name, each)
        if not all(need in columns for need in names.needs):
            return None
        singular = names.tables[:1]
        if joined in singular:
            return 1 + nearby
        endings = {"".join(words[start:]) for start in range(1, len(words))}
        if endings & {ours, *singular}:
            return 2 + nearby
        if joined in names.tables or endings & set(names.tables):
            return 5 + nearby
        return None

    def _columns(self, name: str, each: Found) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        told = {column for table, column in self.answers.columns if table == name}
        held: dict[str, list[str]] = {}
        for actual in each.columns:
            held.setdefault(_spelled(actual), []).append(actual)
        for ours, spellings in self.names[name].columns.items():
            wanted = [_spelled(self.answers.columns[name, ours])] if ours in told else spellings
            matching = [actual for spelling in wanted for actual in held.get(spelling, ())]
            if matching:
                found[ours] = matching
        return found

    def _refuse_gaps(self, read: Sequence[OldTable], found: Sequence[Found]) -> None:
        """Refuse to read rows about people or courses while these themselves were not found."""
        there = {old.name for old in read}
        for needed, column, sign in (
            ("users", ("user_id", "student_id"), "email"),
            ("courses", ("course_id",), "title"),
            ("chapters", ("chapter_id",), "title"),
        ):
            asking = [
                old for old in read if old.rows and any(each in old.columns for each in column)
            ]
            if needed in there or not asking:
                continue
            names = self.names[needed].columns[sign]
            likely = [
                each.name
                for each in found
                if each.name not in {old.actual for old in read}
                and (
                    any(_spelled(held) in names for held in each.columns)
                    or _spelled(each.name) in self.names[needed].tables
                )
            ]
            way_out = (
                f" Name it, such as --map {needed}={(likely or ['TABLE'])[0]}; or leave out what"
                f" refers to it: --map none={asking[0].actual}."
            )
            hint = f" It may be {' or '.join(likely)}." if likely else ""
            raise UnclearSchool(
                f"{asking[0].actual} refers to {needed}, but there is no table named {needed}."
                f"{hint}{way_out}"
            )

    def _unread(
        self, read: Sequence[OldTable], found: Sequence[Found], connection: Connection
    ) -> Iterator[str]:
        used = {(old.found.schema, old.actual) for old in read}
        for each in found:
            if (each.schema, each.name) in used:
                continue
            if _spelled(each.name) not in _OWN_TABLES and each.schema != "drizzle":
                yield each.name
                self._weigh_table(each, connection)
        for old in read:
            taken = {held for names in old.columns.values() for held in names}
            for held in old.found.columns:
                if held not in taken:
                    yield f"{old.actual}.{held}"
                    self._weigh_column(old, held, connection)

    def _weigh_table(self, each: Found, connection: Connection) -> None:
        """Ask about a table that is not read, but seems to hold money, access or learning."""
        if self.answers.is_unneeded(each.name):
            return
        words = {word.removesuffix("s") for word in _words(each.name)}
        columns = {_spelled(held) for held in each.columns}
        is_personal = bool(columns & {*USER, *COURSE, *CHAPTER})
        likely = "payments" if words & _OF_MONEY else "enrollments" if words & _OF_LEARNING else ""
        if likely and is_personal and (rows := each.count(connection)):
            self.questions.append(
                Question(
                    topic="not read",
                    question=f"The table {each.name} ({counted(rows, 'row')}) is not read, although"
                    " its name suggests money, access or learning. Say what it is, or that it is"
                    " not needed.",
                    answers=[f"--map {likely}={each.name}", f"--map none={each.name}"],
                )
            )

    def _weigh_column(self, old: OldTable, held: str, connection: Connection) -> None:
        name = f"{old.actual}.{held}"
        words = _words(held)
        if (
            not words
            or words[-1] in _LIGHT
            or _OF_SIGN_INS & set(words)
            or self.answers.is_unneeded(name)
        ):
            return
        topic = next((topic for topic, signs in _WEIGHTY.items() if signs & set(words)), None)
        if topic is None or (old.name == "courses" and topic == "learning"):  # their own order
            return
        clause = old.found.clause
        if not connection.scalar(select(func.count(clause.c[held]))):
            return
        self.questions.append(
            Question(
                topic="not read",
                question=f"The column {name} is not read, although its name suggests {topic}."
                " Say which of the portal's columns it is, or that it is not needed.",
                answers=[f"--map {old.name}.COLUMN={held}", f"--map none={name}"],
            )
        )


def _only(name: str, best: list[Found], rivals: list[Found], connection: Connection) -> list[Found]:
    """Return the only table with rows in it; raises UnclearSchool where there are several."""
    rows = [(each, each.count(connection)) for each in rivals]
    full = [each for each, number in rows if number]
    if len(_different(full)) > 1:
        listed = " and ".join(f"{each.name} ({counted(number, 'row')})" for each, number in rows)
        raise UnclearSchool(
            f"Several tables could be {name}: {listed}. Say which one it is, such as"
            f" --map {name}={full[0].name}."
        )
    return full or best


def _different(found: Sequence[Found]) -> set[tuple[str | None, str]]:
    return {(each.schema, _spelled(each.name)) for each in found}


def _is_called(each: Found, told: str) -> bool:
    schema, _, name = told.rpartition(".")
    names = {each.name, f"{each.schema}.{each.name}"}
    return told in names or (name == each.name and schema in {"", each.schema})


def _words(name: str) -> list[str]:
    """Return the words of a name: `studentProgress`, `app_users`, `public.Course`."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return re.findall(r"[a-z0-9]+", parted.lower())


def _spelled(name: str) -> str:
    return "".join(_words(name))
