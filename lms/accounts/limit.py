"""How many sign-ins may fail, per account and per address, counted for all workers together."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from limits import parse
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from lms.db import now
from lms.models import SignInFailures
from lms.refusals import RateLimited
from lms.transaction import transactional
from lms.upsert import insert


@dataclass(frozen=True)
class SignInLimit:
    """The limit that LMS_LOGIN_LIMIT sets, for tries from one network address."""

    rule: str
    """In the words of the `limits` package: `10 per minute`."""
    address: str
    secret: str
    """Keys the hashes, so that whoever reads the table learns no address and no account."""

    def keys(self, email: str) -> tuple[str, str]:
        """Return the account's key and the address's."""
        return self._key("account", email), self._key("address", self.address)

    @property
    def allowed(self) -> int:
        """Failures in one period."""
        return parse(self.rule).amount

    @property
    def period(self) -> timedelta:
        """How long failures are remembered, from the first one on."""
        return timedelta(seconds=parse(self.rule).get_expiry())

    def _key(self, kind: str, value: str) -> str:
        message = f"{kind}:{value}".encode("utf-8", "surrogatepass")
        return hmac.new(self.secret.encode(), message, hashlib.sha256).hexdigest()


def check_limit(session: Session, limit: SignInLimit, email: str) -> None:
    """Raise RateLimited while too many sign-ins of this account or address have failed."""
    reached: datetime | None = session.scalar(
        select(func.max(SignInFailures.expires_at)).where(
            SignInFailures.key_hash.in_(limit.keys(email)),
            SignInFailures.failures >= limit.allowed,
            SignInFailures.expires_at > now(),
        )
    )
    if reached is not None:
        raise RateLimited(retry_after=_seconds_until(reached))


@transactional
def count_failure(session: Session, limit: SignInLimit, email: str) -> int:
    """Count a failed sign-in; return the seconds to wait if it was one too many, else 0.

    Tries at the same time count one by one, so that no more than the limit learn that they failed.
    """
    moment = now()
    session.execute(delete(SignInFailures).where(SignInFailures.expires_at <= moment))
    wait = 0
    for key in sorted(limit.keys(email)):  # sorted: two tries cannot wait for each other
        failures, expires_at = session.execute(
            insert(SignInFailures)
            .values(key_hash=key, failures=1, expires_at=moment + limit.period)
            .on_conflict_do_update(
                index_elements=["key_hash"], set_={"failures": SignInFailures.failures + 1}
            )
            .returning(SignInFailures.failures, SignInFailures.expires_at)
        ).one()
        if failures > limit.allowed:
            wait = max(wait, _seconds_until(expires_at))
    return wait


def forget_failures(session: Session, limit: SignInLimit, email: str) -> None:
    """Give an account its tries back after a sign-in; the address keeps its failures.

    Otherwise an attacker with one account of their own could try others without end.
    """
    account, _address = limit.keys(email)
    session.execute(delete(SignInFailures).where(SignInFailures.key_hash == account))


def _seconds_until(moment: datetime) -> int:
    return max(1, ceil((moment - now()).total_seconds()))
