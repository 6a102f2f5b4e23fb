"""What tests read from a page's HTML."""

import re
from html import unescape

from lms.queries import student as queries
from tests.web.conftest import Act

ACTIONS = "Request access|Cancel request|Enroll|Buy|Continue"


def text_of(html: str) -> str:
    """Return what is read on a page, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def card(html: str, course_id: int) -> str:
    found = re.search(rf'<article[^>]* id="course-{course_id}".*?</article>', html, re.DOTALL)
    assert found, f"no course {course_id} on the page"
    return found[0]


def actions_of(html: str) -> list[str]:
    """Return the names of the buttons, and of the links that look like one."""
    buttons = re.findall(r"<(?:button|a class=\"btn)[^>]*>(.*?)</(?:button|a)>", html, re.DOTALL)
    return [name for name in map(text_of, buttons) if re.fullmatch(ACTIONS, name)]


def chapters_of(act: Act, course_id: int, student_id: int) -> list[int]:
    return [chapter.id for chapter in act(queries.course, student_id, course_id).chapters]


def error_at(html: str, field: str) -> str:
    """Return what a page says at a field of its form."""
    found = re.search(rf'<p class="field-error" id="{field}-error">(.*?)</p>', html, re.DOTALL)
    return text_of(found[1]) if found else ""


def entered(html: str) -> dict[str, str]:
    """Return what the fields of the page's form hold, as a browser would upload it again."""
    form = html[html.index("<form", html.index("<main")) :]
    found = {}
    for attributes in re.findall(r"<input ([^>]*)>", form[: form.index("</form>")]):
        values = dict(re.findall(r'(\w+)="([^"]*)"', attributes))
        found[values["name"]] = unescape(values.get("value", ""))
    for name, options in re.findall(
        r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        chosen = re.search(r'<option selected value="([^"]*)"', options)
        found[name] = unescape(chosen[1]) if chosen else ""
    found.pop("csrf_token", None)
    return found
