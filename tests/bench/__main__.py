"""`python -m tests.bench [requests | validate [ENROLLMENTS] | repair [ROWS]]`."""

import sys

from tests.bench import repair, requests, validate


def main(words: list[str]) -> None:
    """Run one benchmark; without a name, the quick one."""
    match words:
        case [] | ["requests"]:
            requests.main()
        case ["validate", *number]:
            validate.main(int(number[0]) if number else 1_000_000)
        case ["repair", *number]:
            repair.main(int(number[0]) if number else 100_000)
        case _:
            sys.exit(__doc__)


main(sys.argv[1:])
