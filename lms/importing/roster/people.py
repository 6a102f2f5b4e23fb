"""Whom a line means that says a name and no address."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.importing.roster.lines import RosterLine
from lms.models import User
from lms.queries.search import has_any_word
from lms.texts import counted, without_accents

_WAY_OUT = "add the e-mail address"


class _Account(NamedTuple):
    email: str
    name: str
    role: str
    is_proven: bool
    is_active: bool


def with_people(session: Session, lines: Sequence[RosterLine]) -> list[RosterLine]:
    """Return the lines with the address of the only account of the name, or why there is none.

    People choose their names themselves: whoever takes another's makes the name mean nobody.
    """
    wanted = {_compared(line.name) for line in lines if line.is_by_name}
    if not wanted:
        return list(lines)
    found: dict[str, list[_Account]] = defaultdict(list)
    columns = User.email, User.name, User.role, User.is_proven, User.is_active
    # All words of a name have to be there: one of each finds few others.
    telling = {max(name.split(), key=len) for name in wanted if name}
    for row in session.execute(select(*columns).where(has_any_word(telling))):
        account = _Account(*row)
        if (compared := _compared(account.name)) in wanted:
            found[compared].append(account)
    return [
        _with_address(line, found[_compared(line.name)]) if line.is_by_name else line
        for line in lines
    ]


def _with_address(line: RosterLine, accounts: Sequence[_Account]) -> RosterLine:
    if problem := _problem(accounts):
        return replace(line, problem=f"{problem}: {_WAY_OUT}")
    return replace(line, email=accounts[0].email)


def _problem(accounts: Sequence[_Account]) -> str:
    if len(accounts) > 1:
        unproven = sum(not each.is_proven for each in accounts)
        deactivated = sum(not each.is_active for each in accounts)
        odd = [f"{unproven:,} not confirmed"] if unproven else []
        odd += [f"{deactivated:,} deactivated"] if deactivated else []
        among = f" ({', '.join(odd)})" if odd else ""
        return f"{counted(len(accounts), 'account')} have this name{among}"
    if not accounts or accounts[0].role != "student":
        return "no student has this name"
    return "" if accounts[0].is_proven else "the account with this name isn't confirmed"


def _compared(name: str) -> str:
    """Return the words of a name in no order: 'Lovelace, Ada' is Ada Lovelace."""
    return " ".join(sorted(without_accents(name.replace(",", " ")).split()))
