"""How often a password may be wrong: nobody can lock a person out from elsewhere.

Failures are counted for each pair of account and network address. A browser that has signed in to
the account before has tries of its own, so that the typos of others behind the same address take
none from it. For the account as a whole, answers become slower instead; and one address can't try
a password on everybody.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from limits import parse
from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from lms import logs
from lms.ledger.limits import LIMITS, Limit, Standing, count, count_use, key_of, standings
from lms.models import Allowance
from lms.outages import OutcomeUnknownError
from lms.refusals import RateLimited
from lms.transaction import transactional

LONGEST_PAUSE = 2.0
"""In seconds: what a person hardly notices, and who guesses notices each time."""
_PAUSE_EACH = 0.1
"""How much longer an answer takes for each failure beyond these, in this time."""
_UNPAUSED = Limit(10, timedelta(hours=1))
_BROWSERS = 10
"""Of how many known browsers an account's failures are borne: who knew the password once has had
as many as they wanted."""


def _at_once(_seconds: float) -> None:
    """Let an answer leave when it is ready."""


@dataclass(frozen=True)
class SignInLimit:
    """The limit that LMS_LOGIN_LIMIT sets, for tries from one network address."""

    rule: str
    """In the words of the `limits` package: `10 per minute`."""
    address: str
    secret: str
    """Keys the hashes, so that whoever reads the table learns no address and no account."""
    marks: Mapping[int, str] = field(default_factory=dict)
    """By account, the mark of this browser, if it has signed in to it before."""
    slow_down: Callable[[float], None] = _at_once
    """Has the answer leave so many seconds later."""

    @property
    def each(self) -> Limit:
        """Failures of one pair, or one known browser, and how long they are remembered."""
        parsed = parse(self.rule)
        return Limit(parsed.amount, timedelta(seconds=parsed.get_expiry()))

    @property
    def place(self) -> str:
        """What stands for the network address where something else is counted for it."""
        return self.key("address", self.address)

    def key(self, kind: str, *values: str) -> str:
        """Return the key of an allowance."""
        message = "\n".join((kind, *values)).encode("utf-8", "surrogatepass")
        return f"{kind}:{hmac.new(self.secret.encode(), message, hashlib.sha256).hexdigest()}"


class Tries:
    """The tries at one account, from where this one comes."""

    def __init__(self, limit: SignInLimit, email: str, user_id: int | None) -> None:
        self._limit = limit
        self._each = limit.each
        mark = limit.marks.get(user_id) if user_id is not None else None
        self._browser = limit.key("browser", str(user_id), mark) if mark else ""
        self._browsers = limit.key("browsers", str(user_id))
        self._all_browsers = self._each._replace(allowed=_BROWSERS * self._each.allowed)
        self._pair = limit.key("pair", email, limit.address)
        self._account = limit.key("account", email)
        self._seen = limit.key("seen", email, limit.address)
        [self._of_address] = LIMITS["sign-in accounts"]
        self._address = key_of("sign-in accounts", self._of_address, limit.place)

    def check(self, session: Session) -> None:
        """Raise RateLimited while too many have failed; slow down where many have elsewhere."""
        found = self._standings(session)
        if self._is_known(found):
            _refuse_beyond(found, self._browser, self._each)
            return
        if account := found.get(self._account):
            beyond = account.used - _UNPAUSED.allowed
            self._limit.slow_down(max(0.0, min(LONGEST_PAUSE, _PAUSE_EACH * beyond)))
        _refuse_beyond(found, self._pair, self._each)
        _refuse_beyond(found, self._address, self._of_address)

    def count(self, session: Session) -> int:
        """Count a failure; return the seconds to wait if it was one too many, else 0."""
        # In this order always: two tries can't wait for each other.
        if self._is_known(self._standings(session)):
            borne = count_use(session, self._browsers, self._all_browsers)
            own = count_use(session, self._browser, self._each)
            return max(_beyond(borne, self._all_browsers), _beyond(own, self._each))
        wait = _beyond(count_use(session, self._pair, self._each), self._each)
        count_use(session, self._account, _UNPAUSED)
        if count_use(session, self._seen, self._of_address).used == 1:
            others = count_use(session, self._address, self._of_address)
            wait = max(wait, _beyond(others, self._of_address))
        return wait

    def forget(self, session: Session) -> None:
        """Give whoever has signed in their tries back; those of the account and address stay.

        Otherwise an attacker with one account of their own could try others without end.
        """
        own = self._browser or self._pair
        session.execute(delete(Allowance).where(Allowance.key == own))

    def _standings(self, session: Session) -> dict[str, Standing]:
        keys = (self._pair, self._account, self._address, self._browser, self._browsers)
        return standings(session, keys)

    def _is_known(self, found: Mapping[str, Standing]) -> bool:
        borne = found.get(self._browsers)
        is_borne = borne is None or borne.used < self._all_browsers.allowed
        return bool(self._browser) and is_borne


class OwnTries:
    """Somebody's tries at what proves that it is still them, or them alone."""

    def __init__(self, action: str, who: int | str, *limits: Limit) -> None:
        self._limits = {key_of(action, limit, who): limit for limit in limits}

    def check(self, session: Session) -> None:
        """Raise RateLimited while too many have failed."""
        found = standings(session, self._limits)
        for key, limit in self._limits.items():
            _refuse_beyond(found, key, limit)

    def count(self, session: Session) -> int:
        """Count a failure; return the seconds to wait if it was one too many, else 0."""
        each = self._limits.items()
        return max(_beyond(count_use(session, key, limit), limit) for key, limit in each)

    def forget(self, session: Session) -> None:
        """Give the tries back to whoever has proved it."""
        session.execute(delete(Allowance).where(Allowance.key.in_(list(self._limits))))


class CodeTries:
    """Somebody's tries at codes, after a password: whoever found that out locks nobody out.

    They end with the password, and a browser that has signed in before has tries of its own. All
    together are bounded for a day, or new passwords and old browsers would give tries without end.
    """

    def __init__(self, limit: SignInLimit, user_id: int, password_hash: str) -> None:
        browser = limit.marks.get(user_id, "")
        who = limit.key("code", str(user_id), password_hash, browser)
        self._from_here = OwnTries("code", who, limit.each, *LIMITS["code"])
        self._all = OwnTries("all codes", user_id, *LIMITS["all codes"])

    def check(self, session: Session) -> None:
        """Raise RateLimited while too many have failed."""
        self._from_here.check(session)
        self._all.check(session)

    def count(self, session: Session) -> int:
        """Count a failure; return the seconds to wait if it was one too many, else 0."""
        return max(self._all.count(session), self._from_here.count(session))

    def forget(self, session: Session) -> None:
        """Give the tries from here back to whoever was right."""
        self._from_here.forget(session)


def count_export(user_id: int) -> None:
    """Count an export of this person; raises RateLimited.

    Where nothing can be written it counts for nothing: what can be read is read nevertheless.
    """
    try:
        _count(user_id)
    except (SQLAlchemyError, OutcomeUnknownError) as error:
        logs.warn("an export couldn't be counted", error=type(error).__name__)


@transactional
def count_failure(session: Session, tries: Tries | OwnTries | CodeTries) -> int:
    """Count a failure; return the seconds to wait if it was one too many, else 0.

    Tries at the same time count one by one, so that no more than the limit learn that they failed.
    """
    return tries.count(session)


@transactional
def _count(session: Session, user_id: int) -> None:
    count(session, "export", user_id)


def _refuse_beyond(found: Mapping[str, Standing], key: str, limit: Limit) -> None:
    if (standing := found.get(key)) is not None and standing.used >= limit.allowed:
        raise RateLimited(standing.seconds_left, limit=key.partition("/")[0].partition(":")[0])


def _beyond(standing: Standing, limit: Limit) -> int:
    return standing.seconds_left if standing.used > limit.allowed else 0
