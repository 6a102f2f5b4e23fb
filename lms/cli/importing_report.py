"""How the import of an old school is told on a terminal: first what nobody may miss."""

from collections.abc import Iterator

import click
from flask import current_app

from lms.config import invites
from lms.importing import ImportReport, telling


def print_legacy(report: ImportReport) -> None:
    """Print questions, then money, access, sign-in and what was not read, then all the rest."""
    for line in _lines(report):
        click.echo(line)


def _lines(report: ImportReport) -> Iterator[str]:
    if report.questions:
        yield f"{telling.QUESTIONS}:"
        for question in report.questions:
            yield f"  {question.question}"
            yield from (f"    {answer}" for answer in question.answers)
    for section in telling.first(report, invites=invites(current_app.config)):
        yield f"{section.heading}:"
        yield from _below(section)
    if report.clocks:
        yield (
            f"{telling.CLOCKS} If that is wrong, add --timezone America/New_York (or COLUMN=ZONE)."
        )
        yield from (f"  {each}" for each in report.clocks)
    for section in map(telling.in_a_line, telling.rest(report)):
        yield section.heading
        yield from _below(section)
    total = telling.total(report)
    yield total if report.applied else f"{total} (preview: nothing was changed; add --apply)"


def _below(section: telling.Section) -> Iterator[str]:
    for line in section.lines:
        yield f"  {line.text}"
        yield from (f"    {row}" for row in line.rows)
