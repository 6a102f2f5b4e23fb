#!/bin/bash
# obstore 0.12.1 says less of the same refusal when it lists a bucket than when it reads from it.
#
# An S3 server answers 403 AccessDenied, or 404 NoSuchBucket, to everything. `get` and `head` raise
# what obstore documents for these cases: PermissionDeniedError and FileNotFoundError. `list` raises
# GenericError for both, with the status in its text alone. Whoever checks at start-up by a
# listing whether a bucket can be used, and tells by the class of the error what is wrong, takes a
# missing bucket and wrong rights for a storage that is broken or away.
#
# Seen on 2026-11-30: see the end.
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check obstore==0.12.1
cat > ask.py <<'EOF'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import obstore
from obstore.store import S3Store

STATUS = {403: "AccessDenied", 404: "NoSuchBucket"}


def server(status):
    class Refuse(BaseHTTPRequestHandler):
        def do_GET(self):
            body = f"<Error><Code>{STATUS[status]}</Code><Message>no</Message></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    return listening.server_port


for status in STATUS:
    store = S3Store(
        "courses",
        endpoint=f"http://127.0.0.1:{server(status)}",
        access_key_id="id",
        secret_access_key="secret",
        region="eu-central-1",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    for name, ask in {
        "get": lambda: obstore.get(store, "film.mp4"),
        "head": lambda: obstore.head(store, "film.mp4"),
        "list": lambda: list(obstore.list(store)),
    }.items():
        try:
            ask()
        except Exception as error:
            print(status, name, type(error).__name__)
EOF
venv/bin/python ask.py | tee seen

diff - seen <<'EOF'
403 get PermissionDeniedError
403 head PermissionDeniedError
403 list GenericError
404 get FileNotFoundError
404 head FileNotFoundError
404 list GenericError
EOF
