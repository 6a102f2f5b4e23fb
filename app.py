"""The WSGI application that `flask` and the production server load."""

import sys

from lms import create_app
from lms.config import ConfigError

try:
    app = create_app()
except ConfigError as error:
    sys.stderr.write(f"Configuration error: {error}\n")
    sys.exit(2)  # 1 is what `flask sync validate` says of violations
