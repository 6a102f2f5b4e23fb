import re
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests
import stripe

from lms.demo.stripe import StripeStandIn
from lms.messages.copies import keep_copy
from tests.demo.stripe.purchase import checkout, intent_of, line
from tests.patience import PATIENCE


def press(url: str, action: str, **fields: str) -> requests.Response:
    return requests.post(
        url, data={"action": action, **fields}, allow_redirects=False, timeout=PATIENCE
    )


def test_the_page_says_what_is_bought_and_that_it_is_a_demo(client: stripe.StripeClient) -> None:
    session = checkout(client, line_items=[line(currency="jpy")])
    page = requests.get(str(session.url), timeout=PATIENCE)
    assert page.status_code == 200
    for text in ("DEMO - no real money", "Bookbinding", "¥4,900", "ada@example.org"):
        assert text in page.text
    assert str(session.cancel_url) in page.text


def test_pages_run_no_scripts_and_lead_only_back_to_the_portal(
    stand_in: StripeStandIn, client: stripe.StripeClient
) -> None:
    page = requests.get(str(checkout(client).url), timeout=PATIENCE)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:8000;" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script|style=| on[a-z]+=", page.text)
    operator = requests.get(f"{stand_in.url}/operator", timeout=PATIENCE)
    assert "form-action 'self';" in operator.headers["Content-Security-Policy"]


def test_paying_leads_back_with_the_session_named(
    stand_in: StripeStandIn, client: stripe.StripeClient
) -> None:
    session = checkout(client)
    answer = press(str(session.url), "pay")
    assert answer.status_code == 303
    back = f"http://127.0.0.1:8000/student/payments/return?session={session.id}"
    assert answer.headers["Location"] == back
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
    assert (
        "This checkout is paid"
        in requests.get(f"{stand_in.url}/pay/{session.id}", timeout=PATIENCE).text
    )
    assert press(f"{stand_in.url}/pay/{session.id}", "pay").status_code == 400


@pytest.mark.parametrize("action", ["later", "bounce"])
def test_paying_later_leads_back_too(client: stripe.StripeClient, action: str) -> None:
    session = checkout(client)
    assert press(str(session.url), action).status_code == 303
    found = client.v1.checkout.sessions.retrieve(session.id)
    assert (found.status, found.payment_status) == ("complete", "unpaid")


def test_a_declined_card_is_said_and_another_can_be_tried(client: stripe.StripeClient) -> None:
    session = checkout(client)
    answer = press(str(session.url), "decline")
    assert (answer.status_code, "Your card was declined" in answer.text) == (402, True)
    assert press(str(session.url), "pay").status_code == 303


def test_the_operator_plays_stripe_and_the_bank(
    stand_in: StripeStandIn, client: stripe.StripeClient
) -> None:
    operator = f"{stand_in.url}/operator"
    assert "No checkouts yet" in requests.get(operator, timeout=PATIENCE).text
    intent = intent_of(stand_in.pay(checkout(client).id))
    assert press(operator, "dispute", id=intent).status_code == 303
    (dispute,) = client.v1.disputes.list().data
    assert "dispute needs response" in requests.get(operator, timeout=PATIENCE).text
    assert press(operator, "won", id=dispute.id).status_code == 303
    assert press(operator, "refund", id=intent).status_code == 303
    assert "refunded €49.00" in requests.get(operator, timeout=PATIENCE).text
    assert press(operator, "refund", id=intent).status_code == 400
    later = checkout(client)
    stand_in.pay_later(later.id)
    assert "Money arrives" in requests.get(operator, timeout=PATIENCE).text
    processing = client.v1.checkout.sessions.retrieve(later.id).payment_intent
    assert press(operator, "arrive", id=str(processing)).status_code == 303
    stand_in.wait_until_delivered()
    for action in ("pause", "again"):
        assert press(operator, action).status_code == 303
    page = requests.get(operator, timeout=PATIENCE).text
    assert "Deliveries are paused" in page
    assert "10 not delivered yet" in page


def test_a_receipt_is_there_for_what_was_paid(
    stand_in: StripeStandIn, client: stripe.StripeClient
) -> None:
    stand_in.pay(checkout(client).id)
    (charge,) = client.v1.charges.list().data
    page = requests.get(str(charge.receipt_url), timeout=PATIENCE)
    assert (page.status_code, "€49.00" in page.text) == (200, True)


@pytest.mark.parametrize(
    ("path", "status"), [("/pay/cs_none", 404), ("/receipts/ch_none", 404), ("/nowhere", 404)]
)
def test_what_is_not_there_is_a_page_that_says_so(
    stand_in: StripeStandIn, path: str, status: int
) -> None:
    page = requests.get(stand_in.url + path, timeout=PATIENCE)
    assert (page.status_code, "Request refused" in page.text) == (status, True)


def test_other_sites_cannot_press_buttons_here(
    stand_in: StripeStandIn, client: stripe.StripeClient
) -> None:
    session = checkout(client)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example:80"}):
        answer = requests.post(
            str(session.url), data={"action": "pay"}, headers=headers, timeout=PATIENCE
        )
        assert answer.status_code == 403
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert press(f"{stand_in.url}/pay/{session.id}", "steal").status_code == 422


def test_the_operator_reads_what_the_portal_would_have_sent(tmp_path: Path) -> None:
    with StripeStandIn(tmp_path / "stripe") as stand_in:
        address = f"{stand_in.url}/operator"
        assert "None yet." in requests.get(address, timeout=PATIENCE).text
        for number in (1, 2):
            message = EmailMessage()
            message["To"], message["Subject"] = "ada@example.org", f"<b>Letter {number}</b>"
            message.set_content("Open: http://127.0.0.1:8000/verify/secret\n<script>")
            keep_copy(tmp_path, message)
        page = requests.get(address, timeout=PATIENCE).text
    link = "http://127.0.0.1:8000/verify/secret"
    assert page.count(f'<a href="{link}">{link}</a>') == 2
    assert page.index("&lt;b&gt;Letter 2") < page.index("&lt;b&gt;Letter 1")
    assert "<script" not in page


def test_a_promotion_code_is_entered_and_what_is_wrong_with_one_stands_at_its_field(
    client: stripe.StripeClient,
) -> None:
    url = str(checkout(client, allow_promotion_codes=True).url)
    refused = press(url, "code", code="NOBODY")
    assert (refused.status_code, "This code is invalid." in refused.text) == (422, True)
    assert 'value="NOBODY"' in refused.text
    taken = press(url, "code", code="WELCOME10")
    assert (taken.status_code, "Discount" in taken.text) == (200, True)
    without = str(checkout(client).url)
    assert "Promotion code" not in requests.get(without, timeout=PATIENCE).text
    refused = press(without, "code", code="WELCOME10")
    assert "takes no promotion codes" in refused.text
