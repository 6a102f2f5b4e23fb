"""How the import of an old school is told on a terminal: first what nobody may miss."""

from collections.abc import Iterator

import click

from lms.cli.invitations import invite_if_mailed
from lms.importing import ImportReport, Reason
from lms.texts import counted

_HEADINGS = {
    "money": "Money",
    "access": "Access",
    "sign-in": "People who can't sign in with their old password",
    "not read": "Not read",
}


def print_legacy(report: ImportReport) -> None:
    """Print questions, then money, access, sign-in and what was not read, then all the rest."""
    for line in _lines(report):
        click.echo(line)


def _lines(report: ImportReport) -> Iterator[str]:
    if report.questions:
        yield "To be answered:"
        for question in report.questions:
            yield f"  {question.question}"
            yield from (f"    {answer}" for answer in question.answers)
    for topic, heading in _HEADINGS.items():
        lines = list(_about(report, topic))
        if lines:
            yield f"{heading}:"
            yield from (f"  {line}" for line in lines)
    yield from _clocks(report)
    for table in report.tables:
        yield (
            f"{table.table}: {table.read} read, {table.created} created, {table.merged} merged,"
            f" {table.repaired} repaired, {table.refused} refused"
        )
        for reason in table.reasons:
            if not reason.topic:
                yield from (f"  {line}" for line in _told(reason))
    total = (
        f"{counted(report.read, 'row')}: {report.created} created, {report.merged} merged,"
        f" {report.repaired} repaired, {report.refused} refused"
    )
    yield total if report.applied else f"{total} (preview: nothing was changed; add --apply)"


def _about(report: ImportReport, topic: str) -> Iterator[str]:
    for table in report.tables:
        for reason in table.reasons:
            if reason.topic == topic:
                first, *rest = _told(reason)
                yield f"{table.table}: {first}"
                yield from rest
    if topic == "sign-in" and report.without_password:
        yield _without_password(report.without_password)
    if topic == "not read" and report.not_read:
        yield ", ".join(report.not_read)


def _without_password(number: int) -> str:
    verb = "has" if number == 1 else "have"
    way_out = (
        "those that are active are invited by e-mail"
        if invite_if_mailed()
        else "use 'Forgot your password?' to set one"
    )
    return f"{counted(number, 'new account')} {verb} no password: {way_out}"


def _clocks(report: ImportReport) -> Iterator[str]:
    if report.clocks:
        yield (
            "Times without a time zone: which clock wrote them is not in the data. If another one"
            " did, say --timezone America/New_York (or COLUMN=ZONE)."
        )
        yield from (f"  {each}" for each in report.clocks)


def _told(reason: Reason) -> Iterator[str]:
    yield f"{reason.outcome} {reason.count}: {reason.reason}"
    for row in reason.sample:
        yield f"  {_shown(row)}"


def _shown(row: dict[str, str | None]) -> str:
    return ", ".join(
        f"{name}={'null' if value is None else repr(value)}" for name, value in row.items()
    )
