"""Signatures are good on machines whose clocks are apart, and no longer than they should be."""

import time
from typing import Any

import pytest
from itsdangerous import BadSignature, SignatureExpired, TimestampSigner

from lms.signatures import Signatures

_HOUR = 3600


class _Elsewhere(TimestampSigner):
    """Signs on a machine whose clock is so many seconds ahead."""

    ahead = 0

    def get_timestamp(self) -> int:
        return int(time.time()) + self.ahead


def _signed(ahead: int) -> Any:
    signer = type("_There", (_Elsewhere,), {"ahead": ahead})
    return Signatures("a key", salt="link", signer=signer).dumps("kept")


@pytest.mark.parametrize("ahead", [-_HOUR + 60, -1, 0, 1, 240])
def test_what_another_machine_signed_is_good_whichever_clock_is_ahead(ahead: int) -> None:
    assert Signatures("a key", salt="link").loads(_signed(ahead), max_age=_HOUR) == "kept"


@pytest.mark.parametrize("ahead", [-_HOUR - 60, 360, _HOUR + 60])
def test_what_is_too_far_from_now_is_not(ahead: int) -> None:
    with pytest.raises(SignatureExpired):
        Signatures("a key", salt="link").loads(_signed(ahead), max_age=_HOUR)


def test_what_others_signed_is_not() -> None:
    with pytest.raises(BadSignature):
        Signatures("another key", salt="link").loads(_signed(0), max_age=_HOUR)
    with pytest.raises(BadSignature):
        Signatures("a key", salt="another purpose").loads(_signed(0), max_age=_HOUR)
