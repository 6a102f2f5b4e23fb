"""A small model of the rules, written without a look at the portal's code: sets and dicts."""

from dataclasses import dataclass, field

Pair = tuple[int, int]


@dataclass
class ModelCourse:
    """A course as the rules see it."""

    is_public: bool = False
    is_default: bool = False
    price: int = 0
    asks_first: bool = False
    """Whether only those may buy or join whose request was approved."""
    capacity: int | None = None
    is_visible: bool = True
    chapters: set[int] = field(default_factory=set)


@dataclass
class Model:
    """Who may learn what, and how far they got."""

    students: set[int] = field(default_factory=set)
    courses: dict[int, ModelCourse] = field(default_factory=dict)
    sources: dict[Pair, set[str]] = field(default_factory=dict)
    """An access exists exactly while it has a source."""
    pending: dict[Pair, int] = field(default_factory=dict)
    waived: set[Pair] = field(default_factory=set)
    completed: set[Pair] = field(default_factory=set)
    """(student, chapter); outlives the access."""
    asked: dict[Pair, int] = field(default_factory=dict)
    """When a request was made, by the number of the step; undoing its decision keeps the place."""
    waiting: set[Pair] = field(default_factory=set)
    """Who waits for a seat, of those with a request."""
    called: set[Pair] = field(default_factory=set)
    """Who was told that there is a seat, and waits for a decision."""
    ahead: set[Pair] = field(default_factory=set)
    """Whose request was approved although there was no seat."""
    passed: set[Pair] = field(default_factory=set)
    """To whom a seat was offered since they asked, because anybody may buy one."""
    offers: dict[Pair, int | None] = field(default_factory=dict)
    """Held seats, each with the request whose approval made it."""
    carried_out: list[tuple[Pair, int]] = field(default_factory=list)
    """Requests that a free seat has approved."""
    unseated: dict[int, Pair] = field(default_factory=dict)
    """Payments that have found no seat, by their numbers: the first comes first."""
    reviewed: dict[int, Pair] = field(default_factory=dict)
    """Payments whose access an admin has ended; the money was kept."""
    step: int = 0

    def progress(self, pair: Pair) -> int:
        """The share of the present chapters that were completed, rounded down."""
        chapters = self.courses[pair[1]].chapters
        done = sum((pair[0], chapter) in self.completed for chapter in chapters)
        return 100 * done // len(chapters) if chapters else 0

    def is_full(self, course: int) -> bool:
        """Whether every seat is taken."""
        left = self.left(course)
        return left is not None and left <= 0

    def left(self, course: int) -> int | None:
        """How many seats are free."""
        capacity = self.courses[course].capacity
        return None if capacity is None else capacity - self.taken(course)

    def taken(self, course: int) -> int:
        """How many are in, or have a seat held for them."""
        return sum(pair[1] == course for pair in (*self.sources, *self.offers))

    def has_seat(self, pair: Pair) -> bool:
        """Whether a student can have a seat, or has one."""
        return pair in self.sources or pair in self.offers or not self.is_full(pair[1])

    def ask(self, pair: Pair, number: int) -> None:
        """Put a student in the queue."""
        self.step += 1
        self.pending[pair], self.asked[pair] = number, self.step
        self.passed.discard(pair)
        if self.is_full(pair[1]):
            self.waiting.add(pair)

    def leave_queue(self, pair: Pair) -> int | None:
        """Take a student out of the queue."""
        for some in (self.waiting, self.called, self.ahead):
            some.discard(pair)
        return self.pending.pop(pair, None)

    def give(self, pair: Pair, source: str) -> None:
        """Let a student in; who is in waits no longer, and nothing is held for them."""
        is_new = pair not in self.sources
        self.sources.setdefault(pair, set()).add(source)
        self.leave_queue(pair)
        self.offers.pop(pair, None)
        if is_new and self.is_full(pair[1]):
            self.line_up(pair[1])

    def offer(self, pair: Pair, number: int | None) -> None:
        """Hold a seat for a student; what is held already becomes that of the approval."""
        if pair in self.offers:
            self.offers[pair] = number or self.offers[pair]
            return
        self.offers[pair] = number
        if self.is_full(pair[1]):
            self.line_up(pair[1])

    def approve(self, pair: Pair) -> int:
        """Carry an approval out: by access, or by an offer where the course is sold so."""
        number = self.leave_queue(pair)
        assert number is not None
        course = self.courses[pair[1]]
        if course.price and course.asks_first and self.has_paid(pair):
            self.restore(pair)
        elif course.price and course.asks_first:
            self.offer(pair, number)
        else:
            self.give(pair, f"approval {number}")
        return number

    def pay(self, pair: Pair, number: int) -> None:
        """Let a student in by a payment, and by all that waited, if there is a seat."""
        self.unseated[number] = pair
        if self.has_seat(pair):
            self.let_in_by(self.unseated, pair)

    def let_in_by(self, payments: dict[int, Pair], pair: Pair) -> None:
        """Let a student in by those of these payments that are theirs."""
        for number in [number for number, whose in payments.items() if whose == pair]:
            del payments[number]
            self.give(pair, f"payment {number}")

    def restore(self, pair: Pair) -> None:
        """Let a student in by all that was paid."""
        self.let_in_by(self.unseated, pair)
        self.let_in_by(self.reviewed, pair)

    def await_seat_again(self, pair: Pair) -> None:
        """Let what was paid count again, though there is no seat yet."""
        for number in [number for number, whose in self.reviewed.items() if whose == pair]:
            self.unseated[number] = self.reviewed.pop(number)

    def has_paid(self, pair: Pair) -> bool:
        """Whether there is money of the student's that gives no access."""
        return pair in (*self.unseated.values(), *self.reviewed.values())

    def seat_who_paid(self, course: int) -> None:
        """Let in whoever has paid and has found no seat, in order, as far as there are any."""
        for _, pair in sorted(self.unseated.items()):
            if pair[1] == course and (pair in self.sources or not self.is_full(course)):
                self.let_in_by(self.unseated, pair)

    def line_up(self, course: int) -> None:
        """All requests wait for a seat now; who let theirs pass has to ask again."""
        for pair in self.pending:
            if pair[1] == course and pair not in self.passed:
                self.waiting.add(pair)
                self.called.discard(pair)

    def fill(self, course: int, freed: int = 0) -> None:
        """Give the free seats of a course, if it has only so many, to those who wait."""
        if self.courses[course].capacity is not None:
            self.pass_on(course, freed)

    def pass_on(self, number: int, freed: int = 0) -> None:
        """Give free seats to those who wait, in order; who needs a decision is told."""
        course, left = self.courses[number], self.left(number)
        if freed and left is not None and left <= freed:
            self.line_up(number)
        self.seat_who_paid(number)
        if not course.is_visible:
            return
        is_for_anybody = not course.asks_first and (course.price > 0 or course.is_public)
        for pair in self._in_line(number):
            has_turn = (is_for_anybody or pair in self.ahead) and not self.has_paid(pair)
            if has_turn and not self.is_full(number):
                self._take_turn(pair)
        left = self.left(number)
        if left is not None:
            left -= sum(pair[1] == number for pair in self.called)
        for pair in self._in_line(number)[: None if left is None else max(left, 0)]:
            self.waiting.discard(pair)
            self.called.add(pair)

    def _take_turn(self, pair: Pair) -> None:
        if pair in self.ahead:
            self.carried_out.append((pair, self.approve(pair)))
        elif self.courses[pair[1]].price:
            self.waiting.discard(pair)
            self.passed.add(pair)  # before the offer: where it holds the last seat, all others wait
            self.offer(pair, None)
        else:
            self.give(pair, "direct")

    def _in_line(self, course: int) -> list[Pair]:
        mine = [pair for pair in self.waiting if pair[1] == course]
        return sorted(mine, key=self.asked.__getitem__)

    def take(self, pair: Pair, source: str) -> None:
        """Take a reason for access away, and the access with the last of them."""
        kinds = self.sources.get(pair, set())
        kinds.discard(source)
        if pair in self.sources and not kinds:
            del self.sources[pair]

    def give_defaults(self) -> None:
        """Everybody's courses are everybody's, but for those who were sent away."""
        for number, course in self.courses.items():
            if course.is_default and course.is_visible:
                for student in self.students:
                    if (student, number) not in self.waived:
                        self.give((student, number), "default")

    def end(self, pair: Pair) -> None:
        """End access for good; money is kept."""
        bought = {int(kind.split()[1]) for kind in self.sources[pair] if "payment" in kind}
        bought |= {number for number, whose in self.unseated.items() if whose == pair}
        for number in bought:
            self.unseated.pop(number, None)
            self.reviewed[number] = pair
        del self.sources[pair]
        if self.courses[pair[1]].is_default:
            self.waived.add(pair)

    def stop_being_open_to_all(self, course: int) -> None:
        """Take away what only the default gave."""
        self.waived = {pair for pair in self.waived if pair[1] != course}
        for pair in [pair for pair in self.sources if pair[1] == course]:
            self.sources[pair].discard("default")
            if not self.sources[pair]:
                del self.sources[pair]

    def forget(self, *, student: int | None = None, course: int | None = None) -> None:
        """Delete a student or a course with all that depends on it."""

        def is_gone(pair: Pair) -> bool:
            return pair[0] == student or pair[1] == course

        self.sources = {pair: kinds for pair, kinds in self.sources.items() if not is_gone(pair)}
        for pair in [pair for pair in self.pending if is_gone(pair)]:
            self.leave_queue(pair)
        self.offers = {pair: number for pair, number in self.offers.items() if not is_gone(pair)}
        self.waived = {pair for pair in self.waived if not is_gone(pair)}
        for payments in (self.unseated, self.reviewed):
            for number in [number for number, pair in payments.items() if is_gone(pair)]:
                del payments[number]
        if student is not None:
            self.students.discard(student)
            self.completed = {done for done in self.completed if done[0] != student}
        if course is not None:
            chapters = self.courses.pop(course).chapters
            self.completed = {done for done in self.completed if done[1] not in chapters}
