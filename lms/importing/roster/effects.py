"""What tells one set of changes from another: exactly who comes into which course, and leaves."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from lms.enrollment.batch import Entry


def effects_of(entries: Sequence[Entry], students: Mapping[str, int]) -> str:
    """Return a digest that differs where other people, courses or new names take effect.

    `students` has the ids of those who have an account; 0 stands for none yet.
    """
    said = [
        [entry.action, entry.course_id, students.get(entry.email) or [entry.email, entry.name]]
        for entry in entries
    ]
    lines = sorted(json.dumps(each) for each in said)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
