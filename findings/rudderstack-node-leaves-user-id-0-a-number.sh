#!/usr/bin/env bash
# @rudderstack/rudder-sdk-node 3.0.13: numbers as userId go out as text, but not the number 0.
# It stays the number 0, and only if there is an anonymousId too: alone it is refused as
# missing ("You must pass either an anonymousId or a userId").
#
# One would expect one of the two: "0" like every other number, or, since it counts as
# missing, no userId. So guests whose id column is 0 arrive as known users with one id, of
# another JSON type than all others have.
#
# Seen: 7 goes out as "7", 0 with the anonymousId guest-1 as 0, and 0 alone throws.
#
# Exits 0 while that is so. Needs Node.js and npm.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @rudderstack/rudder-sdk-node@3.0.13 >/dev/null

cat > main.js <<'JS'
const http = require('http');
const zlib = require('zlib');
const assert = require('assert');
const sdk = require('@rudderstack/rudder-sdk-node');
const Analytics = sdk.default || sdk;

const events = [];
const server = http.createServer((req, res) => {
  const parts = [];
  req.on('data', (part) => parts.push(part));
  req.on('end', () => {
    let body = Buffer.concat(parts);
    if (req.headers['content-encoding'] === 'gzip') body = zlib.gunzipSync(body);
    events.push(...JSON.parse(body).batch);
    res.end('OK');
  });
});
server.listen(0, '127.0.0.1', async () => {
  const client = new Analytics('key', { dataPlaneUrl: `http://127.0.0.1:${server.address().port}`, flushAt: 1 });
  client.track({ userId: 7, anonymousId: 'guest-0', event: 'Seen' });
  client.track({ userId: 0, anonymousId: 'guest-1', event: 'Seen' });
  let refused = '';
  try {
    client.track({ userId: 0, event: 'Seen' });
  } catch (e) {
    refused = e.message;
  }
  await client.flush();
  while (events.length < 2) await new Promise((done) => setTimeout(done, 50));
  const ids = Object.fromEntries(events.map((e) => [e.anonymousId, e.userId]));
  console.log('userId 7 is sent as', JSON.stringify(ids['guest-0']));
  console.log('userId 0 is sent as', JSON.stringify(ids['guest-1']));
  console.log('userId 0 alone:', refused);
  assert.strictEqual(ids['guest-0'], '7');
  assert.strictEqual(ids['guest-1'], 0);
  assert.ok(refused.includes('anonymousId'));
  process.exit(0);
});
JS
timeout 60 node main.js
