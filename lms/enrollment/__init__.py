"""Every change of access, requests, progress, decisions, courses and people: one verb each.

A verb takes ids and plain values, is one transaction, may be repeated without harm, and raises a
`lms.refusals.Refusal` that names the fact when it says no. `by` is the id of the person who acts;
None is the portal itself.
"""

from lms.enrollment.access import (
    EnrollmentResult,
    can_leave,
    check_leaving,
    enroll,
    enroll_directly,
    leave,
    unenroll,
)
from lms.enrollment.addresses import set_email
from lms.enrollment.certificates import reinstate_certificate, revoke_certificate
from lms.enrollment.courses import (
    add_chapter,
    archive_course,
    course_faults,
    create_course,
    delete_chapter,
    delete_course,
    edit_chapter,
    edit_course,
    move_chapter,
    normalize_status,
)
from lms.enrollment.covers import Cover
from lms.enrollment.digest import send_request_digest
from lms.enrollment.erasure import (
    erase_person,
    refuse_erasure,
    request_erasure,
    withdraw_erasure,
)
from lms.enrollment.files import add_file, delete_file, edit_file, refuse_too_much
from lms.enrollment.invitations import invite_again, invite_student
from lms.enrollment.learning import (
    ChapterProgress,
    complete_chapter,
    reopen_chapter,
    reset_progress,
)
from lms.enrollment.messages import message_students
from lms.enrollment.notices import choose_emails, read_notices
from lms.enrollment.offers import decline_offer, fill_free_seats, withdraw_offer
from lms.enrollment.people import (
    add_user,
    change_role,
    choose_time_zone,
    deactivate_user,
    delete_user,
    end_sign_ins,
    reactivate_user,
    register_student,
    rename_user,
    vouch_for,
)
from lms.enrollment.requests import (
    DecisionMade,
    OneOfMany,
    approve,
    cancel_request,
    decide_many,
    reject,
    request_access,
)
from lms.enrollment.reversal import DecisionUndone, undo_decision, undo_many
from lms.enrollment.school import change_settings, choose_logo, setting_faults
from lms.enrollment.search_words import write_search_words
from lms.enrollment.uploaded import Picture
from lms.ledger.requests import RequestMade
from lms.models.catalog import CourseFields

__all__ = [
    "ChapterProgress",
    "CourseFields",
    "Cover",
    "DecisionMade",
    "DecisionUndone",
    "EnrollmentResult",
    "OneOfMany",
    "Picture",
    "RequestMade",
    "add_chapter",
    "add_file",
    "add_user",
    "approve",
    "archive_course",
    "can_leave",
    "cancel_request",
    "change_role",
    "change_settings",
    "check_leaving",
    "choose_emails",
    "choose_logo",
    "choose_time_zone",
    "complete_chapter",
    "course_faults",
    "create_course",
    "deactivate_user",
    "decide_many",
    "decline_offer",
    "delete_chapter",
    "delete_course",
    "delete_file",
    "delete_user",
    "edit_chapter",
    "edit_course",
    "edit_file",
    "end_sign_ins",
    "enroll",
    "enroll_directly",
    "erase_person",
    "fill_free_seats",
    "invite_again",
    "invite_student",
    "leave",
    "message_students",
    "move_chapter",
    "normalize_status",
    "reactivate_user",
    "read_notices",
    "refuse_erasure",
    "refuse_too_much",
    "register_student",
    "reinstate_certificate",
    "reject",
    "rename_user",
    "reopen_chapter",
    "request_access",
    "request_erasure",
    "reset_progress",
    "revoke_certificate",
    "send_request_digest",
    "set_email",
    "setting_faults",
    "undo_decision",
    "undo_many",
    "unenroll",
    "vouch_for",
    "withdraw_erasure",
    "withdraw_offer",
    "write_search_words",
]
