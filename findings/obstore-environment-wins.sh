#!/bin/bash
# obstore 0.12.1: what a program passes to S3Store wins over the environment, but for one address.
#
# A store is made with an endpoint, keys and a region of its own. Variables of another program of
# the machine (AWS_ENDPOINT_URL, AWS_ENDPOINT, AWS_BUCKET, AWS_ACCESS_KEY_ID) change nothing, as one
# would expect. AWS_ENDPOINT_URL_S3 does: requests, signed with the keys that were passed, go to its
# address and not to the one that was passed. Likewise AWS_SKIP_SIGNATURE and AWS_REQUEST_PAYER are
# obeyed where the program says nothing of them: requests go unsigned, or at the caller's expense.
# Whoever tests against a server of their own has to clear these first.
#
# Seen on 2026-11-30: see the end.
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check obstore==0.12.1
cat > ask.py <<'END'
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import obstore
from obstore.store import S3Store

EMPTY = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
asked = []


def server(name):
    class Listing(BaseHTTPRequestHandler):
        def do_GET(self):
            signed = "signed" if "Authorization" in self.headers else "unsigned"
            payer = "payer" if "x-amz-request-payer" in self.headers else ""
            asked.append(f"{name} {signed} {payer}".strip())
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(EMPTY)))
            self.end_headers()
            self.wfile.write(EMPTY)

        def log_message(self, *_):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Listing)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{listening.server_port}"


ours, another = server("ours"), server("another")
for key, value in {
    "nothing": "",
    "AWS_ENDPOINT_URL": another,
    "AWS_ENDPOINT": another,
    "AWS_ENDPOINT_URL_S3": another,
    "AWS_SKIP_SIGNATURE": "true",
    "AWS_REQUEST_PAYER": "true",
    "AWS_BUCKET": "elsewhere",
    "AWS_ACCESS_KEY_ID": "theirs",
}.items():
    os.environ[key] = value
    store = S3Store(
        "courses",
        endpoint=ours,
        access_key_id="id",
        secret_access_key="secret",
        region="eu-central-1",
        client_options={"allow_http": True},
    )
    list(obstore.list(store))
    del os.environ[key]
    print(f"{key}:", asked.pop())
END
env -i PATH="$PATH" HOME="$PWD" venv/bin/python ask.py | tee seen

diff - seen <<'END'
nothing: ours signed
AWS_ENDPOINT_URL: ours signed
AWS_ENDPOINT: ours signed
AWS_ENDPOINT_URL_S3: another signed
AWS_SKIP_SIGNATURE: ours unsigned
AWS_REQUEST_PAYER: ours signed payer
AWS_BUCKET: ours signed
AWS_ACCESS_KEY_ID: ours signed
END
