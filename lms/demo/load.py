"""Fills an empty portal with the demo school, through the ordinary verbs.

Ninety days of a school's life happen in order: each verb acts at its moment of the past, so that
nothing here writes a row by itself and every page has a history to show.
"""

import heapq
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

from sqlalchemy.orm import Session

from lms import enrollment
from lms.accounts.passwords import hash_password
from lms.db import at, now
from lms.demo import content, people, stories
from lms.demo.logins import LOGINS
from lms.demo.purchases import Till
from lms.demo.stripe.past import Past
from lms.enrollment.requests import Action
from lms.ledger.locks import lock_defaults
from lms.ledger.months import Month
from lms.models.catalog import CourseFields
from lms.queries.people import is_new_school
from lms.refusals import ApprovalRequired, CourseFull, Refusal
from lms.transaction import joining, transactional

DAYS = 90

Event = Callable[[], object]


class NotEmpty(Refusal):
    detail = "This database already has people or courses. The demo needs an empty one."


def load(progress: Callable[[float], None], *, stripe: Path) -> None:
    """Fill an empty database, reporting the share done after each step, from 0 to 1.

    All of it or nothing: a start that is cut off leaves no half of a school, and of two starts at
    once the second waits for the first. What was bought is known to the stand-in for Stripe, too,
    that has its file in the folder `stripe`. Raises NotEmpty where there is anything already.
    """
    _load(progress, stripe)


@transactional
def _load(session: Session, progress: Callable[[float], None], stripe: Path) -> None:
    lock_defaults(session)  # a second start waits here
    if not is_new_school(session):
        raise NotEmpty
    with tempfile.TemporaryDirectory(prefix="lms-demo-") as folder, Past(Path(folder)) as past:
        with joining(session):
            for done in _School(until=now(), till=Till(session, past)).live():
                progress(done)
        past.become(stripe)


class _School:
    """The school's ninety days: what is still to happen, by its moment."""

    def __init__(self, until: datetime, till: Till) -> None:
        self._random = Random(1815)  # noqa: S311 - the same school every time; no secret
        self._until = until
        self._till = till
        self._begin = until - timedelta(days=DAYS)
        self._order = itertools.count()
        self._events: list[tuple[datetime, int, Event]] = []
        self._courses: dict[str, int] = {}
        self._chapters: dict[str, list[int]] = {}
        self._asked: set[tuple[int, str]] = set()

    def live(self) -> Iterator[float]:
        """Let everything happen in the order of time."""
        with at(self._begin - timedelta(days=5)):
            self._open()
        while self._events:
            moment, _order, event = heapq.heappop(self._events)
            with at(moment):
                event()
            yield (moment - self._begin) / (self._until - self._begin)
        self._till.fetch_fees(self._begin)
        enrollment.choose_emails(self._demo_student, decisions=True, purchases=True)

    def _open(self) -> None:
        (_, admin_email, admin_password), (_, student_email, student_password) = LOGINS
        self._admin = enrollment.add_user(
            email=admin_email,
            name="Maya Fischer",
            password_hash=hash_password(admin_password),
            role="admin",
        )
        contact = {"contact": "office@example.org"}
        enrollment.change_settings(contact, seen=0, by=self._admin)
        student_hash = hash_password(student_password)  # the same for all: hashing is slow
        student = self._add_student(student_email, "Sam Okafor", student_hash)
        for course in content.courses():
            self._publish(course)
        self._demo_student = student
        self._plan_demo_student(student)
        for number, person in enumerate(people.students()):
            self._plan_student(number, person, student_hash)
        for purchase in stories.DEMO_STUDENT_BUYS:
            self._buy(student, purchase)
        self._plan(DAYS - 21, lambda: self._archive("darkroom-photography"))
        self._plan(DAYS - 10, lambda: self._offer(seats=30))
        self._plan(DAYS - 1, lambda: self._offer(seats=32))
        self._plan_books()

    def _add_student(self, email: str, name: str, password_hash: str) -> int:
        student = enrollment.add_user(email=email, name=name, password_hash=password_hash)
        # These events are in the past: no e-mails about them today.
        enrollment.choose_emails(student, decisions=False, purchases=False)
        return student

    def _publish(self, course: content.DemoCourse) -> None:
        # An archived course was open until it was archived.
        status = "published" if course.status == "archived" else course.status
        fields = replace(CourseFields.of(course), status=status)
        course_id = enrollment.create_course(fields, by=self._admin)
        self._courses[course.slug] = course_id
        self._chapters[course.slug] = [
            enrollment.add_chapter(course_id, title=text.title, body=text.body, by=self._admin)
            for text in course.chapters
        ]

    def _offer(self, *, seats: int) -> None:
        """Have a course ask for approval, for as many students as its room has seats."""
        course = next(c for c in content.courses() if c.slug == stories.OFFERED_COURSE)
        fields = replace(CourseFields.of(course), requires_approval=True, capacity=seats)
        enrollment.edit_course(self._courses[course.slug], fields, by=self._admin)

    def _archive(self, slug: str) -> None:
        enrollment.archive_course(self._courses[slug], by=self._admin)

    def _plan_books(self) -> None:
        """Let an admin close each month on the third day of the next."""
        month = Month.of(self._begin)
        while (closes := month.next.midnight + timedelta(days=2)) < self._until:
            day = (closes - self._begin) / timedelta(days=1)
            self._plan(day, partial(self._till.close, month, by=self._admin))
            month = month.next

    def _plan_demo_student(self, student: int) -> None:
        self._study(student, "welcome", day=60, pace=1.5, share=1.0)
        self._join(student, "conversational-spanish", day=62, pace=6, share=0.6)
        self._ask(student, "sql-transactions", 55, "approve", share=0.5)
        self._ask(student, "statistics-without-tears", 70, "reject")
        self._ask(student, "bicycle-repair", DAYS - 2, None)
        self._consider(student, DAYS - 3.5)
        self._plan(68, lambda: enrollment.read_notices(student))
        self._plan(DAYS - 1, lambda: self._scholarship(student, stories.BOUGHT_COURSES[0], DAYS))

    def _plan_student(self, number: int, person: people.DemoStudent, password_hash: str) -> None:
        # Most came at the start of the term; some drop in until yesterday.
        day = self._random.triangular(0, DAYS - 1, 8)

        def arrive() -> None:
            student = self._add_student(person.email, person.name, password_hash)
            self._plan_studies(number, student, day)

        self._plan(day, arrive)

    def _plan_studies(self, number: int, student: int, day: float) -> None:
        random = self._random
        for purchase in stories.PURCHASES.get(number, ()):
            self._asked.add((student, purchase.slug))
            self._buy(student, purchase, came=day)
        self._plan_offer(number, student)
        eagerness = random.betavariate(2, 1.6)
        self._study(student, "welcome", day=day, pace=2, share=min(1.0, eagerness * 1.4))
        for slug in stories.OPEN_COURSES:
            if random.random() < 0.45:
                self._join(student, slug, day + random.uniform(0, 25), share=eagerness)
        for slug, chance in stories.REQUESTED_COURSES.items():
            if random.random() < chance:
                self._ask(student, slug, day + random.uniform(0, 40), self._verdict(slug))
        if number % 12 == 5:
            slug = stories.BOUGHT_COURSES[number % len(stories.BOUGHT_COURSES)]
            self._plan(day + 3, lambda: self._scholarship(student, slug, day + 3))
        if number % 6 == 1:
            waiting = stories.WAITING_FOR[number // 6 % len(stories.WAITING_FOR)]
            self._ask(student, waiting, DAYS - random.uniform(0.1, 6), None)

    def _verdict(self, slug: str) -> Action:
        return "reject" if self._random.random() < stories.REJECTED[slug] else "approve"

    def _join(self, student: int, slug: str, day: float, *, pace: float = 3, share: float) -> None:
        if slug == "darkroom-photography" and day > DAYS - 22:
            return

        def join() -> None:
            enrollment.enroll_directly(student, self._courses[slug])
            self._study(student, slug, day=day, pace=pace, share=share)

        self._plan(day, join)

    def _scholarship(self, student: int, slug: str, day: float) -> None:
        reason = self._random.choice(stories.SCHOLARSHIP_REASONS)
        enrollment.enroll(student, self._courses[slug], by=self._admin, reason=reason)
        self._study(student, slug, day=day, pace=3, share=self._random.random())

    def _buy(self, student: int, purchase: stories.Purchase, *, came: float = 0) -> None:
        """Let a student choose 'Buy', and play out what follows."""
        till, day = self._till, came + purchase.day
        course = self._courses[purchase.slug]
        pay = (0.003, till.pay)
        endings: dict[stories.Ending, list[tuple[float, Callable[[str], None]]]] = {
            "kept": [pay],
            "abandoned": [(2 / 24, till.expire)],
            "bounced": [(0.003, till.order_debit), (2.9, till.bounce)],
            "discounted": [(0.003, till.pay_with_code)],
            "reduced": [pay, (0.8, partial(till.refund_half, by=self._admin))],
            "refunded": [pay, (4.4, partial(till.refund, by=self._admin))],
            "disputed": [pay, (16.2, till.dispute)],
            "won": [pay, (3.1, till.dispute), (9.4, till.win)],
            "transferred": [],
        }

        def begin() -> None:
            session = ""
            if purchase.ending == "transferred":
                reference = stories.TRANSFER.format(student)
                till.transfer(student, course, reference=reference, by=self._admin)
            else:
                try:
                    session = till.begin(student, course)
                except ApprovalRequired:  # too late to buy it without an offer
                    return
            for later, event in endings[purchase.ending]:
                self._plan(day + later, partial(event, session))
            self._study(student, purchase.slug, day=day, pace=3, share=purchase.share)

        self._plan(day, begin)

    def _ask(
        self,
        student: int,
        slug: str,
        day: float,
        verdict: Action | None,
        *,
        share: float | None = None,
    ) -> None:
        """Let a student request a course once; without a verdict the request stays pending."""
        random = self._random
        message = random.choice(stories.MESSAGES)
        decided = day + random.uniform(0.05, 2.5)
        waits = verdict is None or decided > DAYS - 0.2
        far = random.betavariate(2, 2) if share is None else share

        def ask() -> None:
            if (student, slug) in self._asked:
                return
            self._asked.add((student, slug))
            request = enrollment.request_access(student, self._courses[slug], message=message)
            if not waits:
                self._plan(decided, lambda: decide(request.id))

        def decide(request_id: int) -> None:
            assert verdict is not None  # noqa: S101 - narrows the type
            reason = random.choice(stories.REJECTION_REASONS) if verdict == "reject" else ""
            if verdict == "reject":
                enrollment.reject(request_id, by=self._admin, reason=reason)
                return
            with suppress(CourseFull):  # a full course keeps its waiting list
                if enrollment.approve(request_id, by=self._admin).offer is None:
                    self._study(student, slug, day=decided, pace=3, share=far)

        self._plan(day, ask)

    def _plan_offer(self, number: int, student: int) -> None:
        if number in stories.OFFERS:
            self._asked.add((student, stories.OFFERED_COURSE))
            self._consider(student, DAYS - 9.5, is_bought=stories.OFFERS[number] == "accepted")

    def _consider(self, student: int, day: float, *, is_bought: bool = False) -> None:
        """Let a student be offered a seat, and buy it, or let it pass."""
        course = self._courses[stories.OFFERED_COURSE]

        def ask() -> None:
            request = enrollment.request_access(student, course)
            enrollment.approve(request.id, by=self._admin, reason="Welcome to the class.")

        self._plan(day, ask)
        if is_bought:
            self._buy(student, stories.Purchase(stories.OFFERED_COURSE, day + 1.3, share=0.3))

    def _study(self, student: int, slug: str, *, day: float, pace: float, share: float) -> None:
        """Let a student complete a share of the chapters, one every `pace` days or so."""
        chapters = self._chapters[slug]
        for chapter in chapters[: round(len(chapters) * share)]:
            day += self._random.expovariate(1 / pace) + 0.02
            self._plan(day, partial(enrollment.complete_chapter, student, chapter))

    def _plan(self, day: float, event: Event) -> None:
        """Let something happen on a day of the ninety, unless that is still to come."""
        moment = self._begin + timedelta(days=day)
        if moment < self._until:
            heapq.heappush(self._events, (moment, next(self._order), event))
