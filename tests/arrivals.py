"""What an old school knows of a source of access, as an import hands it to the ledger."""

from json import dumps

from lms.importing.legacy.staging import stored
from lms.ledger.access import Past
from lms.ledger.arrivals import Arrival
from lms.ledger.sources import Source


def arrival(source: Source, past: Past | None = None) -> Arrival:
    """Return a source with its past as `let_in_all` takes both."""
    past = past or Past()
    times = (time and stored(time) for time in (past.enrolled_at, past.last_activity_at))
    figures = "".join(f", {dumps(name)}: {dumps(said)}" for name, said in past.details.items())
    return (*source, *times, figures)
