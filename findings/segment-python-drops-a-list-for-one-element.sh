#!/usr/bin/env bash
# segment-analytics-python 2.4.0: a property that is a list with one value of a type the library does
# not know (a UUID, a time, a dataclass) is left out as a whole. In an object the same value
# takes only its own member along.
#
# One would expect the same in both: the element alone left out, or its text. An order whose
# list of ids has one UUID object arrives without the list, and with a line in the log of the
# logger "segment" that names the list and not the element; the call succeeds.
#
# Seen: of {"ids": ["a", UUID], "order": {"id": UUID, "total": 5}} there arrives
# {"order": {"total": 5}}.
#
# Exits 0 while that is so. Needs Python 3 with pip.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check segment-analytics-python==2.4.0

cat > main.py <<'PY'
import gzip, json, sys, threading, uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from segment.analytics.client import Client

events = []

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        events.extend(json.loads(body)["batch"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = Client("key", host="http://127.0.0.1:%d" % server.server_port)
print("track gives", client.track("u-1", "Paid", {"ids": ["a", uuid.uuid4()], "order": {"id": uuid.uuid4(), "total": 5}}))
client.flush()
client.shutdown()
print("properties sent:", json.dumps(events[0]["properties"]))
sys.exit(0 if events[0]["properties"] == {"order": {"total": 5}} else 1)
PY
env/bin/python main.py
