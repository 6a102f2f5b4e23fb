"""Forms of more than one page."""

from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired


class ResetForm(FlaskForm):
    password = PasswordField("New password", validators=[InputRequired("Choose a password.")])
