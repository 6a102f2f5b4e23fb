"""The first admin of a school: whoever holds the link that the machine's own people can print."""

from collections.abc import Mapping
from types import MappingProxyType

from itsdangerous import BadData
from sqlalchemy.orm import Session

from lms.accounts.links import Secret
from lms.accounts.passwords import check_password, hash_password
from lms.accounts.sign_in import add_sign_in, new_token
from lms.db import db
from lms.enrollment.people import open_account
from lms.enrollment.school import apply_settings
from lms.identity import checked_email
from lms.ledger.audit import record
from lms.ledger.locks import lock_defaults
from lms.queries.people import has_admin
from lms.refusals import SchoolIsOpen, SetupNotPossible
from lms.signatures import Signatures
from lms.transaction import transactional

SETUP_HOURS = 24
"""How long a link opens the school; another one can be printed at any time."""
_PURPOSE = "setup"
_NONE: Mapping[str, str] = MappingProxyType({})


def setup_token(*, secret: Secret) -> str:
    """Return the token of a link that makes the first admin; SchoolIsOpen where there is one."""
    _refuse_open(db.session())
    return str(_serializer(secret).dumps(_PURPOSE))


def check_setup(token: str, *, secret: Secret) -> None:
    """Raise SchoolIsOpen once there is an admin, SetupNotPossible for a link that is too old."""
    _refuse_open(db.session())
    try:
        _serializer(secret).loads(token, max_age=SETUP_HOURS * 3600)
    except BadData:
        raise SetupNotPossible from None


def open_school(
    token: str,
    *,
    email: str,
    name: str,
    password: str,
    secret: Secret,
    device: str = "",
    settings: Mapping[str, str] = _NONE,
) -> str:
    """Make the first admin and return the token of a sign-in; of two at once, one does.

    `settings` are what is chosen for the school, by name.

    The address counts as proven, as one that a command is given. Raises what `check_setup` does,
    and Invalid.
    """
    check_setup(token, secret=secret)
    email = checked_email(email)
    check_password(password, email=email, name=name)
    sign_in = new_token()
    _open(email, name, hash_password(password), settings, token=sign_in, device=device)
    return sign_in


@transactional
def _open(
    session: Session,
    email: str,
    name: str,
    password_hash: str,
    settings: Mapping[str, str],
    *,
    token: str,
    device: str,
) -> None:
    lock_defaults(session)
    _refuse_open(session)
    opened = {"email": email, "name": name, "password_hash": password_hash}
    user_id = open_account(session, [], **opened, role="admin", by=None)
    record(session, "school.opened", by=user_id)
    if settings:
        apply_settings(session, settings, seen=None, by=user_id)
    add_sign_in(session, user_id, token, device=device)


def _refuse_open(session: Session) -> None:
    if has_admin(session):
        raise SchoolIsOpen


def _serializer(secret: Secret) -> Signatures:
    return Signatures(secret, salt=_PURPOSE)
