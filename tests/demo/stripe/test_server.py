import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from lms.demo.stripe import Refused, StripeStandIn
from lms.demo.stripe.store import Store
from tests.demo.stripe.conftest import sdk
from tests.demo.stripe.portal import Portal
from tests.demo.stripe.purchase import checkout, intent_of
from tests.patience import PATIENCE, comes


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "sk_live_51abc"},
        {"key": "rk_live_51abc"},
        {"key": "pk_test_51abc"},
        {"host": "0.0.0.0"},  # noqa: S104 - to be refused
        {"host": "192.0.2.1"},
        {"host": "example.org"},
        {"portal_url": "https://portal.example.org"},
        {"portal_url": "http://127.0.0.1.example.org"},
    ],
)
def test_nothing_but_a_demo_on_this_machine_starts(tmp_path: Path, changes: Any) -> None:
    with pytest.raises(Refused):
        StripeStandIn(tmp_path, **changes)
    assert list(tmp_path.iterdir()) == []


def test_production_has_no_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_ENV", "production")
    with pytest.raises(Refused, match="production"):
        StripeStandIn(tmp_path)


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    with StripeStandIn(tmp_path) as first:
        client = sdk(first.url)
        session = checkout(client, key="one")
        intent = intent_of(first.pay(session.id))
        client.v1.refunds.create({"payment_intent": intent, "amount": 900})
        port, events = first.port, first.events()
    with Portal() as portal:
        again = StripeStandIn(
            tmp_path, port=port, portal_url=portal.url, webhook_secret=portal.secret
        )
        with again as second:
            assert checkout(client, key="one").id == session.id
            assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
            assert client.v1.refunds.list({"payment_intent": intent}).data[0].amount == 900
            second.wait_until_delivered()
            assert [event["id"] for event in portal.heard] == [event["id"] for event in events]


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/operator", timeout=PATIENCE).ok
    except requests.ConnectionError:
        return False


@contextmanager
def process(folder: Path, port: int, portal: Portal) -> Iterator[subprocess.Popen[bytes]]:
    arguments = ["--port", str(port), "--portal-url", portal.url, "--data-dir", str(folder)]
    running = subprocess.Popen(
        [sys.executable, "-m", "lms.demo.stripe", *arguments],
        env=os.environ | {"STRIPE_WEBHOOK_SECRET": portal.secret},
        stdout=subprocess.DEVNULL,
    )
    try:
        assert comes(lambda: running.poll() is not None or _answers(port))
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        running.wait()


def test_a_killed_process_loses_nothing_and_tells_it_after_all(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = sdk(f"http://127.0.0.1:{port}")
    with Portal() as portal:
        portal.status = 500
        with process(tmp_path, port, portal) as running:
            session = checkout(client, key="one")
            requests.post(
                str(session.url), data={"action": "pay"}, allow_redirects=False, timeout=PATIENCE
            )
            running.send_signal(signal.SIGKILL)
            running.wait()
        portal.status = 200
        with process(tmp_path, port, portal) as running:
            found = client.v1.checkout.sessions.retrieve(session.id)
            assert (found.payment_status, checkout(client, key="one").id) == ("paid", session.id)
            assert comes(lambda: len(portal.heard) == 4)
            assert portal.types[-1] == "checkout.session.completed"
            running.terminate()
            assert running.wait(PATIENCE) == 0


def test_the_command_says_in_one_line_why_it_does_not_start(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lms.demo.stripe", "--data-dir", str(tmp_path)],
        env=os.environ | {"STRIPE_SECRET_KEY": "sk_live_51abc"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Demo payments: the stand-in for Stripe")
    assert done.stderr.count("\n") == 1
    assert "51abc" not in done.stderr


def test_what_is_due_happens_by_itself(tmp_path: Path) -> None:
    with StripeStandIn(tmp_path) as stand_in:
        client = sdk(stand_in.url)
        session = checkout(client)
        store = Store(tmp_path)
        with store.changing() as ledger:
            ledger.schedule(session.id, at=time.time(), outcome="expire")
        store.close()
        assert comes(lambda: stand_in.events("checkout.session.expired"))
        assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"
