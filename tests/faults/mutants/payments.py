"""Faults in payments."""

from tests.faults.mutants.mutant import Mutant

PROJECTION, INBOX, WEBHOOK, CHECKOUT, REFUNDS, RECONCILE = (
    f"tests/payments/test_{name}.py"
    for name in ("projection", "inbox", "webhook", "checkout", "refunds", "reconcile")
)
PAGES = "tests/web/test_payments.py"

MUTANTS = (
    Mutant(
        "an event is applied again and again",
        "lms/payments/inbox.py",
        'where=StripeEvent.status == "failed",',
        "where=StripeEvent.id > 0,",
        (INBOX,),
    ),
    Mutant(
        "a failed event counts as dealt with",
        "lms/payments/inbox.py",
        'where=StripeEvent.status == "failed",',
        'where=StripeEvent.status == "nothing",',
        (INBOX,),
    ),
    Mutant(
        "a failure leaves no row",
        "lms/payments/inbox.py",
        "        return _receive(event, livemode)\n"
        "    except Exception as error:\n"
        "        _remember_failure(event, one_line(error))\n",
        "        return _receive(event, livemode)\n    except Exception:\n",
        (INBOX,),
    ),
    Mutant(
        "a failure is answered as done",
        "lms/payments/inbox.py",
        "        return _receive(event, livemode)\n"
        "    except Exception as error:\n"
        "        _remember_failure(event, one_line(error))\n"
        "        raise\n",
        "        return _receive(event, livemode)\n"
        "    except Exception as error:\n"
        "        _remember_failure(event, one_line(error))\n"
        '        return "done"\n',
        (INBOX,),
    ),
    Mutant(
        "the other livemode is believed",
        "lms/payments/inbox.py",
        "    if is_foreign or not event.is_handled:",
        "    if not event.is_handled:",
        (INBOX,),
    ),
    Mutant(
        "the amount is not compared",
        "lms/ledger/projection.py",
        "    if difference := _difference(payment, session):",
        '    if difference := "":',
        (PROJECTION,),
    ),
    Mutant(
        "a partial refund takes everything",
        "lms/ledger/projection.py",
        "    if refunded and refunded >= taken:",
        "    if refunded:",
        (PROJECTION,),
    ),
    Mutant(
        "a refund under way counts as made",
        "lms/ledger/projection.py",
        'if refund.status == "succeeded")',
        'if refund.status != "failed")',
        (PROJECTION,),
    ),
    Mutant(
        "a dispute suspends nothing",
        "lms/ledger/projection.py",
        '        return "disputed", (',
        '        return "paid", (',
        (PROJECTION,),
    ),
    Mutant(
        "an inquiry suspends",
        "lms/ledger/projection.py",
        "    if statuses - _INQUIRY - _HARMLESS:",
        "    if statuses - _HARMLESS:",
        (PROJECTION,),
    ),
    Mutant(
        "an access that an admin has ended comes back",
        "lms/ledger/projection.py",
        "    if payment.access_ended_at is not None:",
        "    if payment.access_ended_at is payment:",
        (PROJECTION,),
    ),
    Mutant(
        "of sessions, the last telling wins",
        "lms/ledger/facts.py",
        "    further = max(one, other, key=_session_rank)",
        "    further = other",
        (PROJECTION,),
    ),
    Mutant(
        "of refunds, the last telling wins",
        "lms/ledger/facts.py",
        "        max(one, other, key=_refund_rank),",
        "        other,",
        (PROJECTION,),
    ),
    Mutant(
        "of disputes, the last telling wins",
        "lms/ledger/facts.py",
        "        max(one, other, key=_dispute_rank),",
        "        other,",
        (PROJECTION,),
    ),
    Mutant(
        "what a later telling leaves out is forgotten",
        "lms/ledger/facts.py",
        "        amount=max(one.amount, other.amount),\n"
        "        currency=max(one.currency, other.currency),\n"
        "        created_at=",
        "        created_at=",
        (PROJECTION,),
    ),
    Mutant(
        "what an event leaves out is not asked for",
        "lms/payments/inbox.py",
        "event = replace(event, fact=gateway.without_retries.completed(event.fact))",
        "event = replace(event)",
        (INBOX,),
    ),
    Mutant(
        "an unpaid checkout enrolls",
        "lms/payments/objects.py",
        '    if data.get("payment_status") in {"paid", "no_payment_required"}:',
        '    if data.get("status") == "complete":',
        (PROJECTION,),
    ),
    Mutant(
        "a refund takes what other sources give",
        "lms/enrollment/access.py",
        "    if left:\n        return False\n",
        "",
        (INBOX,),
    ),
    Mutant(
        "a full course fails the webhook",
        "lms/payments/settle.py",
        "        except CourseFull:",
        "        except UserNotFound:",
        (INBOX,),
    ),
    Mutant(
        "refunds that come first are forgotten",
        "lms/ledger/fact_rows.py",
        "        .where(StripeRefund.payment_intent == intent)",
        "        .where(StripeRefund.created_at > payment.created_at)",
        (INBOX,),
    ),
    Mutant(
        "the inbox keeps whole objects",
        "lms/payments/events.py",
        '"object": _without_secrets(subject)',
        '"object": dict(subject)',
        (INBOX,),
    ),
    Mutant(
        "an old signature is good for ever",
        "lms/payments/webhook.py",
        "TOLERANCE_SECONDS = 300",
        "TOLERANCE_SECONDS = 0",
        (WEBHOOK,),
    ),
    Mutant(
        "a wrong signature is good",
        "lms/payments/webhook.py",
        "        return False\n",
        "        return True\n",
        (WEBHOOK,),
    ),
    Mutant(
        "only one secret is known during a rotation",
        "lms/payments/webhook.py",
        "for secret in known)",
        "for secret in known[:1])",
        (WEBHOOK,),
    ),
    Mutant(
        "each press opens a checkout of its own",
        "lms/payments/gateway.py",
        'f"checkout-{offer.reference}"',
        'f"checkout-{now()}"',
        (CHECKOUT,),
    ),
    Mutant(
        "a changed price is not noticed",
        "lms/payments/checkout.py",
        "(payment.amount_cents, payment.currency) != (course.price_cents, course.currency)",
        "payment.amount_cents < 0",
        (CHECKOUT,),
    ),
    Mutant(
        "a checkout is believed to be open for ever",
        "lms/payments/checkout.py",
        '    return fact.state == "open"\n',
        "    return True\n",
        (CHECKOUT,),
    ),
    Mutant(
        "a checkout stays open for what is owned already",
        "lms/payments/checkout.py",
        "            _close(gateway, attempt)\n        raise attempt.refusal",
        "            pass\n        raise attempt.refusal",
        (CHECKOUT,),
    ),
    Mutant(
        "who is enrolled is charged",
        "lms/payments/checkout.py",
        "    if enrolled is not None:",
        "    if enrolled == -1:",
        (CHECKOUT,),
    ),
    Mutant(
        "a yen is a hundredth",
        "lms/money.py",
        '"jpy",',
        '"jpx",',
        (CHECKOUT,),
    ),
    Mutant(
        "a refund changes the state before Stripe says so",
        "lms/payments/refunds.py",
        'observe(replace(fact, status="pending"))',
        "observe(replace(fact))",
        (REFUNDS,),
    ),
    Mutant(
        "more is refunded than was paid",
        "lms/payments/refunds.py",
        "    if not 1 <= amount <= left:",
        "    if amount < 1:",
        (REFUNDS,),
    ),
    Mutant(
        "a refund is never tried again",
        "lms/payments/refunds.py",
        "-{len(known)}-{under_way}-",
        "-{under_way}-",
        (REFUNDS,),
    ),
    Mutant(
        "reconciliation goes on past a failure",
        "lms/payments/reconcile.py",
        "    if report.is_complete:\n        values",
        "    if report.until:\n        values",
        (RECONCILE,),
    ),
    Mutant(
        "anybody sees a payment",
        "lms/queries/payments.py",
        ".where(condition, Payment.user_id == student_id)",
        ".where(condition)",
        (PAGES,),
    ),
)
