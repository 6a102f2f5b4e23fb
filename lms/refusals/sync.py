"""Why nothing is repaired or undone."""

from lms.refusals.base import NotFound, Refusal


class SyncRunning(Refusal):
    detail = "Another repair is running. Wait for it to finish, then check its result."


class RunNotFound(NotFound):
    detail = "This run doesn't exist. See the list of runs."
