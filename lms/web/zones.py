"""In whose time zone a page tells the time: the person's own, else the school's."""

from datetime import datetime

from flask import Flask, g

from lms import times
from lms.web.school import school


def zone() -> str:
    """Return the time zone of whoever is asking."""
    own: str | None = g.get("own_zone")
    return own or school().time_zone


def init_app(app: Flask) -> None:
    """Let templates tell the time: in the zone of this request, unless they name another."""
    app.add_template_filter(_local, "local")
    app.add_template_filter(_told, "told")
    app.jinja_env.globals.update(zone=zone, place=times.place, zone_of=_zone_of)


def _local(moment: datetime, of: str = "") -> datetime:
    return times.local(moment, of or zone())


def _told(moment: datetime) -> str:
    return times.told(moment, zone())


def _zone_of(moment: datetime, of: str = "") -> str:
    return times.full_name(moment, of or zone())
