"""Which hashes of other programs are kept, and what they verify."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms import hashes
from tests.old_hashes import LONG, OF_LONG, PASSWORD, WRITTEN

EVERY = pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN.keys())
ARGON2 = WRITTEN["npm argon2"]
BCRYPT = WRITTEN["bcryptjs"]


@EVERY
def test_what_another_program_wrote_verifies_its_password_and_no_other(written: str) -> None:
    stored = hashes.kept(written)
    assert hashes.verify(stored, PASSWORD.encode())
    for wrong in (PASSWORD.upper(), PASSWORD + ".", ""):
        assert not hashes.verify(stored, wrong.encode())


@EVERY
def test_a_kept_hash_is_kept_as_it_is(written: str) -> None:
    stored = hashes.kept(written)
    assert hashes.kept(stored) == stored != ""


def test_bcrypt_reads_72_bytes_of_a_password_as_where_it_comes_from() -> None:
    assert hashes.verify(OF_LONG, LONG.encode())
    assert hashes.verify(OF_LONG, LONG[:72].encode())
    assert not hashes.verify(OF_LONG, LONG[:71].encode())


def test_wordpress_trims_what_is_typed_and_so_do_its_older_hashes() -> None:
    typed = f"  {PASSWORD}\n".encode()
    assert hashes.verify(WRITTEN["wordpress 6.8"], typed)
    assert hashes.verify(WRITTEN["phpass"], typed)
    assert not hashes.verify(WRITTEN["php"], typed)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "!unusable",
        "plain text",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "sha1$abc$0123",
        "$2b$12$bcrypt",
        BCRYPT[:-1],
        BCRYPT.replace("$04$", "$03$"),
        ARGON2.replace("t=1", "t=one"),
        ARGON2.replace("t=1", "t=1,t=2"),
        ARGON2 + "x" * 255,
        WRITTEN["django scrypt"].replace("scrypt$1024$", "scrypt$1000$"),
    ],
)
def test_what_nobody_could_verify_is_not_kept(written: str) -> None:
    assert hashes.kept(written) == ""


@pytest.mark.parametrize(
    "written",
    [
        ARGON2.replace("m=64", "m=99999999"),
        ARGON2.replace("t=1", "t=101"),
        BCRYPT.replace("$04$", "$16$"),
        WRITTEN["django pbkdf2"].replace("$1000$", "$5000001$"),
        WRITTEN["django scrypt"].replace("$1024$", "$1048576$").replace("$8$5$", "$8$16$"),
        WRITTEN["werkzeug scrypt"].replace(":1024:", ":67108864:"),
        WRITTEN["moodle"].replace("=10000", "=1000001"),
        WRITTEN["phpass"].replace("$P$5", "$P$J"),
    ],
)
def test_a_hash_that_would_hold_up_the_portal_is_not_kept(written: str) -> None:
    assert hashes.kept(written) == ""


@given(
    st.sampled_from([*map(hashes.kept, WRITTEN.values()), "", "$", "no hash"]),
    st.binary(max_size=100),
)
def test_no_password_raises(stored: str, password: bytes) -> None:
    assert not hashes.verify(stored, password)
