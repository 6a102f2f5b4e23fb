"""A certificate, as shown to anyone who has its code."""

from datetime import datetime

from sqlalchemy import select

from lms.models import Certificate
from lms.queries.read_model import columns, read, read_model
from lms.refusals import CertificateNotFound

_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})


@read_model
class PublicCertificate:
    """Who completed what and when, and whether it is still valid."""

    code: str
    student_name: str
    course_title: str
    completed_at: datetime
    revoked_at: datetime | None


def certificate(code: str) -> PublicCertificate:
    """Return the certificate of a code, however it was typed."""
    found = read(
        PublicCertificate,
        select(*columns(PublicCertificate, Certificate)).where(
            Certificate.code == normalized(code)
        ),
    )
    if not found:
        raise CertificateNotFound
    return found[0]


def normalized(code: str) -> str:
    """Return a code as it is stored: letters that look alike, case, blanks and dashes aside."""
    letters = [letter for letter in code.upper().translate(_MISREAD) if letter.isalnum()]
    text = "".join(letter for letter in letters if letter.isascii())
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))
