"""Types of what clients send."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from lms.db import LARGEST_ID
from lms.texts import is_storable, typed_line
from lms.web.bounds import MESSAGE_LENGTH, SEARCH_LENGTH

_BARE_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("Send a string without NUL or surrogate characters.")
    return text


def _number(given: object) -> object:
    # Pydantic would also take 1_000, 5.0 and blanks around a number.
    if isinstance(given, str) and not re.fullmatch("[0-9]+", given, re.ASCII):
        raise ValueError("Send a whole number in digits.")
    return given


def _day(given: object) -> object:
    # Pydantic would also take seconds since 1970, and a time of midnight after the day.
    if isinstance(given, str) and not _BARE_DAY.fullmatch(given):
        raise ValueError("Send a day like 2026-11-28.")
    return given


def _moment(given: object) -> object:
    # Pydantic would also take seconds since 1970. What names no zone is UTC, as all times are.
    if not isinstance(given, str) or not re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}", given, re.ASCII):
        raise ValueError("Send a time like 2026-11-28T10:30:00Z.")
    try:
        moment = datetime.fromisoformat(given)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("Send a time like 2026-11-28T10:30:00Z.") from None


def _day_or_moment(given: object) -> object:
    # A day is of the school's zone: which moment of it stands for it, the verb decides.
    if not isinstance(given, str) or not _BARE_DAY.fullmatch(given):
        return _moment(given)
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise ValueError("Send a day like 2026-11-28, or a time like 2026-11-28T10:30Z.") from None


Id = Annotated[int, Field(ge=1, le=LARGEST_ID), BeforeValidator(_number)]
Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(9998, 12, 31)), BeforeValidator(_day)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
DayOrMoment = Annotated[datetime | date, BeforeValidator(_day_or_moment)]
Storable = AfterValidator(_storable)
Line = AfterValidator(typed_line)
Message = Annotated[str, StringConstraints(max_length=MESSAGE_LENGTH), Storable]
Reason = Annotated[str, StringConstraints(max_length=MESSAGE_LENGTH), Line]
SearchText = Annotated[str, StringConstraints(max_length=SEARCH_LENGTH), Storable]
PageNumber = Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(_number)]
