"""Payments in the demo: the portal uses a stand-in for Stripe, so that anyone can buy."""

import os
import socket
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from flask import Flask

_KEY = "sk_test_of_the_stand_in"


@dataclass(frozen=True)
class DemoPayments:
    """A stand-in for Stripe that runs beside the portal, and that the portal calls."""

    port: int
    portal_port: int
    folder: Path
    secret: str

    @classmethod
    def beside(cls, app: Flask, portal_port: int) -> "DemoPayments | None":
        """Point the portal at a stand-in; None if payments are configured, or in production."""
        if not _is_free_of_stripe(app):
            return None
        folder = stripe_folder(app)
        port = _port(folder, portal_port + 1)
        return cls(port, portal_port, folder, _point(app, port))

    def run(self) -> None:
        """Serve until the process is asked to end."""
        from lms.demo import stripe  # noqa: PLC0415 - only its own process pays for the import

        portal = f"http://127.0.0.1:{self.portal_port}"
        stripe.serve(self.port, portal, self.folder, _KEY, self.secret)


def find_demo_payments(app: Flask) -> None:
    """Point a command at the stand-in that a running `flask serve` has, if there is one."""
    note = stripe_folder(app) / "port"
    if _is_free_of_stripe(app) and note.exists():
        port = int(note.read_text())
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                _point(app, port)


def _is_free_of_stripe(app: Flask) -> bool:
    configured = ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE")
    is_development = app.config["LMS_ENV"] == "development"
    return is_development and not any(app.config[key] for key in configured)


def stripe_folder(app: Flask) -> Path:
    """Return the stand-in's data folder."""
    return Path(app.instance_path) / "stripe"


def _point(app: Flask, port: int) -> str:
    """Make the portal call the stand-in; return the secret that signs its webhooks."""
    # Derived, so that a restart still understands what was signed before it.
    digest = sha256(f"demo payments {app.config['SECRET_KEY']}".encode()).hexdigest()
    secret = f"whsec_{digest[:32]}"
    app.config["STRIPE_SECRET_KEY"] = _KEY
    app.config["STRIPE_WEBHOOK_SECRET"] = secret
    app.config["STRIPE_API_BASE"] = f"http://127.0.0.1:{port}"
    if app.config["STRIPE_AUTOMATIC_TAX"] == "off":
        app.config["STRIPE_AUTOMATIC_TAX"] = "included"  # as in the purchases of the demo school
    return secret


def _port(folder: Path, wanted: int) -> int:
    """Return the port of the last run, else the wanted one, else any that is free.

    Pages to pay at have the port in their address, so it should stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "port"
    before = note.read_text().strip() if note.exists() else ""
    for port in (int(before) if before.isdecimal() else wanted, wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", min(port, 65535)))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            draft = folder / f".port.{os.getpid()}"
            draft.write_text(str(found))
            draft.replace(note)
            return found
    raise OSError("no free port for the demo payments")
