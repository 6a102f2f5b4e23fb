"""`python -m lms.demo.stripe`: the stand-in as a process of its own."""

import argparse
import sys
from pathlib import Path

from lms import config
from lms.demo.stripe import Refused, serve
from lms.demo.stripe.app import KEY, WEBHOOK_SECRET


def main() -> None:
    """Read the arguments and the portal's own settings, and serve."""
    parser = argparse.ArgumentParser(prog="python -m lms.demo.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--portal-url", default="http://127.0.0.1:8000")
    parser.add_argument("--data-dir", default="instance/stripe")
    options = parser.parse_args()
    try:
        settings = config.read(str(Path(options.data_dir).resolve().parent))
        serve(
            options.port,
            options.portal_url,
            options.data_dir,
            str(settings["STRIPE_SECRET_KEY"] or KEY),
            str(settings["STRIPE_WEBHOOK_SECRET"] or WEBHOOK_SECRET),
        )
    except (Refused, config.ConfigError, OSError) as error:
        sys.exit(f"Demo payments: {error}")


main()
