"""`python -m lms.demo.stripe`: the stand-in as a process of its own."""

import argparse
import os
import sys

from lms.demo.stripe import Refused, serve


def main() -> None:
    """Read the arguments and the portal's own settings, and serve."""
    parser = argparse.ArgumentParser(prog="python -m lms.demo.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--portal-url", default="http://127.0.0.1:8000")
    parser.add_argument("--data-dir", default="instance/stripe")
    options = parser.parse_args()
    try:
        serve(
            options.port,
            options.portal_url,
            options.data_dir,
            os.environ.get("STRIPE_SECRET_KEY", "sk_test_of_the_stand_in"),
            os.environ.get("STRIPE_WEBHOOK_SECRET", "whsec_of_the_stand_in"),
        )
    except (Refused, OSError) as error:
        sys.exit(f"Demo payments: {error}")


main()
