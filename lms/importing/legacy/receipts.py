"""How one payment of an old school is read: its amounts, status, method and reference."""

from typing import Any

from lms.importing.legacy.names import COURSE, USER
from lms.importing.legacy.prices import in_minor_units
from lms.importing.legacy.questions import MONEY, about
from lms.importing.legacy.row import NO_CURRENCY, OldRow
from lms.importing.legacy.staging import marks
from lms.importing.legacy.values import Row, line, word
from lms.importing.legacy.words import METHODS
from lms.importing.legacy.words import PAYMENTS as STATUSES
from lms.ledger.price_parts import add_up
from lms.models.payment_status import GIVING_ACCESS
from lms.models.payments import LONGEST_REFERENCE, STRIPE
from lms.money import DEFAULT_CURRENCY

STRIPE_IDS = ("stripe_session_id", "stripe_payment_intent_id")
_AMOUNTS = ("amount", "total", "price", "amountpaid", "paidamount", "totalamount", "amounttotal")
_REFUNDS = ("refunded", "refundedamount", "refundamount", "amountrefunded", "refund")
_PARTS = {
    "subtotal": ("subtotal", "subtotalamount", "amountsubtotal", "net", "netamount"),
    "discount": ("discount", "discountamount", "amountdiscount", "discounttotal"),
    "tax": ("tax", "taxamount", "amounttax", "vat", "vatamount", "taxtotal"),
}
COLUMNS = (
    *("id", "user_id", "course_id", "amount_cents", "amount", "currency", "status"),
    *("refunded_cents", "refunded", "refunded_at", *STRIPE_IDS, "reference", "method"),
    *(f"{part}{unit}" for part in _PARTS for unit in ("_cents", "")),
    *("invoice_number", "created_at", "paid_at", "deleted_at"),
)
MONEY_COLUMNS = {"amount": "amount_cents", "refunded": "refunded_cents"} | {
    part: f"{part}_cents" for part in _PARTS
}
ALIASES = {
    "user_id": USER,
    "course_id": COURSE,
    "amount_cents": in_minor_units(_AMOUNTS),
    "amount": _AMOUNTS[1:],
    "refunded_cents": in_minor_units(_REFUNDS),
    "refunded": _REFUNDS[1:],
    **{f"{part}_cents": in_minor_units(names) for part, names in _PARTS.items()},
    **{part: names[1:] for part, names in _PARTS.items()},
    "currency": ("currencycode",),
    "status": ("state", "paymentstatus"),
    "refunded_at": ("refundedon", "refunddate", "isrefunded"),
    "stripe_session_id": (
        *("sessionid", "checkoutsessionid", "stripecheckoutsessionid", "stripecheckoutid"),
        "stripesession",
    ),
    "stripe_payment_intent_id": (
        *("paymentintentid", "paymentintent", "stripepaymentintent", "stripeintentid"),
        "stripepaymentid",
    ),
    "reference": (
        *("transactionid", "externalid", "externalreference", "paymentid", "providerid"),
        *("providerpaymentid", "chargeid", "stripechargeid", "receiptnumber", "ordernumber"),
        *("orderid", "transactionreference", "paymentreference", "stripeid"),
    ),
    "method": ("paymentmethod", "provider", "gateway", "paymentprovider", "paymenttype"),
    "invoice_number": ("invoiceno", "invoice", "invoiceid"),
    "created_at": ("createdon", "purchasedat", "orderedat", "date"),
    "paid_at": ("paidon", "completedat", "paymentdate", "capturedat", "succeededat"),
    "deleted_at": marks("deleted removed"),
}
DECIDE = (
    "Check in Stripe or with your bank what was paid. Enroll the student or refund the payment if"
    " needed, then mark it as reviewed."
)
"""What to do about a payment of which the old school says too little."""
OPEN = about(
    MONEY,
    "its amount may be decimal or in minor units, so it is imported once you say which",
)


def read(row: OldRow) -> Row:
    """Return a payment as it is staged; none is left out, and an unclear one needs review."""
    status, attention = _status(row)
    currency = row.currency()
    of_currency = currency or DEFAULT_CURRENCY
    found = row.amount("amount_cents", "amount", of_currency)
    refund = row.amount("refunded_cents", "refunded", of_currency)
    if found.is_open or refund.is_open:
        row.refusal = OPEN
    amount = found.cents
    if amount is None or amount < 0:
        row.repaired("the amount is unreadable: the payment needs review", MONEY)
        shown = row.shown("amount_cents") or row.shown("amount")
        why = f"is unreadable: '{shown}'" if shown else "is missing"
        attention = f"The amount in the earlier system {why}. {attention}"
        amount, status = 0, "needs_review"
    if currency is None:
        row.repaired("the currency is unknown: the payment needs review", MONEY)
        shown = word(row.get("currency"))[:20]
        attention = f"The currency is unreadable: '{shown}'. {attention}"
        status = "needs_review"
    if amount and not row.is_given("currency"):
        row.repaired(NO_CURRENCY, MONEY)
    refunded = refund.cents if refund.is_given else 0
    status, refunded, attention = _refund(row, status, amount, refunded, attention)
    ids = _ids(row)
    paid_at, created_at = row.paid("paid_at"), row.paid("created_at")
    return row.staged(
        natural=row.digest(),
        user_key=row.key("user_id"),
        course_key=row.key("course_id"),
        amount_cents=amount,
        currency=of_currency,
        status=status,
        refunded_cents=refunded,
        **_parts(row, amount, of_currency),
        **ids,
        method=_method(row, has_stripe=any(ids[name] for name in STRIPE_IDS)),
        invoice_number=row.line("invoice_number", 255) or None,
        created_at=created_at or paid_at,
        paid_at=paid_at,
        attention=f"{attention.strip()} {DECIDE}" if attention else "",
    )


def _status(row: OldRow) -> tuple[str, str]:
    """Return the status here, and what an admin has to know about the one there."""
    missing = "paid" if row.is_set("paid_at") else "needs_review"
    status = row.word("status", STATUSES, otherwise="needs_review", missing=missing, asks=False)
    if row.is_set("deleted_at"):
        row.repaired("the payment was deleted in the earlier system: it needs review", MONEY)
        return "needs_review", f"It was deleted in the earlier system, where it was '{status}'."
    if status == "needs_review":
        if row.has("status"):
            row.repaired("its status is unclear: the payment needs review", MONEY)
        return status, f"The status in the earlier system was '{row.shown('status')}'."
    return status, ""


def _refund(
    row: OldRow, status: str, amount: int, refunded: int | None, attention: str
) -> tuple[str, int, str]:
    """Make status and refund agree; an unfinished checkout has expired."""
    if refunded is None or not 0 <= refunded <= amount:
        row.repaired(
            "the refund is unreadable or exceeds the amount: the payment needs review", MONEY
        )
        shown = row.shown("refunded_cents") or row.shown("refunded")
        return "needs_review", 0, f"The refund is unreadable or too large: '{shown}'. {attention}"
    if row.is_set("refunded_at") and not refunded and status in GIVING_ACCESS:
        status = "refunded"
    if status in GIVING_ACCESS:
        fitting = "refunded" if refunded == amount > 0 else "partially_refunded"
        fitting = fitting if refunded else "paid"
        if fitting != status:
            row.repaired("the status contradicts the refund: the refund counts", MONEY)
        return fitting, refunded, attention
    return _without_access(row, status, amount, refunded, attention)


def _without_access(
    row: OldRow, status: str, amount: int, refunded: int, attention: str
) -> tuple[str, int, str]:
    match status:
        case "refunded" if refunded < amount:
            if refunded:
                row.repaired("marked refunded, but not in full: treated as fully refunded", MONEY)
            refunded = amount
        case "pending":
            row.repaired("an unfinished checkout in the earlier system: treated as expired")
            status, refunded = "expired", 0
        case "processing":
            row.repaired("the payment was processing: it needs review", MONEY)
            status, refunded = "needs_review", 0
            attention = attention or "The payment was processing when the school was imported."
        case "needs_review" | "undeliverable":
            attention = attention or "This payment already needed review in the earlier system."
    return status, refunded, attention


def _parts(row: OldRow, amount: int, currency: str) -> dict[str, int | None]:
    """Return subtotal, discount and tax where they explain the amount; else none of them."""
    found = {part: row.amount(f"{part}_cents", part, currency) for part in _PARTS}
    cents = {part: each.cents or 0 for part, each in found.items()}
    if not found["subtotal"].is_given:
        cents["subtotal"] = amount + cents["discount"]
        if cents["tax"] and cents["subtotal"] > cents["tax"]:
            cents["subtotal"] -= cents["tax"]
    is_whole = all(each.cents is not None or not each.is_given for each in found.values())
    explains = bool(add_up(cents["subtotal"], cents["discount"], cents["tax"], amount))
    none: dict[str, int | None] = {"subtotal_cents": None, "discount_cents": 0, "tax_cents": 0}
    if not any(each.is_given for each in found.values()):
        return none
    if not is_whole or min(cents.values()) < 0 or not explains:
        row.repaired("subtotal, discount and tax don't explain the amount: left out", MONEY)
        return none
    return {f"{part}_cents": number for part, number in cents.items()}


def _ids(row: OldRow) -> dict[str, Any]:
    """Return Stripe's ids and the reference, each where it belongs by what it looks like."""
    found: dict[str, Any] = dict.fromkeys((*STRIPE_IDS, "reference"))
    for column in (*STRIPE_IDS, "reference"):
        written = line(row.get(column))
        place = {"cs_": STRIPE_IDS[0], "pi_": STRIPE_IDS[1]}.get(written[:3], column)
        if written[:3] in {"ch_", "py_"}:
            place = "reference"
        longest = LONGEST_REFERENCE if place == "reference" else 255
        if len(written) > longest:
            what = "a reference" if place == "reference" else "a Stripe id"
            row.repaired(f"{what} that is too long: removed", MONEY)
        elif written:
            found[place] = found[place] or written
    return found


def _method(row: OldRow, *, has_stripe: bool) -> str:
    """Return how it was paid; only Stripe is ever asked about a payment again."""
    if has_stripe or not row.is_given("method"):
        return STRIPE
    return row.word("method", METHODS, otherwise="other", missing=STRIPE, asks=False)
