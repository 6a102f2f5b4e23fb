"""What the people of the demo school do and say."""

from dataclasses import dataclass
from typing import Literal

Ending = Literal[
    "kept",
    "discounted",
    "abandoned",
    "bounced",
    "reduced",
    "refunded",
    "disputed",
    "won",
    "transferred",
]


@dataclass(frozen=True)
class Purchase:
    """A student's purchase, so many days after they came."""

    slug: str
    day: float
    ending: Ending = "kept"
    share: float = 0
    """Of the chapters, how many the student reads."""


OPEN_COURSES = (
    "conversational-spanish",
    "darkroom-photography",
    "night-sky",
    "plant-first-aid",
)
REQUESTED_COURSES = {
    "accessible-web-pages": 0.35,
    "bicycle-repair": 0.3,
    "sql-transactions": 0.35,
    "statistics-without-tears": 0.15,
}
"""How likely a student asks for each."""
REJECTED = {
    "accessible-web-pages": 0.15,
    "bicycle-repair": 0.1,
    "sql-transactions": 0.25,
    "statistics-without-tears": 0.5,
}
"""How likely an admin rejects it."""
BOUGHT_COURSES = ("bread-baking", "reading-music", "statistics-without-tears")
_BREAD, _MUSIC, _STATISTICS = BOUGHT_COURSES
PURCHASES = {
    0: [Purchase(_BREAD, 11.3, "discounted", share=0.4)],
    2: [Purchase(_MUSIC, 4.6, share=1.0)],
    4: [Purchase(_BREAD, 9.4, "refunded")],
    6: [Purchase(_BREAD, 1.2, share=0.6), Purchase(_MUSIC, 31.5, share=0.4)],
    8: [Purchase(_STATISTICS, 6.7, share=0.4)],
    10: [Purchase(_BREAD, 0.4, share=0.6), Purchase(_MUSIC, 19.2)],
    12: [Purchase(_MUSIC, 2.3, share=0.3)],
    15: [Purchase(_BREAD, 14.8, "bounced"), Purchase(_BREAD, 19.1, share=1.0)],
    18: [Purchase(_STATISTICS, 5.5, "reduced", share=0.4)],
    21: [Purchase(_MUSIC, 8.2, "refunded")],
    26: [Purchase(_STATISTICS, 21.4, "disputed", share=0.4)],
    32: [Purchase(_BREAD, 7.1, "abandoned"), Purchase(_BREAD, 9.9, share=1.0)],
    37: [Purchase(_BREAD, 6.2, "transferred", share=0.4)],
    43: [Purchase(_MUSIC, 12.5, "reduced", share=0.4)],
    # Bought again while the bank disputes the first: once that is won, an admin refunds one.
    51: [Purchase(_BREAD, 2.1, "won"), Purchase(_BREAD, 6.8, share=0.5)],
    58: [Purchase(_STATISTICS, 25.6, share=0.2)],
}
"""By the student's number. Students who buy a course don't request it."""
TRANSFER = "Invoice 2026-{:03}"
"""What the bank statement says of a transfer, by the number of the student."""
DEMO_STUDENT_BUYS = (Purchase(_MUSIC, 41.8, "abandoned"), Purchase(_MUSIC, 43.7, share=0.6))
OFFERED_COURSE = _STATISTICS
"""Asks for approval since the class has only so many seats."""
OFFERS: dict[int, Literal["accepted", "expired"]] = {20: "accepted", 30: "expired"}
"""What becomes of the offers, by the student's number; the demo student's own is open."""
WAITING_FOR = ("sql-transactions", "accessible-web-pages", "bicycle-repair")

MESSAGES = (
    "",
    "",
    "A colleague recommended this course to me.",
    "I'd like to use this at work starting next month.",
    "I took the first part last year and want to continue.",
    "My teacher says I'm ready for it.",
    "I have Tuesday and Thursday evenings free for this.",
    "I'm changing careers, and this is the piece I'm missing.",
    "Could I join even though I'm from another department?",
    "I tried to learn this from a book and got stuck in chapter three.",
)
REJECTION_REASONS = (
    "Please finish 'Welcome: how to learn here' first, then request access again.",
    "This term's group is full. The next one starts in two months.",
    "This course builds on things you haven't covered yet. Start with a beginner course.",
    "We need your supervisor's approval for this one. Request access again when you have it.",
)
SCHOLARSHIP_REASONS = (
    "School association scholarship.",
    "Helped proofread the course.",
    "Paid by employer, invoice sent.",
)
