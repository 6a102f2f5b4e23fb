"""The two accounts of the demo school that a newcomer signs in with."""

LOGINS = (
    ("admin", "admin@example.org", "demo-admin-pass"),
    ("student", "student@example.org", "demo-student-pass"),
)
"""Role, e-mail and password; printed at start-up; production refuses to start with them."""
