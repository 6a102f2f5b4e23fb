"""Forms of more than one page."""

from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired

from lms.models.columns import LONGEST_EMAIL
from lms.web.forms import at_most, storable, trimmed


class EmailForm(FlaskForm):
    """An address that a link may be sent to."""

    email = EmailField(
        "E-mail", filters=[trimmed], validators=[InputRequired("Enter your e-mail address.")]
    )


class ResetForm(FlaskForm):
    password = PasswordField("New password", validators=[InputRequired("Choose a password.")])


class AddressForm(FlaskForm):
    """Another address for one's own account."""

    email = EmailField(
        "New address",
        filters=[trimmed],
        validators=[InputRequired("Enter an address."), at_most(LONGEST_EMAIL), storable],
    )
    current_password = PasswordField(
        "Your password",
        validators=[InputRequired("Enter your password.")],
        id="address-password",  # the form for a new one, on the same page, asks for it too
    )
