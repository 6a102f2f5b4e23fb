"""Payments in the demo: the portal is pointed at a stand-in for Stripe, so that anybody can buy."""

import os
import socket
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from flask import Flask

_KEY = "sk_test_of_the_stand_in"


@dataclass(frozen=True)
class DemoPayments:
    """A stand-in for Stripe that runs beside the portal; it is where the portal's Stripe is."""

    port: int
    portal_port: int
    folder: Path
    secret: str

    @classmethod
    def beside(cls, app: Flask, portal_port: int) -> "DemoPayments | None":
        """Point the portal at a stand-in; None where payments are configured, or in production."""
        settings = app.config
        configured = ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE")
        if settings["LMS_ENV"] != "development" or any(settings[key] for key in configured):
            return None
        folder = Path(app.instance_path) / "stripe"
        port = _port(folder, portal_port + 1)
        # Derived, so that a restart still understands what was signed before it.
        digest = sha256(f"demo payments {settings['SECRET_KEY']}".encode()).hexdigest()
        settings["STRIPE_SECRET_KEY"] = _KEY
        settings["STRIPE_WEBHOOK_SECRET"] = f"whsec_{digest[:32]}"
        settings["STRIPE_API_BASE"] = f"http://127.0.0.1:{port}"
        return cls(port, portal_port, folder, settings["STRIPE_WEBHOOK_SECRET"])

    def run(self) -> None:
        """Serve until the process is asked to end."""
        from lms.demo import stripe  # noqa: PLC0415 - only its own process pays for the import

        portal = f"http://127.0.0.1:{self.portal_port}"
        stripe.serve(self.port, portal, self.folder, _KEY, self.secret)


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
    raise OSError("no port of this machine is free for the demo payments")
