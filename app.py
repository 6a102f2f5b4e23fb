"""The WSGI application that `flask` and the production server load."""

import gc
import sys

gc.disable()  # loading leaves no garbage: looking for it takes a third of the time that it takes

from lms import create_app  # noqa: E402
from lms.config import ConfigError  # noqa: E402

try:
    app = create_app()
except ConfigError as error:
    sys.stderr.write(f"Configuration error: {error}\n")
    sys.exit(2)  # 1 is what `flask sync validate` says of violations

gc.freeze()  # what is loaded stays for good
gc.enable()
