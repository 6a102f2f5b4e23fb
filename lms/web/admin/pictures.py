"""A picture that a form takes beside its other fields; it stays chosen while they are corrected."""

from dataclasses import asdict

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from itsdangerous import BadData
from wtforms import BooleanField, HiddenField

from lms.enrollment import Picture
from lms.files import store
from lms.files.content import Content
from lms.files.taking import take_picture
from lms.refusals import Invalid
from lms.signatures import Signatures
from lms.web.admin.files import refuse_without_room
from lms.web.signing import serializer
from lms.web.turns import turn
from lms.web.uploads import unkept

_SECONDS = 3_000
"""Less than the hour for which a content stays that no row names yet."""
GONE = "The picture is no longer on the server. Choose it again."


class PictureForm(FlaskForm):
    """A form with a picture."""

    picture = FileField("Picture")
    picture_kept = HiddenField()
    """What was chosen when the form was sent before, signed at that moment."""
    picture_dropped = BooleanField("Don't use this picture")

    chosen: Picture | None = None
    """The picture that was chosen, now or then."""

    def validate_with_picture(self) -> bool:
        """Check the fields, and take the picture in, which may lead to an error at its own."""
        is_valid: bool = self.validate()
        if "csrf_token" in self.errors:
            return False
        kept, self.picture_kept.data = self.picture_kept.data, None
        is_dropped, self.picture_dropped.data = self.picture_dropped.data, False
        try:
            if self.picture.data:
                self.chosen = self._chosen_now()
                held = [self.chosen.name, asdict(self.chosen.content)]
                self.picture_kept.data = _signatures().dumps(held)
            elif kept and not is_dropped:
                self.chosen = _chosen_before(kept)
                self.picture_kept.data = kept  # the content's hour has not begun again either
        except Invalid as refusal:
            self.picture.errors = [refusal.detail]
            is_valid = False
        return is_valid

    def _chosen_now(self) -> Picture:
        given = self.picture.data
        try:
            with turn(), given.stream as file:
                content = take_picture(file, check=refuse_without_room)
        except OSError as error:
            raise unkept(error) from None
        return Picture(content, given.filename or "")


def _chosen_before(kept: str) -> Picture:
    try:
        name, content = _signatures().loads(kept, max_age=_SECONDS)
        found = Content(**content)
    except (BadData, TypeError, ValueError):  # too old, forged, or of another release
        raise Invalid("picture", GONE) from None
    if store.size(found.digest) != found.bytes:
        raise Invalid("picture", GONE)
    return Picture(found, name)


def _signatures() -> Signatures:
    return serializer("chosen-picture")
