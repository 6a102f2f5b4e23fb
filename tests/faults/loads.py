"""Students and admins who change things until each change is acknowledged, whatever is killed."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

import requests

from tests.builders import a_course, a_public_course, without_limit
from tests.outside.client import Client, newcomer
from tests.patience import PATIENCE
from tests.server import Portal

EXPECTED = {200, 201, 204, 404, 409, 503}
"""What a client may see; nothing else, whatever happens behind it."""
_AGAIN_AFTER = 0.05
_BESIDE = {"user.added", "certificate.issued"}
"""What is in the trail of a student who has not asked for it."""
CHAPTERS = 3


@dataclass
class Seen:
    """What the clients have been told."""

    statuses: Counter[int] = field(default_factory=Counter)
    lost: int = 0
    """Connections that ended without an answer."""
    longest: float = 0
    """Seconds that a change took at most from its first try to its acknowledgment."""


class Learner:
    """One student with courses of their own, and what must be true of them by what was told.

    Everything is tried again until it is acknowledged. Since a change that is there already is
    acknowledged too, each must be in the audit trail once, however often it was sent.
    """

    def __init__(self, portal: Portal, number: int, admin: Client, seen: Seen) -> None:
        self._portal = portal
        self.student = newcomer(portal, f"learner{number}@example.org")
        self.admin = admin.twin()
        self.seen = seen
        portal.call(without_limit, "request", self.student.user_id)
        self.joined: int = portal.call(a_public_course, f"Joined {number}", chapters=CHAPTERS)
        self.asked: int = portal.call(a_course, f"Asked {number}")
        rows = portal.sql("SELECT id FROM chapters WHERE course_id = :c", c=self.joined)
        self.chapters = sorted(row.id for row in rows)
        self.enrolled: set[int] = set()
        self.completed: set[int] = set()
        self.trail: Counter[str] = Counter()
        self._random = random.Random(number)  # noqa: S311 - no secret

    def live(self, stop: Event) -> None:
        """Do something again and again until asked to stop; what is begun is finished."""
        while not stop.is_set():
            self._random.choice(self._possible())()

    def _possible(self) -> list[Callable[[], None]]:
        if self.joined not in self.enrolled:
            return [self._enroll, self._ask]
        return [self._complete, self._complete, self._reopen, self._leave, self._ask]

    def _enroll(self) -> None:
        self._until(self.student, "POST", "/api/student/enroll", {"courseId": self.joined})
        self.enrolled.add(self.joined)
        self.trail["access.granted"] += 1

    def _leave(self) -> None:
        self._until(self.student, "DELETE", "/api/student/enroll", {"courseId": self.joined})
        self.enrolled.discard(self.joined)
        self.trail["access.ended"] += 1

    def _complete(self) -> None:
        self._mark(self._random.choice(self.chapters), completed=True)

    def _reopen(self) -> None:
        self._mark(self._random.choice(self.chapters), completed=False)

    def _mark(self, chapter: int, *, completed: bool) -> None:
        body = {"chapterId": chapter, "completed": completed}
        self._until(self.student, "POST", "/api/student/chapters/complete", body)
        if not completed and chapter in self.completed:
            self.trail["chapter.reopened"] += 1
        (self.completed.add if completed else self.completed.discard)(chapter)

    def _ask(self) -> None:
        """Request a course, have it approved, and be unenrolled again."""
        self._until(self.student, "POST", "/api/student/requests", {"courseId": self.asked})
        requests_ = self._until(self.student, "GET", "/api/student/requests").json()["requests"]
        [number] = [each["id"] for each in requests_ if each["status"] == "pending"]
        self._until(self.admin, "PATCH", f"/api/admin/requests/{number}", {"action": "approve"})
        pair = {"studentId": self.student.user_id, "courseId": self.asked}
        self._until(self.admin, "DELETE", "/api/enrollment", pair)
        self.trail.update(["request.made", "request.approved", "access.granted", "access.ended"])

    def _until(
        self, client: Client, method: str, address: str, body: object = None
    ) -> requests.Response:
        """Send it until it is acknowledged, as clients do that get no answer, or a 503."""
        began = time.monotonic()
        tries: Counter[str] = Counter()
        while time.monotonic() - began < PATIENCE:
            try:
                answer = client.call(method, address, body)
            except requests.RequestException as error:
                tries[repr(error)] += 1
                self.seen.lost += 1
                client.http.close()
            else:
                tries[f"{answer.status_code} {answer.text[:200]}"] += 1
                self.seen.statuses[answer.status_code] += 1
                assert answer.status_code in EXPECTED, (method, address, answer.text)
                if answer.status_code != 503:
                    self.seen.longest = max(self.seen.longest, time.monotonic() - began)
                    return answer
            time.sleep(_AGAIN_AFTER)
        last = self._portal.said()[-4_000:]
        raise AssertionError(f"{method} {address}: {tries} within {PATIENCE} s; {last}")


def assert_kept(portal: Portal, learner: Learner) -> None:
    """Check that all that was acknowledged is there, and nothing of it twice."""
    me = {"me": learner.student.user_id}
    enrolled = portal.sql("SELECT course_id FROM enrollments WHERE user_id = :me", **me)
    assert {row.course_id for row in enrolled} == learner.enrolled
    done = portal.sql("SELECT chapter_id FROM chapter_completions WHERE student_id = :me", **me)
    assert {row.chapter_id for row in done} == learner.completed
    rows = portal.sql("SELECT action FROM audit_entries WHERE student_id = :me", **me)
    assert Counter(row.action for row in rows if row.action not in _BESIDE) == +learner.trail
