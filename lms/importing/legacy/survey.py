"""What only all rows together tell, found before any is read: units of amounts, scales of progress.

Of each column it reads the different values alone, and of these no more than a limit.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from lms.importing.legacy.answers import Answers
from lms.importing.legacy.names import OldTable
from lms.importing.legacy.prices import Amount, Unit, compared, needs_unit, question, unit_of
from lms.importing.legacy.questions import MONEY, Question
from lms.importing.legacy.reading import Column, Reading
from lms.importing.legacy.source import OldSchool
from lms.importing.legacy.staging import Kind
from lms.importing.legacy.values import is_set, key, line, number, word
from lms.importing.legacy.words import PAYMENTS, meaning
from lms.models.payment_status import GIVING_ACCESS
from lms.money import DEFAULT_CURRENCY

_MOST = 20_000
_SHOWN = 3


def survey(school: OldSchool, kinds: Sequence[Kind], answers: Answers) -> Reading:
    """Return what is known of the school before its rows are read."""
    names: dict[Column, list[str]] = defaultdict(list)
    for old in school.tables:
        for ours, actual in old.columns.items():
            names[old.name, ours] += [f"{old.actual}.{held}" for held in actual]
    by_name = {kind.table.name: kind for kind in kinds}
    amounts = {
        (old.name, column): list(_amounts(school, old, column))
        for old in school.tables
        for column in by_name[old.name].money
        if column in old.columns
    }
    units = _units(school, by_name, amounts)
    for column, unit in units.items():
        units[column] = unit or answers.unit(column[0])
    return Reading(
        answers,
        names,
        units,
        frozenset(_shares(school, by_name)),
        open_amounts={
            name: amounts[name]
            for name, unit in units.items()
            if unit is None and needs_unit(amounts[name])
        },
    )


def _amounts(school: OldSchool, old: OldTable, column: str) -> Iterable[Amount]:
    course = "id" if old.name == "courses" else "course_id"
    ids = ("stripe_session_id", "stripe_payment_intent_id")
    wanted = (column, "currency", course, "status")
    # Whether Stripe took it is asked of the table as a whole: ids differ from row to row.
    has_stripe = any(name in old.columns for name in ids)
    for row in school.different(old, *wanted, most=_MOST):
        is_paid = meaning(row.get("status"), PAYMENTS, {}) in GIVING_ACCESS
        yield Amount(
            row.get(column),
            word(row.get("currency")) or DEFAULT_CURRENCY,
            key(row.get(course)),
            has_stripe and is_paid,
        )


def _units(
    school: OldSchool, kinds: dict[str, Kind], amounts: dict[Column, list[Amount]]
) -> dict[Column, Unit | None]:
    declared = {
        (old.name, column): " ".join(old.found.columns[held] for held in old.columns[column])
        for old in school.tables
        for column in kinds[old.name].money
        if column in old.columns
    }
    units = {column: unit_of(declared[column], found) for column, found in amounts.items()}
    prices, paid = ("courses", "price"), ("payments", "amount")
    of_minor = {
        open_: list(_amounts(school, old, kinds[table].money[open_[1]]))
        for open_ in (prices, paid)
        for table in [open_[0]]
        for old in school.tables
        if old.name == table and kinds[table].money[open_[1]] in old.columns
    }
    known: dict[Column, Unit | None] = {**dict.fromkeys(of_minor, "minor"), **units}
    if prices in known and paid in known:
        told = compared(
            amounts.get(prices) or of_minor.get(prices, []),
            known[prices],
            amounts.get(paid) or of_minor.get(paid, []),
            known[paid],
        )
        known |= dict(zip((prices, paid), told, strict=True))
    units |= {column: known[column] for column in units if column in known}
    # Refunds, discounts and taxes are counted as what they are parts of.
    for column in units:
        if units[column] is None and column[0] == "payments" and paid in known:
            units[column] = known[paid]
    return units


def _shares(school: OldSchool, kinds: dict[str, Kind]) -> Iterable[Column]:
    """Return the columns of progress that count from 0 to 1, as their values show."""
    for old in school.tables:
        column = kinds[old.name].progress
        if column is None or column not in old.columns:
            continue
        rows = list(school.different(old, column, most=_MOST))
        figures = [found for row in rows if (found := number(row.get(column))) is not None]
        if not figures or max(figures) > 1 or not any(figures):
            continue
        declared = " ".join(old.found.columns[held] for held in old.columns[column]).lower()
        is_fractional = any(0 < each < 1 for each in figures)
        is_real = any(
            sign in declared for sign in ("real", "float", "double", "numeric", "decimal")
        )
        if is_fractional or is_real or _is_whole_when_completed(school, old, column):
            yield old.name, column


def _is_whole_when_completed(school: OldSchool, old: OldTable, column: str) -> bool:
    """Return whether those who have finished are at 1."""
    return any(
        number(row.get(column)) == 1 and is_set(row.get("completed_at"))
        for row in school.different(old, column, "completed_at", most=_MOST)
    )


def open_questions(reading: Reading) -> list[Question]:
    """Return what is asked about amounts."""
    if not reading.open_amounts:
        return []
    columns = {
        " and ".join(reading.names[column]): [
            line(amount.written) for amount in found if amount.has_units
        ][:_SHOWN]
        for column, found in reading.open_amounts.items()
    }
    return [
        Question(
            topic=MONEY,
            question=question(columns),
            answers=["--prices decimal", "--prices minor"],
        )
    ]
