"""What is kept about people: the one list that exports, docs/privacy.md and its tests go by."""

from lms import models as m
from lms.db import Base
from lms.models.personal import account, learning, money, record
from lms.models.personal.kept import ME, Kept

__all__ = ["IMPERSONAL", "KEPT", "ME", "Kept"]

KEPT: tuple[Kept, ...] = (*account.KEPT, *learning.KEPT, *money.KEPT, *record.KEPT)

IMPERSONAL: dict[type[Base], str] = {
    m.Course: "courses",
    m.Chapter: "the text of courses",
    m.CourseFile: "the files of courses",
    m.DailyCount: "numbers of a course and a day",
    m.CurrentCount: "numbers of a course",
    m.ClockChange: "when the clocks of a zone change",
    m.BookClock: "when the clocks of a zone change",
    m.ImportSchool: "addresses of earlier systems",
    m.PastEmail: "numbers of events that had an e-mail",
    m.SchoolSettings: "what the school says about itself",
    m.SpentChallenge: "digests, for minutes: nobody can tell whose",
    m.StripeCursor: "how far reconciliation has come",
    m.Version: "counters of changes",
}
"""Tables that say nothing about any one person, and what is in them."""
