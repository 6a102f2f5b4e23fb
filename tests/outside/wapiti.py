"""Attack a demo with wapiti as nobody, student and admin: `make wapiti WAPITI=/path/to/wapiti`.

wapiti brings forty packages of its own, so it is no requirement of ours: docs/security.md says how
to install it.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.browser.demo import PASSWORDS, demo_school
from tests.outside.client import Client
from tests.server import Portal

MODULES = (
    "cookieflags,csp,exec,file,http_headers,permanentxss,redirect,sql,xss,crlf,csrf,methods,"
    "htaccess,xxe"
)
SECONDS = 600
"""For the crawl, and for each module at most a tenth of it."""
KNOWN = {"Secure Flag cookie"}
"""What is true of the demo alone, which speaks HTTP."""


def main(wapiti: str) -> int:
    """Print the findings; return how many are not known."""
    count = 0
    with demo_school() as portal, tempfile.TemporaryDirectory(prefix="lms-wapiti-") as folder:
        # Before any attack: wrong passwords from an address are counted, by whomever.
        cookies = {"nobody": ""} | {who: _cookie(portal, who) for who in ("student", "admin")}
        for who, cookie in cookies.items():
            for kind, finding in _findings(portal, wapiti, who, cookie, folder=Path(folder)):
                print(f"{who}: {kind}: {finding['method']} {finding['path']}: {finding['info']}")
                count += kind not in KNOWN
    print(f"{count} findings")
    return count


def _findings(
    portal: Portal, wapiti: str, who: str, cookie: str, *, folder: Path
) -> list[tuple[str, Any]]:
    report = folder / f"{who}.json"
    subprocess.run(
        [
            *(wapiti, "-u", f"{portal.url}/", "-s", f"{portal.url}/{_START[who]}", "-m", MODULES),
            *(("-H", f"Cookie: {cookie}", "--drop-set-cookie") if cookie else ()),
            *("-x", f"{portal.url}/logout", "-x", f"{portal.url}/profile/*"),
            *("--max-scan-time", str(SECONDS), "--max-attack-time", str(SECONDS // 10)),
            *("--max-links-per-page", "30", "--store-session", str(folder / who)),
            *("--no-bugreport", "--flush-session", "-f", "json", "-o", str(report)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )
    found = json.loads(report.read_text())
    print(f"{who}: {found['infos']['crawled_pages_nbr']} pages")
    return [
        (kind, finding)
        for group in ("vulnerabilities", "anomalies")
        for kind, findings in found[group].items()
        for finding in findings
    ]


_START = {
    "nobody": "login",
    "student": "student/dashboard",
    "admin": "admin/requests",
}


def _cookie(portal: Portal, who: str) -> str:
    email, password = PASSWORDS[who]
    client = Client(portal)
    client.sign_in(email, password)
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.http.cookies)


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1]), 1))
