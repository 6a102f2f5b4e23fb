"""A small model of the rules, written without a look at the portal's code: sets and dicts."""

from dataclasses import dataclass, field

Pair = tuple[int, int]


@dataclass
class ModelCourse:
    """A course as the rules see it."""

    is_public: bool = False
    is_default: bool = False
    price: int = 0
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

    def progress(self, pair: Pair) -> int:
        """The share of the present chapters that were completed, rounded down."""
        chapters = self.courses[pair[1]].chapters
        done = sum((pair[0], chapter) in self.completed for chapter in chapters)
        return 100 * done // len(chapters) if chapters else 0

    def is_full(self, course: int) -> bool:
        """Whether every seat is taken."""
        capacity = self.courses[course].capacity
        return capacity is not None and self.taken(course) >= capacity

    def taken(self, course: int) -> int:
        """How many are in."""
        return sum(pair[1] == course for pair in self.sources)

    def give(self, pair: Pair, source: str) -> None:
        """Let a student in; who is in waits no longer."""
        self.sources.setdefault(pair, set()).add(source)
        self.pending.pop(pair, None)

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
        """End access for good."""
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
        self.pending = {pair: number for pair, number in self.pending.items() if not is_gone(pair)}
        self.waived = {pair for pair in self.waived if not is_gone(pair)}
        if student is not None:
            self.students.discard(student)
            self.completed = {done for done in self.completed if done[0] != student}
        if course is not None:
            chapters = self.courses.pop(course).chapters
            self.completed = {done for done in self.completed if done[1] not in chapters}
