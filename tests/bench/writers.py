"""One process that changes things by the portal's verbs at a steady rate: a process of its own.

`python -m tests.bench.writers` reads one job from its input, opens the database, prints a line,
waits for one, and then marks chapters incomplete and complete again in turn. A change's time counts
from when it was due, so that a database that stalls hides nothing.
"""

import json
import sys
import time
from collections import Counter
from functools import partial
from itertools import cycle
from typing import Any

from lms import create_app, enrollment
from lms.db import db
from tests.databases import settings

_VERBS = (enrollment.reopen_chapter, enrollment.complete_chapter)


def main() -> None:
    """Do the job."""
    job: dict[str, Any] = json.loads(sys.stdin.readline())
    app = create_app(settings(job["url"]))
    with app.app_context():
        db.session.execute(db.text("SELECT 1"))
        db.session.remove()
        changes = cycle([partial(verb, *pair) for pair in job["pairs"] for verb in _VERBS])
        for _ in _VERBS:
            next(changes)()  # statements are compiled once
        print(json.dumps({}), flush=True)
        sys.stdin.readline()
        times: list[float] = []
        failures: Counter[str] = Counter()
        began = time.perf_counter()
        for number in range(int(job["per_second"] * job["seconds"])):
            due = began + number / job["per_second"]
            time.sleep(max(0, due - time.perf_counter()))
            try:
                next(changes)()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
                failures[type(error).__name__] += 1
            times.append(time.perf_counter() - due)
        took = time.perf_counter() - began
    print(json.dumps({"times": times, "failures": failures, "took": took}), flush=True)


if __name__ == "__main__":
    main()
