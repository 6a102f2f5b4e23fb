"""Why nobody signs in, gets an account or changes one, or the school's settings."""

from lms.refusals.base import Invalid, NotFound, Refusal


class UserNotFound(NotFound):
    detail = "This account doesn't exist. It may have been deleted."


class ErasureNotRequested(NotFound):
    detail = "This person has no erasure request waiting. Reload the list."


class ErasureChanged(Refusal):
    detail = "The request has changed since you opened this page. Read it again before you erase."


class SettingsChanged(Refusal):
    """Another admin was faster; `fields` differ from what there is, which is of this `version`."""

    detail = "Another admin has changed the settings since you opened this page."

    def __init__(self, fields: tuple[str, ...] = (), version: int = 0) -> None:
        self.fields, self.version = fields, version
        super().__init__()


class AddressNotConfirmed(Refusal):
    """Nobody gets anything by an address that may be somebody else's."""

    detail = (
        "This person's e-mail address isn't confirmed, so they can't be enrolled or made an admin."
        " Ask them to confirm it, or confirm it on their page."
    )


class VerificationNotPossible(Refusal):
    detail = "This link has been used or has expired. Request a new one."
    for_signed_in = "This link has been used or has expired."


class AddressConfirmed(Refusal):
    """There is nothing left to confirm."""

    detail = "This address is already confirmed."


class InvitationAccepted(Refusal):
    """The account has a password, by this link or otherwise."""

    detail = "This account already has a password. Sign in, or choose “Forgot your password?”."
    for_signed_in = "This invitation has already been used."


class InvitationNotPossible(Refusal):
    detail = (
        "The link has expired, or the account was changed or deactivated. We can send a new link"
        " to your address. If it doesn't arrive, ask the school."
    )


class SchoolIsOpen(Refusal):
    """There is an admin, so nobody can become the first one."""

    detail = (
        "This school already has an admin. An admin can make someone else an admin on that"
        " person's page, and `flask users create EMAIL --name NAME --role admin` adds one."
    )
    for_visitors = "This school is already set up. Sign in."


class SetupNotPossible(Refusal):
    detail = (
        "The link has expired or is incomplete. Restart the portal, or run flask setup-link, to"
        " get a new one."
    )


class AddressChangeNotPossible(Refusal):
    detail = (
        "This link has been used or has expired, or belongs to another account."
        " Change your address in your profile to get a new one."
    )
    none_waits = (
        "There's no address waiting to be confirmed. To change yours, enter the new one below."
    )


class AddressUndoNotPossible(Refusal):
    detail = "This link has been used or has expired. Ask your school for help."


class EmailTaken(Invalid):
    """Another account has this address."""

    def __init__(self) -> None:
        super().__init__(
            "email", "An account with this e-mail address already exists. Enter a different one."
        )


class WrongCredentials(Refusal):
    detail = "The e-mail or password is wrong. Try again, or reset your password below."


class SecondFactorNeeded(Refusal):
    """The password is right; no session begins before the second step."""

    detail = "Enter the code from your second factor."

    def __init__(self, *, user_id: int, email: str, password_hash: str) -> None:
        super().__init__()
        self.user_id = user_id
        self.email = email
        self.password_hash = password_hash
        """The one that was verified: the second step ends with it."""


class WrongCode(Refusal):
    detail = "This code is wrong. Enter the one that your app shows now, or a recovery code."
    without_app = "This code is wrong. Enter one of your recovery codes."


class CodeUsed(WrongCode):
    detail = "This code has been used. Wait until your app shows the next one."


class PasskeyRefused(Refusal):
    detail = "This passkey didn't work here. Try again, or use another method."


class FactorKnown(Refusal):
    detail = "This is already one of your second factors. Add a different one."


class LastFactor(Refusal):
    detail = "This school requires a second factor. Add another one before you remove this one."


class NoFactor(Refusal):
    detail = "Recovery codes only work with a second factor. Add one first."


class ResetNotPossible(Refusal):
    detail = "This link has been used or has expired. Request a new one here."
    without_mail = "This link has been used or has expired."
