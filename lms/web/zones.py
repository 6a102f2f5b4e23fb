"""In whose time zone a page tells the time: the person's own, else the school's."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import Flask, g

from lms import times
from lms.models.payments import STRIPE
from lms.queries.books import present_clocks
from lms.web.school import school


def zone() -> str:
    """Return the time zone of whoever is asking."""
    own: str | None = g.get("own_zone")
    return own or school().time_zone


def booked_in(moment: datetime) -> str:
    """Return the zone of whose day the books have a moment.

    A day that an admin typed stays that day so, whatever the school's zone becomes.
    """
    if "book_clocks" not in g:
        g.book_clocks = present_clocks()
    return str(g.book_clocks.zone_of(moment))


def typed_in(payment: Any) -> str:
    """Return the zone of the day that an admin typed for a payment; blank where none did."""
    is_typed = payment.paid_at is not None and payment.method != STRIPE
    return booked_in(payment.paid_at) if is_typed else ""


def _with_zones(payments: Iterable[Any]) -> list[tuple[Any, str]]:
    """Give each payment that zone, for rows that read nothing but what they are given."""
    return [(each, typed_in(each)) for each in payments]


def init_app(app: Flask) -> None:
    """Let templates tell the time: in the zone of this request, unless they name another."""
    app.add_template_filter(_local, "local")
    app.add_template_filter(_told, "told")
    app.add_template_filter(_with_zones, "with_zones")
    app.jinja_env.globals.update(
        zone=zone, place=times.place, zone_of=_zone_of, booked_in=booked_in, typed_in=typed_in
    )


def _local(moment: datetime, of: str = "") -> datetime:
    return times.local(moment, of or zone())


def _told(moment: datetime) -> str:
    return times.told(moment, zone())


def _zone_of(moment: datetime, of: str = "") -> str:
    return times.full_name(moment, of or zone())
