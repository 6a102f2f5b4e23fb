"""The form of a course as a browser sends it, with its picture."""

from io import BytesIO

from PIL import Image
from urllib3.filepost import encode_multipart_formdata
from werkzeug.test import TestResponse

from tests.web.browser import Browser

NEW = "/admin/courses/new"
TYPED = {"title": "Botany", "status": "published", "entry": "join", "currency": "eur", "price": "0"}


def a_picture(color: str = "red") -> bytes:
    made = BytesIO()
    Image.new("RGB", (640, 360), color).save(made, "PNG")
    return made.getvalue()


def send(
    admin: Browser, address: str, content: bytes = b"", name: str = "leaf.png", **typed: str
) -> TestResponse:
    """Send the form as a browser does: with an empty file where none is chosen."""
    fields: dict[str, str | tuple[str, bytes]] = {
        "csrf_token": admin.csrf_token(),
        **TYPED,
        **typed,
        "picture": (name, content) if content else ("", b""),
    }
    body, kind = encode_multipart_formdata(fields)  # Werkzeug's leaves a large one open
    return admin.post(address, data=body, content_type=kind)


def kept(page: str) -> str:
    """Return what the page carries of the picture that was chosen."""
    return page.partition('name="picture_kept" value="')[2].partition('"')[0]
