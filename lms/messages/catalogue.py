"""Every message, with the values it needs; its text is in templates/messages."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal, NamedTuple

from lms.models import NoticeKind

Access = Literal["kept", "given", "ended", "none", ""]
"""Whether a student can learn once something is done, and could before; blank is not said."""
INVITED_DAYS = 14
"""How long the link of an invitation works."""


@dataclass(frozen=True)
class Message:
    """A message, with the text of the template of the same name."""

    page: ClassVar[str] = ""
    """The page of the portal that an e-mail leads to; such e-mails can be switched off."""

    template: ClassVar[str]
    """The file of its words: request_approved.txt for RequestApproved."""
    link: ClassVar[str] = ""
    """The whole address of a page that only this e-mail leads to, with the values it needs."""

    def __init_subclass__(cls) -> None:
        cls.template = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower() + ".txt"


@dataclass(frozen=True)
class StudentMessage(Message):
    """A notice about a course, also e-mailed to those who want this category."""

    kind: ClassVar[NoticeKind]
    category: ClassVar[Literal["decisions", "purchases", "messages"]] = "decisions"
    page: ClassVar[str] = "/student/courses/{course_id}"

    course_id: int | None
    course: str


@dataclass(frozen=True)
class WithReason(StudentMessage):
    """One that passes on what the admin gave as the reason; all others keep that to the trail."""

    reason: str = field(default="", kw_only=True)


class RequestApproved(WithReason):
    kind = "approved"


class RequestRejected(WithReason):
    kind = "rejected"
    page = "/student/requests"


@dataclass(frozen=True)
class DecisionReversed(StudentMessage):
    kind = "reconsidered"
    page = "/student/requests"

    access_ended: bool


class RequestClosed(StudentMessage):
    """The course was removed before a decision."""

    kind = "request_closed"
    page = "/student/courses"


@dataclass(frozen=True)
class OfferMade(WithReason):
    """A seat is held for the student, to be bought at this price until this time."""

    kind = "offer"

    price_cents: int
    currency: str
    expires_at: datetime
    is_approved: bool
    """Whether the request was approved; else a seat has become free that anybody may buy."""
    is_sold_online: bool
    """Whether students can pay in the portal; else the school says how."""
    says_how: bool
    """Whether it does so on the course's page."""


class OfferExpired(StudentMessage):
    kind = "offer"


class OfferWithdrawn(WithReason):
    """The school ended it: it took it back, or closed the course, whose page is then gone."""

    kind = "offer"
    page = "/student/courses"


class SeatFree(StudentMessage):
    """A seat has become free for somebody whose request an admin has to decide."""

    kind = "offer"
    page = "/student/requests"


@dataclass(frozen=True)
class SchoolMessage(StudentMessage):
    """What an admin writes to the students of a course."""

    kind = "message"
    category = "messages"

    subject: str
    text: str


class SeatGiven(StudentMessage):
    """A seat has become free in a course that anybody may join."""

    kind = "enrolled"


class Enrolled(StudentMessage):
    """An admin, or a roster, enrolled the student."""

    kind = "enrolled"


class CourseOpened(StudentMessage):
    """The student had requested a course that is now open to all."""

    kind = "enrolled"


class AccessLost(StudentMessage):
    """The end of access; what was completed is kept."""

    kind = "unenrolled"
    page = "/student/courses"


class AccessEnded(AccessLost):
    """An admin, or a roster, ended it."""


class CourseRestricted(AccessLost):
    """The student had access only while the course was open to all."""


class RepairUndone(AccessLost):
    """An admin undid the repair that had enrolled the student."""


@dataclass(frozen=True)
class CourseRemoved(AccessLost):
    is_sold: bool
    """Whether a payment gave anyone access, who so gets a message about the payment too."""


class ApprovalDelivered(StudentMessage):
    """A repair enrolled a student whose request had been approved."""

    kind = "approved"


class PurchaseDelivered(StudentMessage):
    """A repair enrolled a student who had paid."""

    kind = "paid"
    category = "purchases"


class CertificateRevoked(WithReason):
    kind = "certificate_revoked"
    page = "/student/progress"


class CertificateReinstated(StudentMessage):
    kind = "certificate_reinstated"
    page = "/student/progress"


class ProgressReset(WithReason):
    """An admin marked all chapters incomplete."""

    kind = "progress_reset"


@dataclass(frozen=True)
class PaymentMessage(StudentMessage):
    """A change of a payment; if the account is deleted, by e-mail only."""

    category = "purchases"
    page = "/student/payments/{payment_id}"

    payment_id: int
    amount_cents: int
    refunded_cents: int
    lost_cents: int
    currency: str


class PaymentReceived(PaymentMessage):
    kind = "paid"


@dataclass(frozen=True)
class AccessTold(PaymentMessage):
    """One that also says whether the student has access now, by this payment or otherwise."""

    access: Access


@dataclass(frozen=True)
class PaymentRefunded(AccessTold):
    kind = "refunded"

    is_manual: bool
    """Whether the school sends the money back by itself, not through Stripe."""


class PaymentNotDelivered(AccessTold):
    """It gives no access, or none any more: another amount, a full course, too little kept."""

    kind = "payment_review"


class PaymentAccepted(PaymentMessage):
    """A review ended well: it gives access now, or again."""

    kind = "paid"


class PaymentWithoutAccess(PaymentMessage):
    """An admin ended the access that it gave."""

    kind = "payment_review"


class PaymentWithoutCourse(PaymentMessage):
    """The course that it was for was removed."""

    kind = "payment_review"


class PaymentWithoutAccount(PaymentMessage):
    """The buyer's account is deleted, so this is sent by e-mail only."""

    kind = "payment_review"


class PaymentFailed(PaymentMessage):
    kind = "payment_failed"


class PaymentDisputed(PaymentMessage):
    kind = "payment_disputed"


class DisputeWon(PaymentMessage):
    kind = "paid"


class DisputeLost(AccessTold):
    kind = "payment_disputed"


class NewRequest(NamedTuple):
    """Who has requested what."""

    student: str
    course: str


@dataclass(frozen=True)
class RequestsWaiting(Message):
    """For the admins who want to know of new requests: all of an interval, the earliest named."""

    page = "/admin/requests"

    requests: tuple[NewRequest, ...]
    more: int


@dataclass(frozen=True)
class AccountMessage(Message):
    """About a person's own account: it is always sent, and leads to an address of its own."""

    link = "{address}"

    email: str
    address: str
    """Blank where the portal's own is not known; the outbox forgets it once it is sent."""


@dataclass(frozen=True)
class PasswordReset(AccountMessage):
    minutes: int


@dataclass(frozen=True)
class ConfirmAddress(AccountMessage):
    """For whoever registered: opening the link shows that the address is theirs."""

    days: int


class AccountDeactivated(AccountMessage):
    """Somebody registered with the address of an account that is deactivated."""


class AccountExists(AccountMessage):
    """Somebody registered with the address of an account; its owner only learns of it."""


@dataclass(frozen=True)
class Welcome(AccountMessage):
    """For people whose account was opened by a roster, without a password."""

    days: int


@dataclass(frozen=True)
class AddressVouchedFor(AccountMessage):
    """For whoever registered, once an admin has confirmed the address."""

    days: int


@dataclass(frozen=True)
class SecondFactorAdded(AccountMessage):
    factor: str


@dataclass(frozen=True)
class SecondFactorRemoved(AccountMessage):
    factor: str
    by_school: bool
    """Whether an admin removed it for a person who had lost it."""


class RecoveryCodesMade(AccountMessage):
    """Somebody who is signed in has made new recovery codes: earlier ones no longer work."""


@dataclass(frozen=True)
class RecoveryCodeUsed(AccountMessage):
    left: int


@dataclass(frozen=True)
class ConfirmNewAddress(AccountMessage):
    """For the address that somebody who is signed in has chosen."""

    hours: int


class AddressInUse(AccountMessage):
    """Somebody has chosen the address of another account; its owner only learns of it."""


@dataclass(frozen=True)
class AddressReplaced(AccountMessage):
    """For the old address, whose owner may not have wanted that."""

    days: int


class AddressRestored(AccountMessage):
    """For the address that the owner of the one before it did not want."""


class AddressTaken(AccountMessage):
    """For the old address, where an admin gave the account another."""


class AddressGiven(AccountMessage):
    """For the address that an admin gave to an account."""


class AccountErased(AccountMessage):
    """The last e-mail to a person, who has asked to be forgotten; the outbox forgets it at once."""


@dataclass(frozen=True)
class ErasureRefused(AccountMessage):
    reason: str = field(kw_only=True)
