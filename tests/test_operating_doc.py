"""What docs/operating.md lists is what the code has."""

import re
from pathlib import Path

from lms.payments.events import HANDLED

DOCUMENT = Path(__file__).parents[1] / "docs" / "operating.md"


def test_the_events_to_subscribe_to_are_those_that_are_handled() -> None:
    section = DOCUMENT.read_text().partition("## Stripe's endpoint")[2].partition("\n## ")[0]
    [listed] = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    assert tuple(listed.split()) == HANDLED
