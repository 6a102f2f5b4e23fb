"""Programs that tests run for real: the machine's own, or Debian's packages, unpacked.

`make dev` unpacks them, which needs no rights; neither PyPI nor npm has them. An environment
variable of the program's name in capitals, such as NGINX, names another one.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.missing import missing

_UNPACKED = Path(__file__).resolve().parents[1] / ".cache" / "debian"
_PACKAGES = {
    "pgbouncer": ("pgbouncer", "libevent-2.1-7", "libc-ares2"),
    "nginx": ("nginx", "libpcre2-8-0"),
    "promtool": ("prometheus",),
}


def program(name: str) -> Path:
    """Return the program to run; where there is none, skips the test, or fails it at night."""
    found = os.environ.get(name.upper()) or _found(name)
    if found is None:
        missing(f"{name}: `make dev` found none to unpack, and {name.upper()} names none")
    return Path(found)


def libraries(of: Path) -> list[Path]:
    """Return the libraries that were unpacked with a program; none beside the machine's own."""
    own = next((folder for folder in of.parents if folder.parent == _UNPACKED), None)
    return list(own.rglob("lib*.so*")) if own else []


def prepare() -> None:
    """Unpack what the machine hasn't got; what can't be had is told."""
    for name, packages in _PACKAGES.items():
        if _found(name) is None and not _unpack(name, packages):
            print(f"{name} can't be had here: the tests that need it are skipped", flush=True)


def _found(name: str) -> str | None:
    ours = [str(_UNPACKED / name / "usr" / folder) for folder in ("sbin", "bin")]
    everywhere = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", *ours])
    return shutil.which(name, path=everywhere)


def _unpack(name: str, packages: tuple[str, ...]) -> bool:
    target = _UNPACKED / name
    with tempfile.TemporaryDirectory(prefix="lms-debian-") as folder:
        try:
            apt, dpkg = (shutil.which(each) or each for each in ("apt-get", "dpkg"))
            fetch = [apt, "download", "-qq", *packages]
            subprocess.run(fetch, check=True, cwd=folder, capture_output=True, timeout=120)
            target.mkdir(parents=True, exist_ok=True)
            for package in Path(folder).glob("*.deb"):
                subprocess.run([dpkg, "-x", package, target], check=True)
        except (OSError, subprocess.SubprocessError):
            shutil.rmtree(target, ignore_errors=True)
            return False
    return True


if __name__ == "__main__":
    prepare()
