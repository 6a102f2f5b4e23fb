"""Addresses of static files that change with their content, so that browsers keep them for good."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, request

FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_AGAIN = "public, no-cache"


def init_app(app: Flask) -> None:
    """Have url_for('static', ...) name the content's hash."""

    @app.url_defaults
    def add_hash(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and (found := _hash_of(values.get("filename"))):
            values.setdefault("v", found)


def cache_control() -> str:
    """Return how long the static file of this request may be kept."""
    wanted = request.args.get("v")
    named = (request.view_args or {}).get("filename")
    return FOR_GOOD if wanted and wanted == _hash_of(named) else _ASK_AGAIN


def _hash_of(filename: str | None) -> str | None:
    path = Path(str(current_app.static_folder)) / str(filename)
    try:
        return _hash(path, path.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=256)
def _hash(path: Path, _modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
