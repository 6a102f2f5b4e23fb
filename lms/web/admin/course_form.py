"""The form of a course: what it is, and as one question how students get in."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from wtforms import BooleanField, HiddenField, IntegerField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import AnyOf, NumberRange, Optional, StopValidation

from lms import enrollment
from lms.currencies import CURRENCIES
from lms.db import LARGEST_ID
from lms.enrollment import Cover, Picture, normalize_status
from lms.enrollment.seen import ENTRY
from lms.models.catalog import COURSE_FIELDS, LONGEST_CODE, LONGEST_FACT, CourseFields
from lms.models.columns import LONGEST_TITLE
from lms.models.entry import ENTRIES, Flags, entry_of
from lms.money import MAX_PRICE, decimals, money, prices
from lms.queries.files import FileOfCourse
from lms.refusals import ContentChanged, Invalid
from lms.web.admin.pictures import PictureForm
from lms.web.admin.saved_now import SavedNow, saved_now
from lms.web.forms import AmountField, a_number, long_text_field, refuse, text_field
from lms.web.school import school, suggested_currency

AS_STORED = "as_stored"
"""No answer to the question: the flags beside it count, as in forms that don't ask it."""
_SEATS = "Enter a whole number of seats, or leave it empty for no limit."
_STATUSES = [
    ("draft", "Draft: hidden from students who aren't enrolled"),
    ("published", "Published: in the catalog, open to students"),
    ("active", "Active: the same as Published (some older systems use this name)"),
    ("archived", "Archived: no longer in the catalog; enrolled students keep access"),
]
_ENTRIES = [
    ("everybody", "Everybody at once"),
    ("join", "Join freely"),
    ("buy", "Buy"),
    ("ask", "Ask"),
    ("ask_buy", "Ask, then buy"),
    (AS_STORED, "As it is now"),
]


_FLAGS = {*Flags._fields}
_FIELDS = {"price_cents": "price"}
"""Which field of the form stands for which value."""
_PRICE_MISSING = "Enter the price, or choose one of the free options."


class _Price:
    """Refuses what is no number, what can be two, and what no such course may cost."""

    field_flags: ClassVar = {"required": True}

    def __call__(self, form: "CourseForm", field: AmountField) -> None:
        answer = form.answer
        if not (field.raw_data and str(field.raw_data[0]).strip()):
            if answer is None:
                raise StopValidation("Enter a price. 0 means free.")
            if answer.is_sold:
                raise StopValidation(_PRICE_MISSING)
            field.data, field.errors = Decimal(0), []
            raise StopValidation
        _check_amount(form, field)
        if answer and answer.is_sold and not field.data:
            raise StopValidation(_PRICE_MISSING)
        if answer and not answer.is_sold and field.data:
            raise StopValidation(
                "The option you chose is free. Enter 0, or choose “Buy” or “Ask, then buy”."
            )


def _check_amount(form: "CourseForm", field: AmountField) -> None:
    typed = (form["currency"].data or "").strip().lower()
    if typed and typed not in CURRENCIES:  # which is said at its own field
        a_number("Enter a price, such as 49.00.")(form, field)
        return
    currency = typed or school().currency
    words = prices(currency)
    a_number(words)(form, field)
    if doubt := field.doubt(currency):
        raise StopValidation(doubt)
    NumberRange(0, MAX_PRICE, message=words)(form, field)


class CourseForm(PictureForm):
    """A course; the price in the currency's own units, as people write it.

    `seen` is what the page showed of a course that there is.
    """

    seen = HiddenField()
    title = text_field("Title", most=LONGEST_TITLE, required="Enter a title.")
    code = text_field("Code", most=LONGEST_CODE)
    description = long_text_field("Description", most=5000)
    teacher = text_field("Teacher", most=LONGEST_FACT)
    duration = text_field("Length", most=LONGEST_FACT)
    status = SelectField(
        "Status",
        choices=[SelectChoice(*status) for status in _STATUSES],
        coerce=normalize_status,
        validators=[AnyOf([name for name, _ in _STATUSES], "Choose a status.")],
        validate_choice=False,
    )
    entry = RadioField(
        "How do students get in?",
        choices=[SelectChoice(*entry) for entry in _ENTRIES],
        default="ask",
        validators=[
            Optional(),
            AnyOf([*ENTRIES, AS_STORED], "Choose how students get in."),
        ],
        validate_choice=False,
    )
    is_default_unlocked = BooleanField("Open to everyone")
    is_public = BooleanField("Open enrollment")
    requires_approval = BooleanField("Requires approval")
    price = AmountField("Price", [_Price()], default=Decimal(0))
    currency = text_field(
        "Currency",
        most=3,
        required="Enter a currency, such as EUR.",
        default=suggested_currency,
    )
    allows_promotion_codes = BooleanField("Promotion codes")
    cover = SelectField("Picture", choices=[], validate_choice=False)
    """One of the pictures that the course has; a new one goes before it."""
    cover_shown = HiddenField()
    """The one that the page showed: who left it may not know of another that was chosen since."""
    capacity = IntegerField(
        "Capacity", [Optional(), a_number(_SEATS), NumberRange(0, LARGEST_ID, message=_SEATS)]
    )

    def validate(self, extra_validators: Mapping[str, Any] | None = None) -> bool:
        """Check the fields, with the flags as the question was answered: all faults at once."""
        if self.answer is not None:
            for name, said in self.answer._asdict().items():
                if name in self and said is not None:
                    self[name].data = said
        super().validate(extra_validators)
        is_whole = self.status.data is not None  # what isn't is no form of ours
        for fault in enrollment.course_faults(self.fields()) if is_whole else ():
            field = _FIELDS.get(fault.field, fault.field)
            if not self[field].errors:
                refuse(self, Invalid(field, fault.detail))
        if self.answer is None and self.entry.data != AS_STORED and not self.entry.errors:
            self.entry.data = entry_of(self.fields()) or AS_STORED
        return not self.errors

    @property
    def answer(self) -> Flags | None:
        """What the answer says that was sent; None if there is none, as in forms without it."""
        return ENTRIES.get(self.entry.data) if self.entry.raw_data else None

    @property
    def held_flags(self) -> list[str]:
        """The flags that are set, as people read them; for a combination that is no answer."""
        flags = (self.is_default_unlocked, self.is_public, self.requires_approval)
        return [flag.label.text for flag in flags if flag.data]

    def offer(self, pictures: Iterable[FileOfCourse]) -> None:
        """Let one of these be chosen, or none; where nothing was sent, what there is is chosen."""
        there = next((str(each.id) for each in pictures if each.is_cover), "")
        if self.cover.data is None:
            self.cover.data = there
        if self.cover_shown.data is None or self.cover.errors:
            self.cover_shown.data = there
        named = [(str(each.id), each.name) for each in pictures]
        self.cover.choices = [SelectChoice(*each) for each in [("", "None"), *named]]

    def picture_to_save(self) -> Picture | Cover | None:
        """Return what the course is to show, None to leave it; raises Invalid at `cover`."""
        typed = self.cover.data
        if self.chosen is not None or typed in {None, self.cover_shown.data}:
            return self.chosen
        if typed and not (typed.isascii() and typed.isdecimal() and len(typed) < 10):
            raise Invalid("cover", "Choose one of the course's pictures.")
        return Cover(int(typed) if typed else None, shown=self.cover_shown.data)

    def fields(self) -> CourseFields:
        """Return what the form says, in minor units."""
        currency = (self.currency.data or "").lower()
        minor = self.price.minor_units(currency)
        return CourseFields(
            **{name: self[name].data for name in COURSE_FIELDS if name in self},
            price_cents=-1 if minor is None else minor,
        )


def course_values(course: Any) -> dict[str, Any]:
    """Return a course as its form shows it."""
    held = CourseFields.of(course)
    price = Decimal(course.price_cents).scaleb(-decimals(course.currency))
    currency = held.currency.upper()
    return {
        **vars(held),
        "currency": currency,
        "price": price,
        "entry": entry_of(held) or AS_STORED,
    }


def refuse_course(form: CourseForm, refusal: Invalid) -> None:
    """Show a verb's refusal at the field that has to change; the price is typed in whole units."""
    refuse(form, Invalid(_FIELDS.get(refusal.field, refusal.field), refusal.detail))


def course_saved_now(form: CourseForm, refusal: ContentChanged) -> SavedNow:
    """Return what is saved of a course by now, where its form would have overwritten it."""
    held, wished = CourseFields(**refusal.now), form.fields()
    shown = course_values(held)
    names = list(refusal.untouched)
    if "price_cents" in names:
        names += ["price", "entry"]
    untouched = {name: shown[name] for name in names}
    words = [_said(form, held, name) for name in refusal.differing if name not in _FLAGS]
    is_other = entry_of(held) != entry_of(wished) and not {*ENTRY}.isdisjoint(refusal.differing)
    if is_other or not words:
        words.insert(0, ("How students get in", dict(_ENTRIES)[entry_of(held) or AS_STORED]))
    return saved_now(form, refusal, "course", untouched=untouched, words=words)


def _said(form: CourseForm, held: CourseFields, name: str) -> tuple[str, str]:
    if name == "price_cents":
        price = money(held.price_cents, held.currency) if held.price_cents else "free"
        return form.price.label.text, price
    value = getattr(held, name)
    if name == "currency":
        value = value.upper()
    elif name == "capacity":
        value = "no limit" if value is None else str(value)
    elif name == "status":
        value = value.capitalize()
    elif isinstance(value, bool):
        value = "yes" if value else "no"
    return form[name].label.text, value or ""
