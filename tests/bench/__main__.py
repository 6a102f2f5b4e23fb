"""`python -m tests.bench [WORD... | known | tabs [ENGINE] | validate [NUMBER] | repair [ROWS]
| reconcile [PAYMENTS]]`.

Words select of the table: sqlite, postgresql, 10k, 1m, and parts of the names of works.
"""

import signal
import sys

from tests.bench import known, reconcile, repair, requests, tabs, validate

_PAYMENTS = 100_000


def main(words: list[str]) -> int:
    """Run one benchmark; return the exit status, which is 1 where a target is missed."""
    match words:
        case ["validate", *number]:
            validate.main(int(number[0]) if number else 1_000_000)
        case ["repair", *number]:
            repair.main(int(number[0]) if number else 100_000)
        case ["reconcile", *number]:
            return 0 if reconcile.main(int(number[0]) if number else _PAYMENTS) else 1
        case ["known"]:
            return 0 if known.main() else 1
        case ["tabs", *engines]:
            return 0 if tabs.main(engines) else 1
        case []:
            has_met = [requests.main(words), reconcile.main(_PAYMENTS)]
            return 0 if all(has_met) else 1
        case _:
            return 0 if requests.main(words) else 1
    return 0


# Ended from outside, it leaves neither servers nor a school behind.
signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
sys.exit(main(sys.argv[1:]))
