"""Who may send which request: every rule of the URL map and its methods, once.

A new route fails `test_every_route_is_declared` until it stands here, and is then crawled as
everybody in `people.py`, without a further line.
"""

import re
from typing import Literal

Who = Literal["anybody", "without factor", "signed in", "student", "admin"]
"""Who signs in without a second factor that is required of them may only set one up."""

_DECLARED: dict[Who, str] = {
    "anybody": """
        GET      /
        GET POST /address/<token>
        GET      /api/openapi.json
        POST     /api/payments/webhook
        GET      /api/session
        GET      /api/sync/health
        GET      /certificates
        GET      /certificates/<code>
        GET POST /forgot
        GET      /healthz
        GET POST /invitation/<token>
        GET      /legal/<name>
        GET      /logo/<digest>
        GET POST /login
        GET POST /login/passkey
        GET POST /login/second-step
        GET POST /login/second-step/passkey
        GET POST /register
        GET      /register/sent
        GET POST /reset/<token>
        GET POST /setup/<token>
        GET      /static/<filename>
        GET POST /verify
        GET POST /verify/<token>
    """,
    "without factor": """
        POST     /logout
        GET POST /profile/proof
        GET      /profile/proof/passkey
        GET      /profile/second-factor
        GET POST /profile/second-factor/app
        GET POST /profile/second-factor/passkey
        GET      /profile/second-factor/passkey/options
        POST     /viewing/end
    """,
    "signed in": """
        POST     /api/session/proof
        GET      /api/sync/connection
        GET POST /profile
        POST     /profile/address
        GET POST /profile/address/<token>
        POST     /profile/address/again
        POST     /profile/address/cancel
        GET POST /profile/data
        POST     /profile/emails
        POST     /profile/erasure
        POST     /profile/erasure/withdraw
        POST     /profile/password
        POST     /profile/time-zone
        GET POST /profile/second-factor/<factor_id>
        POST     /profile/second-factor/<factor_id>/remove
        POST     /profile/second-factor/codes
        POST     /profile/sign-ins/<sign_in_id>/end
        POST     /profile/sign-ins/end-others
        GET POST /resume/<key>
        GET      /courses/<course_id>/files/<file_id>/<name>
    """,
    "student": """
        POST     /api/payments/checkout
        GET      /api/student/certificates
        POST     /api/student/chapters/complete
        GET      /api/student/courses
        POST DELETE /api/student/enroll
        GET      /api/student/enrolled-courses
        GET      /api/student/notices
        POST     /api/student/notices/read
        GET      /api/student/offers
        DELETE   /api/student/offers/<offer_id>
        GET      /api/student/payments
        GET      /api/student/progress-details
        GET POST /api/student/requests
        DELETE   /api/student/requests/<request_id>
        GET      /api/student/stats
        GET      /student/certificates/<certificate_id>
        GET      /student/courses
        GET      /student/courses/<course_id>
        POST     /student/courses/<course_id>/buy
        GET      /student/courses/<course_id>/certificate
        POST     /student/courses/<course_id>/chapters/<chapter_id>/complete
        POST     /student/courses/<course_id>/chapters/<chapter_id>/reopen
        POST     /student/courses/<course_id>/enroll
        GET POST /student/courses/<course_id>/leave
        POST     /student/courses/<course_id>/request
        GET      /student/dashboard
        GET      /student/notices
        POST     /student/offers/<offer_id>/decline
        POST     /student/notices/read
        GET      /student/payments
        GET      /student/payments/<payment_id>
        POST     /student/payments/<payment_id>/check
        GET      /student/payments/<payment_id>/receipt
        GET      /student/payments/return
        GET      /student/progress
        GET      /student/requests
        POST     /student/requests/<request_id>/cancel
    """,
    "admin": """
        GET      /admin/admins
        GET      /admin/admins.csv
        GET POST /admin/admins/<user_id>/make-student
        GET      /admin/analytics
        GET      /admin/analytics/<table>.csv
        GET      /admin/analytics/at-risk.csv
        GET      /admin/audit
        GET      /admin/audit.csv
        GET      /admin/courses
        GET      /admin/courses.csv
        GET POST /admin/courses/<course_id>
        GET      /admin/courses/<course_id>/access
        GET      /admin/courses/<course_id>/access.csv
        POST     /admin/courses/<course_id>/archive
        GET      /admin/courses/<course_id>/chapters.csv
        GET POST /admin/courses/<course_id>/chapters/<chapter_id>
        POST     /admin/courses/<course_id>/chapters/<chapter_id>/<direction>
        GET POST /admin/courses/<course_id>/chapters/<chapter_id>/delete
        GET      /admin/courses/<course_id>/chapters/files
        GET POST /admin/courses/<course_id>/chapters/new
        POST     /admin/courses/<course_id>/chapters/preview
        GET POST /admin/courses/<course_id>/delete
        GET POST /admin/courses/<course_id>/files
        GET POST /admin/courses/<course_id>/files/<file_id>
        GET POST /admin/courses/<course_id>/files/<file_id>/delete
        GET      /admin/courses/<course_id>/offers.csv
        GET      /admin/courses/<course_id>/people
        GET      /admin/courses/<course_id>/people.csv
        GET POST /admin/courses/<course_id>/people/message
        GET POST /admin/courses/new
        POST     /admin/courses/<course_id>/uploads
        PATCH DELETE /admin/courses/<course_id>/uploads/<upload_key>
        POST     /admin/courses/<course_id>/uploads/<upload_key>/finish
        GET      /admin/erasures
        GET      /admin/erasures.csv
        GET      /admin/erasures/<person_id>
        POST     /admin/erasures/<person_id>/grant
        POST     /admin/erasures/<person_id>/refuse
        POST     /admin/filters/<page>
        POST     /admin/filters/<filter_id>/delete
        GET POST /admin/import
        POST     /admin/import/<import_id>/answers
        POST     /admin/import/<import_id>/apply
        POST     /admin/import/<import_id>/cancel
        POST     /admin/import/address
        GET POST /admin/invitations
        GET      /admin/invitations.csv
        POST     /admin/invitations/again
        GET POST /admin/offers/<offer_id>/withdraw
        GET      /admin/payments
        GET      /admin/payments.csv
        GET      /admin/payments/<payment_id>
        GET POST /admin/payments/<payment_id>/accept
        GET      /admin/payments/<payment_id>/access
        POST     /admin/payments/<payment_id>/dismiss
        GET      /admin/payments/<payment_id>/evidence.pdf
        GET POST /admin/payments/<payment_id>/refund
        POST     /admin/payments/<payment_id>/reopen
        POST     /admin/payments/<payment_id>/settle
        GET      /admin/payments/books
        GET      /admin/payments/books.csv
        GET POST /admin/payments/books/close
        GET      /admin/payments/inbox
        GET      /admin/payments/inbox.csv
        GET POST /admin/payments/new
        POST     /admin/payments/inbox/<inbox_id>/replay
        POST     /admin/payments/reconcile
        GET POST /admin/requests
        GET      /admin/requests.csv
        GET POST /admin/people/<user_id>/reset-factors
        GET      /admin/requests/decided
        GET      /admin/requests/decided.csv
        POST     /admin/requests/undo
        GET POST /admin/roster
        GET      /admin/roster/<roster_id>
        POST     /admin/roster/<roster_id>/apply
        POST     /admin/roster/<roster_id>/cancel
        POST     /admin/roster/list
        GET POST /admin/settings
        POST     /admin/settings/logo
        POST     /admin/settings/logo/remove
        GET      /admin/students
        GET      /admin/students.csv
        GET      /admin/students/<student_id>
        GET      /admin/students/<student_id>/<sheet>.csv
        GET POST /admin/students/<student_id>/<change>
        GET      /admin/students/<student_id>/access
        GET      /admin/students/<student_id>/access.csv
        GET POST /admin/students/<student_id>/address
        POST     /admin/students/<student_id>/certificates/<certificate_id>/reinstate
        GET POST /admin/students/<student_id>/certificates/<certificate_id>/revoke
        POST     /admin/students/<student_id>/confirm
        GET      /admin/students/<student_id>/courses/<course_id>
        GET POST /admin/students/<student_id>/courses/<course_id>/reset-progress
        GET POST /admin/students/<student_id>/courses/<course_id>/unenroll
        POST     /admin/students/<student_id>/enroll
        GET POST /admin/students/<student_id>/password-link
        POST     /admin/students/<student_id>/reactivate
        POST     /admin/students/<student_id>/rename
        POST     /admin/students/<student_id>/sign-out
        GET POST /admin/students/<student_id>/view
        GET      /admin/search
        GET      /admin/search/hits
        GET      /admin/sync
        GET      /admin/sync/attention.csv
        GET      /admin/sync/findings.csv
        GET      /admin/sync/runs.csv
        POST     /admin/sync/attention/<attention_id>/dismiss
        POST     /admin/sync/fix
        POST     /admin/sync/preview
        GET      /admin/sync/runs/<run_id>
        GET      /admin/sync/runs/<run_id>.csv
        POST     /admin/sync/runs/<run_id>/undo
        POST     /admin/sync/validate
        GET      /api/admin/analytics
        GET      /api/admin/courses/<course_id>/people
        GET      /api/admin/decisions
        POST     /api/admin/decisions/<decision_id>/undo
        DELETE   /api/admin/offers/<offer_id>
        POST     /api/admin/payments/<payment_id>/accept
        POST     /api/admin/payments
        GET      /api/admin/payments/books
        POST     /api/admin/payments/<payment_id>/refund
        PATCH    /api/admin/requests/<request_id>
        POST     /api/admin/requests/bulk
        POST DELETE /api/enrollment
        DELETE   /api/progress
        GET      /api/requests
        GET      /api/students
        GET      /api/students/<student_id>
        POST     /api/sync/auto-fix
        GET      /api/sync/explain
        POST     /api/sync/runs/<run_id>/undo
        GET      /api/sync/validate
        GET      /admin/writing
        GET      /metrics
    """,
}


def _read() -> dict[tuple[str, str], Who]:
    declared: dict[tuple[str, str], Who] = {}
    for who, lines in _DECLARED.items():
        for methods, rule in re.findall(r"^ *([A-Z ]+?) +(/.*)$", lines, re.MULTILINE):
            declared |= {(method, rule): who for method in methods.split()}
    return declared


WHO_MAY = _read()
"""By method and rule: `("GET", "/login")`."""
