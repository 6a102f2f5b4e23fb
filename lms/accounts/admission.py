"""Who may open an account without the school: what LMS_REGISTRATION says."""

from lms.identity import checked_email
from lms.refusals import Invalid


def is_registration_open(rule: str) -> bool:
    """Return whether anybody can register, be it those of some domains alone."""
    return rule != "closed"


def check_admitted(rule: str, email: str) -> None:
    """Raise Invalid unless an address may register.

    Asked before anything is looked up, so that the answer tells nothing about accounts.
    """
    if not is_registration_open(rule):
        raise Invalid("email", "Accounts are created by the school. Ask the school for one.")
    check_domain(rule, email)


def check_domain(rule: str, email: str) -> None:
    """Raise Invalid unless a person may choose an address of this domain."""
    domains = admitted_domains(rule)
    if domains and checked_email(email).rpartition("@")[2] not in domains:
        raise Invalid(
            "email",
            f"Use an address at {' or '.join(domains)}. If you don't have one, ask the school.",
        )


def admitted_domains(rule: str) -> list[str]:
    """Return the domains whose addresses alone may register; none if all may, or nobody."""
    return [] if rule in {"open", "closed"} else rule.split(",")
