"""The portal behind the nginx of docs/deploy, as a school on the internet runs it."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lms import accounts
from lms.db import now
from lms.web.uploads import UPLOADS, Upload
from tests import debian
from tests.databases import Sqlite
from tests.outside.client import PASSWORD, token_of
from tests.patience import PATIENCE, comes
from tests.server import ROOT, Portal, free_port, serving

HOST = "school.example.org"
DEPLOY = ROOT / "docs/deploy"
_AROUND = """
daemon off;
error_log stderr;
pid nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    {site}
}}
"""


@pytest.fixture(scope="module")
def proxied(sqlite: Sqlite) -> Iterator[tuple[Portal, int]]:
    """A portal in production, and the port at which nginx has its certificate."""
    nginx = str(debian.program("nginx"))
    address = f"https://{HOST}"
    with (
        sqlite.migrated() as url,
        serving(
            url,
            LMS_ENV="production",
            LMS_CHEAP_HASHES="0",
            PUBLIC_URL=address,
            TRUSTED_PROXIES="1",
        ) as portal,
        tempfile.TemporaryDirectory(prefix="lms-nginx-") as folder,
    ):
        port = free_port()
        site = _site(Path(folder), at=port, to=portal.port)
        (Path(folder) / "nginx.conf").write_text(_AROUND.format(site=site))
        command = [nginx, "-p", folder, "-c", f"{folder}/nginx.conf", "-e", "stderr"]
        with subprocess.Popen(command) as process:
            try:
                assert comes(lambda: _answers(port))
                yield portal, port
            finally:
                process.terminate()
                process.wait(PATIENCE)


def _site(folder: Path, *, at: int, to: int) -> str:
    """Return the configuration of docs/deploy, for the ports and the certificate of this test."""
    site = (DEPLOY / "nginx.conf").read_text("utf-8")
    _certify(folder)
    changes = {
        r"listen 80;": f"listen 127.0.0.1:{free_port()};",
        r"listen 443 ssl http2;": f"listen 127.0.0.1:{at} ssl http2;",
        r"/etc/ssl/school\.example\.org\.(crt|key)": rf"{folder}/\1",
        r"server 127\.0\.0\.1:8000;": f"server 127.0.0.1:{to};",
    }
    for pattern, replacement in changes.items():
        site, number = re.subn(pattern, replacement, site)
        assert number, f"docs/deploy/nginx.conf says no more: {pattern}"
    return site


def _certify(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


class _Browser(requests.Session):
    """Whoever asks for the school by its name."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.verify = False
        self.trust_env = False  # a bundle of certificates named there would count instead
        self.headers["Host"] = HOST
        self._at = f"https://127.0.0.1:{port}"

    def ask(self, method: str, path: str, **sent: object) -> requests.Response:
        """Send a request with the cookies of those before; their domain is the school's."""
        cookies = "; ".join(f"{each.name}={each.value}" for each in self.cookies)
        headers = {"Cookie": cookies, "Origin": f"https://{HOST}", **sent.pop("headers", {})}  # type: ignore[dict-item]
        return self.request(
            method,
            f"{self._at}{path}",
            headers=headers,
            allow_redirects=False,
            timeout=PATIENCE,
            **sent,  # type: ignore[arg-type]
        )


def _answers(port: int) -> bool:
    try:
        return _Browser(port).ask("GET", "/healthz").status_code == 200
    except requests.ConnectionError:
        return False


pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


def test_a_student_signs_in_and_an_unchanged_poll_stays_unchanged(
    proxied: tuple[Portal, int],
) -> None:
    portal, port = proxied
    email = "sam@example.org"
    portal.call(accounts.create_account, email=email, name="Sam", password=PASSWORD, role="student")
    browser = _Browser(port)
    page = browser.ask("GET", "/login")
    assert page.status_code == 200, page.text
    fields = {"email": email, "password": PASSWORD, "csrf_token": token_of(page)}
    signed_in = browser.ask("POST", "/login", data=fields)
    assert signed_in.status_code == 303, signed_in.text
    assert browser.ask("GET", "/student/dashboard").status_code == 200
    tag = browser.ask("GET", "/api/student/courses").headers["ETag"]
    sent = {"If-None-Match": tag}
    assert browser.ask("GET", "/api/student/courses", headers=sent).status_code == 304


def test_only_forms_for_files_may_send_more(proxied: tuple[Portal, int]) -> None:
    _, port = proxied
    body = b"x" * 2_000_000
    for path in ("/login", "/admin/courses", "/admin/courses/1/archive", "/admin/settings"):
        assert "nginx" in _Browser(port).ask("POST", path, data=body).text, path
    for upload in UPLOADS.values():
        path = _address(upload)
        answer = _Browser(port).ask(upload.method, path, data=body)
        assert "nginx" not in answer.text, path
        assert answer.status_code in {303, 400, 401, 403, 404, 413}, path


def test_caddy_lets_the_same_forms_send_more() -> None:
    """What docs/deploy has for Caddy names them twice, as nginx does once."""
    [nginx] = re.findall(r"location ~ (\S+) \{", (DEPLOY / "nginx.conf").read_text("utf-8"))
    caddy = re.findall(r"path_regexp (\S+)", (DEPLOY / "Caddyfile").read_text("utf-8"))
    assert caddy == [nginx, nginx]


def test_what_a_proxy_must_let_through_is_documented() -> None:
    said = (ROOT / "docs/operating.md").read_text("utf-8")
    for upload in UPLOADS.values():
        path = upload.path.replace("<id>", "*").replace("<key>", "")
        assert f"`{path}`" in said, path


def _address(upload: Upload) -> str:
    return upload.path.replace("<id>", "1").replace("<key>", "0f" * 16)


def test_what_a_client_claims_of_its_address_counts_nothing(proxied: tuple[Portal, int]) -> None:
    portal, port = proxied
    browser = _Browser(port)
    page = browser.ask("GET", "/login")
    fields = {"email": "nobody@example.org", "password": "wrong", "csrf_token": token_of(page)}
    claim = {"X-Forwarded-For": "203.0.113.77"}
    assert browser.ask("POST", "/login", data=fields, headers=claim).status_code == 422
    assert comes(lambda: "nobody" not in portal.said() and '"address"' in portal.said())
    assert "203.0.113" not in portal.said()
    assert "127.0.0.0/24" in portal.said()
