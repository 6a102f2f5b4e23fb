"""The sentences of an import's report, for terminals and pages: first what nobody may miss."""

from collections.abc import Iterator
from dataclasses import dataclass

from lms.importing.legacy.report import OUTCOMES, ImportReport, Reason, TableReport
from lms.texts import counted

QUESTIONS = "Questions to answer"
COUNTS = ("read", *OUTCOMES)
"""What is counted of each table."""
CLOCKS = "These times don't include a time zone and were read as follows."
_HEADINGS = {
    "money": "Money",
    "access": "Access",
    "sign-in": "People who can't sign in with their old password",
    "not read": "Not read",
}


@dataclass(frozen=True)
class Line:
    """A sentence, and the rows that show what is meant."""

    text: str
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """Sentences under one heading."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Counts:
    """The rows of a table, by what became of them."""

    table: str
    numbers: tuple[tuple[str, int], ...]
    """Each with its word of COUNTS."""
    lines: tuple[Line, ...]
    """The reasons that stand nowhere else."""


def first(report: ImportReport, *, invites: bool) -> list[Section]:
    """Return what nobody may miss; `invites` says whether new people are e-mailed a link."""
    found = [
        Section(heading, tuple(_about(report, topic, invites=invites)))
        for topic, heading in _HEADINGS.items()
    ]
    return [section for section in found if section.lines]


def rest(report: ImportReport) -> list[Counts]:
    """Return the counts of each table, each with the reasons that stand nowhere else."""
    return [
        Counts(
            table.table,
            _numbers(table),
            tuple(_told(reason) for reason in table.reasons if not reason.topic),
        )
        for table in report.tables
    ]


def in_a_line(counts: Counts) -> Section:
    """Return what `rest` says under a heading, for where there are no tables."""
    words = ", ".join(f"{number} {word}" for word, number in counts.numbers)
    return Section(f"{counts.table}: {words}", counts.lines)


def total(report: ImportReport) -> str:
    """Return the counts of all rows."""
    (_, read), *numbers = _numbers(report)
    return f"{counted(read, 'row')}: " + ", ".join(f"{number} {word}" for word, number in numbers)


def _numbers(rows: TableReport | ImportReport) -> tuple[tuple[str, int], ...]:
    return tuple((word, getattr(rows, word)) for word in COUNTS)


def _about(report: ImportReport, topic: str, *, invites: bool) -> Iterator[Line]:
    for table in report.tables:
        for reason in table.reasons:
            if reason.topic == topic:
                told = _told(reason)
                yield Line(f"{table.table}: {told.text}", told.rows)
    if topic == "sign-in" and report.without_password:
        yield Line(_without_password(report.without_password, invites=invites))
    if topic == "not read" and report.not_read:
        yield Line(", ".join(report.not_read))


def _without_password(number: int, *, invites: bool) -> str:
    verb, invited, who = (
        ("has", "if active, it is invited by e-mail", "its owner")
        if number == 1
        else ("have", "the active ones are invited by e-mail", "their owners")
    )
    way_out = invited if invites else f"{who} can set one with “Forgot your password?”"
    return f"{counted(number, 'new account')} {verb} no password: {way_out}"


def _told(reason: Reason) -> Line:
    return Line(
        f"{reason.count:,} {reason.outcome}: {reason.reason}", tuple(map(_shown, reason.sample))
    )


def _shown(row: dict[str, str | None]) -> str:
    return ", ".join(
        f"{name}={'null' if value is None else repr(value)}" for name, value in row.items()
    )
