"""What a student sees: courses, their own learning, their requests and payments.

Figures and lists count every enrollment that queries.figures counts, whatever the course's status.
"""

from lms.queries.student.courses import (
    CATALOGUE_FILTERS,
    CatalogueFilter,
    CourseCard,
    CoursePage,
    chapter_body,
    course,
    course_count,
    course_title,
    courses,
)
from lms.queries.student.learning import (
    ChapterState,
    CourseProgress,
    EnrolledCourse,
    StudentStats,
    enrolled_courses,
    progress_details,
    stats,
)
from lms.queries.student.notices import (
    NoticeList,
    StudentCertificate,
    StudentNotice,
    certificates,
    notices,
    unread_notices,
)
from lms.queries.student.offers import StudentOffer, offers
from lms.queries.student.record import (
    StudentPayment,
    StudentRequest,
    payments,
    requests,
)

__all__ = [
    "CATALOGUE_FILTERS",
    "CatalogueFilter",
    "ChapterState",
    "CourseCard",
    "CoursePage",
    "CourseProgress",
    "EnrolledCourse",
    "NoticeList",
    "StudentCertificate",
    "StudentNotice",
    "StudentOffer",
    "StudentPayment",
    "StudentRequest",
    "StudentStats",
    "certificates",
    "chapter_body",
    "course",
    "course_count",
    "course_title",
    "courses",
    "enrolled_courses",
    "notices",
    "offers",
    "payments",
    "progress_details",
    "requests",
    "stats",
    "unread_notices",
]
