"""Places of which several rules speak."""

STAND_IN = "lms.demo.stripe"
"""A small application of its own, with its own file; the portal knows it over HTTP alone."""
DEFINES_TABLES = ("lms.migrations", "lms.schema", "lms.moving")
"""What makes tables, restores their constraints or fills a database that was empty; no verb, and
nothing that pages call."""
