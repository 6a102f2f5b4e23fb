"""Confirm that it's you: asked for before what cannot be undone, with nothing typed lost."""

from urllib.parse import urlsplit

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField

from lms import accounts
from lms.accounts.second_step import Typed
from lms.queries.people import factors
from lms.refusals import Invalid, PasskeyRefused, RateLimited, Refusal, WrongCode
from lms.web import trace
from lms.web.addresses import inside, next_page, this_page, whole
from lms.web.asking import limit
from lms.web.auth.blueprint import bp, page
from lms.web.auth.challenges import PasskeyForm, answered, party
from lms.web.auth.second_step import options
from lms.web.errors import answer, wants_json
from lms.web.forms import refuse
from lms.web.interrupted import ACTION, PROOF, sent_fields
from lms.web.session import ProofNeeded, home, leading_to, person, require_signed_in
from lms.web.signing import keys


class ProofForm(PasskeyForm):
    """One of a password, a code and a passkey's answer."""

    password = PasswordField("Password")
    code = StringField("Code")


@bp.app_errorhandler(ProofNeeded)
def ask_for_proof(_error: ProofNeeded) -> Response:
    """Ask for a proof, and go on with what was asked for once it is given."""
    trace.refused("proof needed")
    if wants_json():
        detail = "Confirm that it's you: POST your password to /api/session/proof, then try again."
        return answer(403, "forbidden", detail)
    address = this_page()
    if request.method == "GET":
        return leading_to(url_for("auth.proof", next=address), 403)
    asked = _proof_page(ProofForm(formdata=None, prefix=PROOF), address)
    asked.status_code = 403
    return asked


@bp.route("/profile/proof", methods=["GET", "POST"])
def proof() -> Response:
    """Prove by password, code or passkey that it is still the same person."""
    require_signed_in()
    target = next_page()
    action = _action()
    form = ProofForm(prefix=PROOF)
    if form.is_submitted() and form.validate():
        try:
            _prove(form)
        except Invalid as refusal:
            refuse(form, refusal)
        except (PasskeyRefused, WrongCode, RateLimited) as refusal:
            return _proof_page(form, action, target, refusal)
        else:
            if action:
                return redirect(action, 307)  # the same form, to where it was sent at first
            return _on_to(target)
    elif not form.is_submitted() and accounts.is_fresh(person().sign_in_id):
        return make_response(render_template("auth/proved.html", next=target or home()))
    return _proof_page(form, action, target)


@bp.get("/profile/proof/passkey")
def proof_options() -> Response:
    """Give the browser what it asks a passkey for."""
    require_signed_in()
    return options("proof", person().id)


def _action() -> str | None:
    """Return where the form goes that waits for the proof; this page would send itself for ever."""
    action = inside(request.form.get(ACTION))
    return action if action and urlsplit(action).path != request.path else None


def _prove(form: ProofForm) -> None:
    mine = (person().id, person().sign_in_id)
    if form.credential.data:
        shown = answered("proof", form, person().id)
        accounts.prove_by_factor(*mine, shown, limit=limit())
    elif form.code.data and not form.password.data:
        typed = Typed(form.code.data, keys(), whole("auth.profile"))
        accounts.prove_by_factor(*mine, typed, limit=limit())
    elif form.password.data:
        accounts.prove_by_password(*mine, form.password.data, limit=limit())
    else:  # nothing that could be wrong: it counts as no try
        either = " or a code" if factors(person().id) else ""
        raise Invalid("password", f"Enter your password{either}.")


def _on_to(target: str | None) -> Response:
    """Redirect to a page; to a file by a page with its link, or nothing would seem to happen."""
    is_file = "." in urlsplit(target or "").path.rpartition("/")[2]
    address = url_for("auth.proof", next=target) if is_file else target or home()
    return redirect(address, 303)


def _proof_page(
    form: ProofForm,
    action: str | None,
    target: str | None = None,
    refusal: Refusal | None = None,
) -> Response:
    kinds = {factor.kind for factor in factors(person().id)}
    form.password.flags.required = not kinds  # the only way then
    return page(
        "auth/proof.html",
        form,
        refusal,
        action=action,
        next=target,
        carried=sent_fields(),
        has_factor=bool(kinds),
        has_app="totp" in kinds,
        offers_passkey="passkey" in kinds and party() is not None,
    )
