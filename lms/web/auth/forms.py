"""Forms of more than one page."""

from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired

from lms.web.forms import NameForm, email_field, trimmed


class EmailForm(FlaskForm):
    """The address of an account, if there is one."""

    email = EmailField(
        "E-mail", filters=[trimmed], validators=[InputRequired("Enter your e-mail address.")]
    )


class AccountForm(NameForm):
    """A new account of one's own."""

    email = email_field("E-mail", required="Enter your e-mail address.")
    password = PasswordField("Password", validators=[InputRequired("Choose a password.")])


class ResetForm(FlaskForm):
    password = PasswordField("New password", validators=[InputRequired("Choose a password.")])


class AddressForm(FlaskForm):
    """Another address for one's own account."""

    email = email_field("New address", required="Enter an address.")
    current_password = PasswordField(
        "Your password",
        validators=[InputRequired("Enter your password.")],
        id="address-password",  # the form for a new one, on the same page, asks for it too
    )
