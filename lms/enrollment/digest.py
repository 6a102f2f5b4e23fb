"""New requests, for the admins who want to know of them: one e-mail, however many there are.

The first after a quiet time is announced within a minute; what follows is collected until the
interval is over. A request that is decided or canceled by then was never news.
"""

from functools import cache

from sqlalchemy import Select, String, bindparam, cast, select, update
from sqlalchemy.orm import Session

from lms.db import db
from lms.ledger.limits import count
from lms.messages.catalogue import NewRequest, RequestsWaiting
from lms.messages.outbox import queue_emails
from lms.messages.rendering import render
from lms.models import AccessRequest, Course, User, is_pending
from lms.refusals import RateLimited
from lms.transaction import transactional

NAMED = 20
"""Requests that an e-mail names; the page has them all."""
_MOST = 5_000
"""Requests in one transaction; the next digest has the others."""


def send_request_digest() -> int:
    """Queue an e-mail to each admin who wants to know of requests; return how many it announces.

    One per interval, whichever of the workers gets to it: 0 for the others, and without any news.
    """
    try:
        if db.session.scalar(_new().limit(1)) is None:
            return 0
    finally:
        db.session.rollback()
    try:
        return _send()
    except RateLimited:
        return 0


@transactional
def _send(session: Session) -> int:
    # Of what is decided in this moment nobody needs to hear, and nobody waits for it.
    found = session.execute(_new().limit(_MOST).with_for_update(of=AccessRequest, skip_locked=True))
    news = found.all()
    if not news:
        return 0
    is_wanted = session.execute(_wanting(), {"event": ""}).first() is not None
    if is_wanted:
        count(session, "digest", "admins")
    told = AccessRequest.id.in_([each.id for each in news])
    session.execute(update(AccessRequest).where(told).values(is_news=False))
    if not is_wanted:
        return 0
    named = tuple(NewRequest(each.name, each.title) for each in news[:NAMED])
    message = RequestsWaiting(named, len(news) - len(named))
    event = f"requests-{max(each.id for each in news)}-"
    queue_emails(session, render(message).email, _wanting(), event=event)
    return len(news)


@cache
def _new() -> Select[int, str, str]:
    return (
        select(AccessRequest.id, User.name, Course.title)
        .join(User, User.id == AccessRequest.student_id)
        .join(Course, Course.id == AccessRequest.course_id)
        .where(AccessRequest.is_news, is_pending())
        .order_by(AccessRequest.id)
    )


@cache
def _wanting() -> Select[str, str]:
    key = bindparam("event", type_=String) + cast(User.id, String)
    return select(key, User.email).where(User.role == "admin", User.is_active, User.emails_requests)
