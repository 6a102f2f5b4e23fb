"""The two accounts of the demo school that a newcomer signs in with."""

LOGINS = (
    ("admin", "admin@example.org", "demo-admin-pass"),
    ("student", "student@example.org", "demo-student-pass"),
)
"""Role, e-mail and password; they are printed at start-up, and refused in production."""
