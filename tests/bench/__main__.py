"""`python -m tests.bench [WORD... | known | tabs [ENGINE] | writes [ENGINE] | validate [NUMBER]
| repair [ROWS] | reconcile [PAYMENTS] | import [ENROLLMENTS] [legacy | copy] [ENGINE]]`.

Words select of the table: sqlite, postgresql, 10k, 1m, and parts of the names of works.
"""

import signal
import sys

from tests.bench import importing, known, reconcile, repair, requests, tabs, validate, writes

_PAYMENTS = 100_000


def main(words: list[str]) -> int:
    """Run one benchmark; return the exit status, which is 1 where a target is missed."""
    has_met = True
    match words:
        case ["validate", *number]:
            validate.main(int(number[0]) if number else 1_000_000)
        case ["repair", *number]:
            repair.main(int(number[0]) if number else 100_000)
        case ["reconcile", *number]:
            has_met = reconcile.main(int(number[0]) if number else _PAYMENTS)
        case ["import", *chosen]:
            has_met = importing.main(chosen)
        case ["known"]:
            has_met = known.main()
        case ["tabs" | "writes" as which, *engines]:
            has_met = {"tabs": tabs, "writes": writes}[which].main(engines)
        case []:
            has_met = all([requests.main(words), reconcile.main(_PAYMENTS)])
        case _:
            has_met = requests.main(words)
    return 0 if has_met else 1


# Ended from outside, it leaves neither servers nor a school behind.
signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
sys.exit(main(sys.argv[1:]))
