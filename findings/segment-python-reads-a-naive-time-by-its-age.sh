#!/usr/bin/env bash
# segment-analytics-python 2.4.0: a timestamp without a zone is read as local time when it is
# less than five seconds old (or lies ahead), and as UTC when it is older.
#
# One would expect one reading for all of them. datetime.now() taken for each event works;
# the same value from a queue, a log line or a database row of a minute ago is moved by the
# machine's offset, so a replay of events has other times than the live run had.
#
# Seen, with TZ=America/New_York: naive times of now and in an hour go out with -04:00 or
# -05:00 and name the right moment; one of a minute ago goes out with +00:00, four or five
# hours too early.
#
# Exits 0 while that is so. Needs Python 3 with pip.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check segment-analytics-python==2.4.0

cat > main.py <<'PY'
import gzip, json, sys, threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from segment.analytics.client import Client

events = {}

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for e in json.loads(body)["batch"]:
            events[e["event"]] = datetime.fromisoformat(e["timestamp"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = Client("key", host="http://127.0.0.1:%d" % server.server_port)
now = datetime.now()
moment = datetime.now(timezone.utc)
client.track("u-1", "now", timestamp=now)
client.track("u-1", "a minute ago", timestamp=now - timedelta(minutes=1))
client.track("u-1", "in an hour", timestamp=now + timedelta(hours=1))
client.flush()
client.shutdown()

off = {
    "now": moment - events["now"],
    "a minute ago": moment - timedelta(minutes=1) - events["a minute ago"],
    "in an hour": moment + timedelta(hours=1) - events["in an hour"],
}
for name, t in events.items():
    print("%-13s goes out as %s, %.1f hours early" % (name, t.isoformat(), off[name].total_seconds() / 3600))
right = max(abs(off["now"]), abs(off["in an hour"])) < timedelta(seconds=2)
moved = timedelta(hours=3) < off["a minute ago"] < timedelta(hours=6)
sys.exit(0 if right and moved else 1)
PY
TZ=America/New_York env/bin/python main.py
