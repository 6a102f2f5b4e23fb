"""The student's pages: what to do next, courses to find and read, progress, requests, payments."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec
from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from lms import enrollment
from lms import payments as purchases
from lms.ledger.payment_beginnings import SECOND_PAYMENT
from lms.queries import student as queries
from lms.queries.paging import pages
from lms.queries.student import (
    CATALOGUE_FILTERS,
    CatalogueFilter,
    ChapterState,
    CoursePage,
)
from lms.refusals import (
    AlreadyReviewed,
    NotFound,
    OfferNotFound,
    RateLimited,
    Refusal,
    RequestNotFound,
    way_without_stripe,
)
from lms.web import stripe, trace
from lms.web.addresses import origin
from lms.web.bounds import MESSAGE_LENGTH
from lms.web.errors import too_many
from lms.web.forms import (
    long_text_field,
    page_number,
    search_text,
    status_of,
    way_back,
)
from lms.web.lessons import shown as shown_lesson
from lms.web.live import live
from lms.web.markdown import plain_text, render
from lms.web.school import school
from lms.web.session import person, require

P = ParamSpec("P")

bp = Blueprint("student", __name__, url_prefix="/student")
bp.before_request(require("student"))
bp.add_app_template_filter(render, "markdown")
bp.add_app_template_filter(plain_text, "plain_text")
bp.add_app_template_global(way_without_stripe)

SHOWN_ON_DASHBOARD = 6
_OVER = (RequestNotFound, OfferNotFound)
"""What a page may still show that is over, by its time or by another tab."""


class RequestForm(FlaskForm):
    message = long_text_field("Message", most=MESSAGE_LENGTH)


@bp.get("/dashboard")
@live("catalogue")
def dashboard() -> str:
    """Say what to do next."""
    me = person().id
    requests = queries.requests(me)
    return render_template(
        "student/dashboard.html",
        stats=queries.stats(me),
        unfinished=queries.enrolled_courses(me, finished=False, limit=SHOWN_ON_DASHBOARD),
        finished=queries.enrolled_courses(me, finished=True, limit=SHOWN_ON_DASHBOARD),
        offers=queries.offers(me),
        sells=stripe.is_configured(),
        says_how=bool(school().how_to_pay),
        pending=[each for each in requests if each.status == "pending"],
        decided=[each for each in requests if each.status != "pending"][:SHOWN_ON_DASHBOARD],
    )


@bp.get("/courses")
@live("catalogue")
def courses() -> str:
    """Show the catalog, searched and filtered."""
    me, q, show = person().id, search_text(), _filter()
    total = queries.course_count(me, q, show)
    page = min(page_number(), pages(total))
    return render_template(
        "student/courses.html",
        courses=queries.courses(me, q, show, page),
        q=q,
        show=show,
        page=page,
        pages=pages(total),
        total=total,
        href_for=_catalogue_page,
        here=_catalogue_page(page),
        sells=stripe.is_configured(),
        says_how=bool(school().how_to_pay),
    )


@bp.get("/courses/<int:course_id>")
@live("catalogue")
def course(course_id: int) -> str:
    """Show a course: the reader for enrolled students, the description for others."""
    return _course_page(course_id, RequestForm())


@bp.get("/progress")
@live("catalogue")
def progress() -> str:
    """Show how far the student got, course by course and chapter by chapter."""
    me = person().id
    stats = queries.stats(me)
    page = min(page_number(), pages(stats.enrolled_courses))
    return render_template(
        "student/progress.html",
        stats=stats,
        courses=queries.progress_details(me, page),
        certificates=queries.certificates(me),
        page=page,
        pages=pages(stats.enrolled_courses),
        href_for=lambda number: url_for(".progress", page=number),
    )


@bp.get("/requests")
@live("catalogue")
def requests() -> str:
    """Show the student's requests and their decisions."""
    found = queries.requests(person().id)
    return render_template(
        "student/requests.html",
        offers=queries.offers(person().id),
        sells=stripe.is_configured(),
        says_how=bool(school().how_to_pay),
        pending=[each for each in found if each.status == "pending"],
        decided=[each for each in found if each.status != "pending"],
    )


@bp.get("/payments")
@live("catalogue")
def payments() -> str:
    """Show what the student has paid."""
    return render_template("student/payments.html", payments=queries.payments(person().id))


def _showing_refusals(
    view: Callable[P, ResponseReturnValue],
) -> Callable[P, ResponseReturnValue]:
    """Make the refusal of a verb a message on the page that the form was on.

    Somebody else may have decided, joined or paid since the page was made: that is news, no error.
    What is gone, or never was there, stays a 404; what was too often a 429, but in an open page.
    """

    @wraps(view)
    def act(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        try:
            return view(*args, **kwargs)
        except Refusal as refusal:
            if isinstance(refusal, NotFound) and not isinstance(refusal, _OVER):
                raise
            if isinstance(refusal, RateLimited):
                if not request.headers.get("HX-Request"):
                    raise
                trace.limited(refusal.limit)
            said = refusal.detail
            if isinstance(refusal, RequestNotFound | OfferNotFound | AlreadyReviewed):
                said = refusal.for_students
            flash(said, "warning")
            course_id = kwargs.get("course_id")
            page = url_for(".course", course_id=course_id) if course_id else url_for(".requests")
            return redirect(way_back(page), 303)

    return act


@bp.post("/courses/<int:course_id>/request")
@_showing_refusals
def request_access(course_id: int) -> ResponseReturnValue:
    """Request access, with or without a message."""
    form = RequestForm()
    if not form.validate():
        return _course_page(course_id, form), status_of(form)
    try:
        enrollment.request_access(person().id, course_id, message=form.message.data or "")
    except RateLimited as refusal:
        if request.headers.get("HX-Request"):  # the page is there still, with what was typed
            raise
        form.message.errors = [refusal.detail]
        return too_many(_course_page(course_id, form), refusal)
    flash(f"You requested access to {queries.course_title(course_id)}.", "success")
    return _back_to_course(course_id)


@bp.post("/requests/<int:request_id>/cancel")
@_showing_refusals
def cancel_request(request_id: int) -> ResponseReturnValue:
    """Cancel a pending request."""
    enrollment.cancel_request(request_id, by=person().id)
    flash("Request canceled.", "success")
    return redirect(way_back(url_for(".requests")), 303)


@bp.post("/offers/<int:offer_id>/decline")
@_showing_refusals
def decline_offer(offer_id: int) -> ResponseReturnValue:
    """Decline an offer, so that its seat goes to the next who waits."""
    course_id = enrollment.decline_offer(offer_id, by=person().id)
    said = f"You declined the offer for {queries.course_title(course_id)}."
    paid = queries.payments(person().id, course_id)
    if any(each.status == "pending" for each in paid):
        said += " Don't complete the checkout you opened."
    flash(said, "success")
    return _back_to_course(course_id)


@bp.post("/courses/<int:course_id>/enroll")
@_showing_refusals
def enroll(course_id: int) -> ResponseReturnValue:
    """Enroll in a course that is public and free."""
    enrollment.enroll_directly(person().id, course_id)
    flash(f"You're enrolled in {queries.course_title(course_id)}.", "success")
    return _back_to_course(course_id)


@bp.get("/courses/<int:course_id>/leave")
@_showing_refusals
def leaving(course_id: int) -> ResponseReturnValue:
    """Say what leaving a course means, or why it can't be left."""
    me = person().id
    enrollment.check_leaving(me, course_id)
    return render_template("student/leave.html", course=queries.course(me, course_id).card)


@bp.post("/courses/<int:course_id>/leave")
@_showing_refusals
def leave(course_id: int) -> ResponseReturnValue:
    """Leave a course that wasn't bought."""
    enrollment.leave(person().id, course_id)
    flash(f"You left {queries.course_title(course_id)}. Your progress is saved.", "success")
    return redirect(url_for(".courses"), 303)


@bp.post("/courses/<int:course_id>/buy")
@_showing_refusals
def buy(course_id: int) -> ResponseReturnValue:
    """Lead to the page where the course is paid."""
    url = purchases.buy(stripe.gateway(), person().id, course_id, origin=origin())
    return redirect(url, 303)


@bp.post("/courses/<int:course_id>/chapters/<int:chapter_id>/complete")
@_showing_refusals
def complete_chapter(course_id: int, chapter_id: int) -> ResponseReturnValue:
    """Mark a chapter as completed, and lead on to the next one that is not."""
    standing = enrollment.complete_chapter(person().id, chapter_id)
    if standing.progress == 100:
        title = queries.course_title(standing.course_id)
        flash(f"Well done! You've completed {title}.", "success")
        return redirect(way_back(_chapter_page(standing.course_id, chapter_id)), 303)
    flash(
        f"{standing.completed_chapters} of {standing.total_chapters} chapters completed.", "success"
    )
    following = _unread_after(queries.course(person().id, standing.course_id), chapter_id)
    return redirect(way_back(_chapter_page(standing.course_id, following or chapter_id)), 303)


@bp.post("/courses/<int:course_id>/chapters/<int:chapter_id>/reopen")
@_showing_refusals
def reopen_chapter(course_id: int, chapter_id: int) -> ResponseReturnValue:
    """Take the completion of a chapter back."""
    standing = enrollment.reopen_chapter(person().id, chapter_id)
    flash("The chapter is marked incomplete.", "info")
    return redirect(way_back(_chapter_page(standing.course_id, chapter_id)), 303)


def _filter() -> CatalogueFilter:
    asked = request.args.get("show", "all")
    return next((known for known in CATALOGUE_FILTERS if known == asked), "all")


def _catalogue_page(page: int) -> str:
    asked = {"q": search_text(), "show": _filter(), "page": page}
    ordinary = {"q": "", "show": "all", "page": 1}
    chosen = {name: value for name, value in asked.items() if value != ordinary[name]}
    return url_for(".courses") + (f"?{urlencode(chosen)}" if chosen else "")


def _chapter_page(course_id: int, chapter_id: int) -> str:
    return url_for(".course", course_id=course_id, chapter=chapter_id)


def _back_to_course(course_id: int) -> Response:
    return redirect(way_back(url_for(".course", course_id=course_id)), 303)


def _course_page(course_id: int, form: RequestForm) -> str:
    me = person().id
    page = queries.course(me, course_id)
    if page.card.is_enrolled:
        return _reader(page)
    newest = next(iter(queries.requests(me, course_id)), None)
    paid = queries.payments(me, course_id)
    return render_template(
        "student/course.html",
        course=page.card,
        chapters=page.chapters,
        form=form,
        rejection=newest if newest and newest.status == "rejected" else None,
        payment=next(iter(paid), None),
        second_payment=SECOND_PAYMENT if any(each.status == "disputed" for each in paid) else "",
        here=url_for(".course", course_id=course_id),
        sells=stripe.is_configured(),
        says_how=bool(school().how_to_pay),
    )


def _reader(page: CoursePage) -> str:
    shown = _chapter_shown(page)
    place = page.chapters.index(shown) if shown else 0
    around = [_chapter_page(page.card.id, chapter.id) for chapter in page.chapters]
    unread = _unread_after(page, shown.id) if shown else None
    return render_template(
        "student/reader.html",
        course=page.card,
        chapters=page.chapters,
        shown=shown,
        body=shown_lesson(queries.chapter_body(shown.id) if shown else "", page.card.id),
        can_leave=enrollment.can_leave(person().id, page.card.id),
        is_certified=page.card.progress == 100 and _is_certified(page.card.id),
        previous_page=around[place - 1] if place else "",
        next_page=around[place + 1] if place + 1 < len(around) else "",
        unread_page=_chapter_page(page.card.id, unread) if unread else "",
        here=around[place] if around else url_for(".course", course_id=page.card.id),
    )


def _is_certified(course_id: int) -> bool:
    return any(each.revoked_at is None for each in queries.certificates(person().id, course_id))


def _chapter_shown(page: CoursePage) -> ChapterState | None:
    """Return the requested chapter; by default the first incomplete one, or the first."""
    asked = request.args.get("chapter", type=int)
    chosen = next((chapter for chapter in page.chapters if chapter.id == asked), None)
    return chosen or page.next_unread or next(iter(page.chapters), None)


def _unread_after(page: CoursePage, chapter_id: int) -> int | None:
    """Return the next chapter that is not completed, from the beginning again after the last."""
    ids = [chapter.id for chapter in page.chapters]
    place = ids.index(chapter_id) if chapter_id in ids else 0  # an admin may have removed it
    following = page.chapters[place + 1 :] + page.chapters[:place]
    return next((chapter.id for chapter in following if not chapter.is_completed), None)
