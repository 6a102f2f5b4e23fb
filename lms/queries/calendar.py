"""Which day it is in the school, and of which month its books are, when something is read."""

from sqlalchemy import ColumnElement, String, bindparam, cast, literal_column

from lms.db import UtcDateTime
from lms.ledger.days import school_day
from lms.ledger.months import month_of


def calendar() -> ColumnElement[str]:
    """Return both as they are at the moment `now`: by clocks that go on without any change."""
    moment = bindparam("now", type_=UtcDateTime())
    return cast(school_day(moment), String) + literal_column("' '", String) + month_of(moment)
