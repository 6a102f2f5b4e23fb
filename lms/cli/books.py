"""`flask payments books`: what money moved in a month."""

import csv
from pathlib import Path

import click
from flask.cli import with_appcontext

from lms import payments, standby
from lms.cli.output import json_option, print_json
from lms.money import money, plain
from lms.queries import books as queries
from lms.queries.books import BooksReport, CurrencyFigures
from lms.texts import counted
from lms.times import day_of, told


@click.command()
@click.argument("month")
@json_option
@click.option(
    "--csv",
    "file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the lines to a file for a spreadsheet.",
)
@click.option("--close", is_flag=True, help="Close the month first; a closed month never changes.")
@with_appcontext
def books(month: str, as_json: bool, file: Path | None, close: bool) -> None:
    """Print the books of a month, such as 2026-10."""
    clocks = queries.present_clocks()
    chosen = clocks.read(month)
    if close:
        payments.close_month(chosen, by=None)
        report = queries.report(chosen)
    else:
        report = standby.read(lambda: queries.report(chosen, clocks)).value
    if file is not None:
        _write(file, report)
    if as_json:
        print_json(BooksReport, report)
    else:
        lines = _told(report)
        if queries.is_early(chosen, clocks):
            lines.insert(1, queries.early(chosen, report))
        click.echo("\n".join(lines))


def _told(report: BooksReport) -> list[str]:
    zone = report.time_zone
    closed = f"closed on {told(report.closed_at, zone)}" if report.closed_at else "open"
    about = f"Books for {report.month} ({zone}), {closed}."
    lines = [f"{about} {counted(len(report.lines), 'line')}."]
    lines += filter(None, [queries.exact_span_of(report)])
    lines += [f"{each.currency.upper()}: {_sums(each)}" for each in report.currencies]
    lines.append(f"unexplained: {report.unexplained}")
    for entry in report.unexplained_entries:
        about = f"payment {entry.payment_id}" if entry.payment_id else entry.subject
        amount = (
            "" if entry.amount_cents is None else money(entry.amount_cents, entry.currency or "")
        )
        lines.append(f"  {day_of(entry.happened_at, zone)} {about} {amount}: {entry.detail}")
    return lines


def _sums(figures: CurrencyFigures) -> str:
    sums = ((label, getattr(figures, name)) for name, label in queries.SUMS)
    return ", ".join(f"{label} {plain(sum_, figures.currency)}" for label, sum_ in sums)


def _write(file: Path, report: BooksReport) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows(queries.spreadsheet_rows(report))
