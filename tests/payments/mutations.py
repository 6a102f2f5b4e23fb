"""`python -m tests.payments.mutations`: each deliberate fault in payments must fail a test.

Works on a copy of the sources; a fault that no test notices makes it exit with 1.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_COPIED = ("lms", "tests", "templates", "static", "app.py", "pyproject.toml")
PROJECTION, INBOX, WEBHOOK, CHECKOUT, REFUNDS, RECONCILE = (
    f"tests/payments/test_{name}.py"
    for name in ("projection", "inbox", "webhook", "checkout", "refunds", "reconcile")
)
PAGES = "tests/web/test_payments.py"


@dataclass(frozen=True)
class Fault:
    """One deliberate fault: in `file`, `old` becomes `new`, and a test of `tests` must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: str


FAULTS = (
    Fault(
        "an event is applied again and again",
        "lms/payments/inbox.py",
        'where=StripeEvent.status == "failed",',
        "where=StripeEvent.id > 0,",
        INBOX,
    ),
    Fault(
        "a failed event counts as dealt with",
        "lms/payments/inbox.py",
        'where=StripeEvent.status == "failed",',
        'where=StripeEvent.status == "nothing",',
        INBOX,
    ),
    Fault(
        "a failure leaves no row",
        "lms/payments/inbox.py",
        "        return _receive(event, livemode)\n"
        "    except Exception as error:\n"
        "        _remember_failure(event, _one_line(error))\n",
        "        return _receive(event, livemode)\n    except Exception:\n",
        INBOX,
    ),
    Fault(
        "a failure is answered as done",
        "lms/payments/inbox.py",
        "        return _receive(event, livemode)\n"
        "    except Exception as error:\n"
        "        _remember_failure(event, _one_line(error))\n"
        "        raise\n",
        "        return _receive(event, livemode)\n"
        "    except Exception as error:\n"
        "        _remember_failure(event, _one_line(error))\n"
        '        return "done"\n',
        INBOX,
    ),
    Fault(
        "the other livemode is believed",
        "lms/payments/inbox.py",
        "    if is_foreign or not event.is_handled:",
        "    if not event.is_handled:",
        INBOX,
    ),
    Fault(
        "the amount is not compared",
        "lms/payments/projection.py",
        "    if difference := _difference(payment, session):",
        '    if difference := "":',
        PROJECTION,
    ),
    Fault(
        "a partial refund takes everything",
        "lms/payments/projection.py",
        "    if refunded and refunded >= taken:",
        "    if refunded:",
        PROJECTION,
    ),
    Fault(
        "a refund under way counts as made",
        "lms/payments/projection.py",
        'if refund.status == "succeeded")',
        'if refund.status != "failed")',
        PROJECTION,
    ),
    Fault(
        "a dispute suspends nothing",
        "lms/payments/projection.py",
        '        return "disputed", (',
        '        return "paid", (',
        PROJECTION,
    ),
    Fault(
        "an inquiry suspends",
        "lms/payments/projection.py",
        "    if statuses - _INQUIRY - _HARMLESS:",
        "    if statuses - _HARMLESS:",
        PROJECTION,
    ),
    Fault(
        "an access that an admin has ended comes back",
        "lms/payments/projection.py",
        "    if payment.access_ended_at is not None:",
        "    if payment.access_ended_at is payment:",
        PROJECTION,
    ),
    Fault(
        "of sessions, the last telling wins",
        "lms/payments/facts.py",
        "    further = max(one, other, key=_session_rank)",
        "    further = other",
        PROJECTION,
    ),
    Fault(
        "of refunds, the last telling wins",
        "lms/payments/facts.py",
        "    return max(one, other, key=_refund_rank)",
        "    return other",
        PROJECTION,
    ),
    Fault(
        "of disputes, the last telling wins",
        "lms/payments/facts.py",
        "    return max(one, other, key=_dispute_rank)",
        "    return other",
        PROJECTION,
    ),
    Fault(
        "an unpaid checkout enrolls",
        "lms/payments/facts.py",
        '    if data.get("payment_status") in {"paid", "no_payment_required"}:',
        '    if data.get("status") == "complete":',
        PROJECTION,
    ),
    Fault(
        "a refund takes what other sources give",
        "lms/enrollment/access.py",
        "    if left:\n        return False\n",
        "",
        INBOX,
    ),
    Fault(
        "a full course fails the webhook",
        "lms/payments/settle.py",
        "        except CourseFull:",
        "        except UserNotFound:",
        INBOX,
    ),
    Fault(
        "refunds that come first are forgotten",
        "lms/payments/store.py",
        "        .where(StripeRefund.payment_intent == intent)",
        "        .where(StripeRefund.created_at > payment.created_at)",
        INBOX,
    ),
    Fault(
        "the inbox keeps whole objects",
        "lms/payments/events.py",
        "_without_secrets(subject) if kind in HANDLED else {}",
        "dict(subject)",
        INBOX,
    ),
    Fault(
        "an old signature is good for ever",
        "lms/payments/webhook.py",
        "TOLERANCE_SECONDS = 300",
        "TOLERANCE_SECONDS = 0",
        WEBHOOK,
    ),
    Fault(
        "a wrong signature is good",
        "lms/payments/webhook.py",
        "        return False\n",
        "        return True\n",
        WEBHOOK,
    ),
    Fault(
        "only one secret is known during a rotation",
        "lms/payments/webhook.py",
        "for secret in known)",
        "for secret in known[:1])",
        WEBHOOK,
    ),
    Fault(
        "each press opens a checkout of its own",
        "lms/payments/gateway.py",
        'f"checkout-{offer.reference}"',
        'f"checkout-{now()}"',
        CHECKOUT,
    ),
    Fault(
        "a changed price is not noticed",
        "lms/payments/checkout.py",
        "(payment.amount_cents, payment.currency) != (course.price_cents, course.currency)",
        "payment.amount_cents < 0",
        CHECKOUT,
    ),
    Fault(
        "who is enrolled is charged",
        "lms/payments/checkout.py",
        "    if enrolled is not None:",
        "    if enrolled == -1:",
        CHECKOUT,
    ),
    Fault(
        "a yen is a hundredth",
        "lms/money.py",
        '"jpy",',
        '"jpx",',
        CHECKOUT,
    ),
    Fault(
        "a refund changes the state before Stripe says so",
        "lms/payments/refunds.py",
        'observe(replace(fact, status="pending"))',
        "observe(replace(fact))",
        REFUNDS,
    ),
    Fault(
        "more is refunded than was paid",
        "lms/payments/refunds.py",
        "    if not 1 <= amount <= left:",
        "    if amount < 1:",
        REFUNDS,
    ),
    Fault(
        "a refund is never tried again",
        "lms/payments/refunds.py",
        "-{len(known)}-{under_way}-",
        "-{under_way}-",
        REFUNDS,
    ),
    Fault(
        "reconciliation goes on past a failure",
        "lms/payments/reconcile.py",
        "    if report.is_complete:\n        values",
        "    if report.until:\n        values",
        RECONCILE,
    ),
    Fault(
        "anybody sees a payment",
        "lms/queries/payments.py",
        ".where(condition, Payment.user_id == student_id)",
        ".where(condition)",
        PAGES,
    ),
)


def main() -> int:
    """Try every fault, or those whose name contains an argument; return the exit status."""
    wanted = [fault for fault in FAULTS if all(word in fault.name for word in sys.argv[1:])]
    unnoticed = []
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        for name in _COPIED:
            _copy(ROOT / name, Path(folder) / name)
        for fault in wanted:
            noticed = _is_noticed(fault, Path(folder))
            print(f"{'noticed  ' if noticed else 'UNNOTICED'} {fault.name}", flush=True)  # noqa: T201
            if not noticed:
                unnoticed.append(fault)
    print(f"{len(wanted) - len(unnoticed)} of {len(wanted)} faults were noticed")  # noqa: T201
    return 1 if unnoticed else 0


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


def _is_noticed(fault: Fault, folder: Path) -> bool:
    path = folder / fault.file
    right = path.read_text()
    path.write_text(right.replace(fault.old, fault.new))
    try:
        run = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-x", "-q", "-k", "not postgresql"),
                *("-p", "no:cacheprovider", fault.tests),
            ],
            cwd=folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    finally:
        path.write_text(right)
    if run.returncode not in {0, 1}:  # no test was run at all: that is no proof
        raise RuntimeError(run.stdout + run.stderr)
    return run.returncode == 1


if __name__ == "__main__":
    sys.exit(main())
