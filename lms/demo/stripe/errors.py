"""Errors in the form that Stripe gives them."""

from typing import Any

from lms.demo.stripe.shapes import Mismatch, Problem

_CODES: dict[Problem, str | None] = {
    "unknown": "parameter_unknown",
    "missing": "parameter_missing",
    "invalid_integer": "parameter_invalid_integer",
    "invalid_empty": "parameter_invalid_empty",
    "invalid": None,
}


class ApiError(Exception):
    """The error that Stripe would answer."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param

    @property
    def body(self) -> dict[str, Any]:
        """The answer as JSON."""
        given = {"code": self.code, "message": self.message, "param": self.param, "type": self.kind}
        return {"error": {key: value for key, value in given.items() if value is not None}}


class InvalidParams(ApiError):  # noqa: N818 - Stripe's own word
    """The parameters themselves are wrong, whatever the state of the account."""

    @classmethod
    def of(cls, finding: Mismatch) -> "InvalidParams":
        """Say in Stripe's form what a check has found."""
        return cls(str(finding), code=_CODES[finding.problem], param=finding.path)


def missing(kind: str, identifier: str, *, param: str, status: int = 404) -> ApiError:
    """Return the error for something that is not there."""
    message = f"No such {kind}: '{identifier}'"
    return ApiError(message, status=status, code="resource_missing", param=param)
