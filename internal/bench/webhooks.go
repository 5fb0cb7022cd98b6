package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// hookSecret signs the webhooks of the benchmark.
const hookSecret = "a-secret-of-the-benchmark"

// conversation is a webhook of Kustomer: of one of 1,000 conversations that changed.
const conversation = `{"id":"65f0%020d","name":"kustomer.conversation.update","org":"65f0000000000000000000aa","partition":"65f0000000000000000000aa","orgName":"acme",` +
	`"data":{"type":"conversation","id":"65f00000000000000000%04d","attributes":{"name":"Order 7","status":"done","priority":5,"tags":["65f0000000000000000000e1"],` +
	`"assignedUsers":["65f0000000000000000000b1"],"assignedTeams":["65f0000000000000000000f1"],"channels":["email","chat"],"direction":"in","spam":false,"messageCount":2,` +
	`"externalId":"o-7","custom":{"invoiceStr":"F-1","openNum":12.50},"createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-02T03:04:05.000Z"},` +
	`"relationships":{"org":{"data":{"type":"org","id":"65f0000000000000000000aa"}},"createdBy":{"data":{"type":"user","id":"65f0000000000000000000b1"}},` +
	`"modifiedBy":{"data":{"type":"user","id":"65f0000000000000000000b2"}},"customer":{"data":{"type":"customer","id":"65f000000000000000000001"}},` +
	`"queue":{"data":{"type":"queue","id":"65f0000000000000000000d1"}}},"links":{"self":"/v1/conversations/65f0000000000000000000c1"}},` +
	`"createdAt":%q,"changes":{"attributes":{"status":{"op":"replace","before":"open","after":"done"}},"relationships":{}},"persist":true,"client":"api-gw",` +
	`"dataId":"65f0000000000000000000c1","meta":{"customChanged":false}}`

// webhooks are requests as the desks send them, each with an id of its own: by turns one of Kustomer
// in JSON and a message of Trengo as a form.
func webhooks(n int) [][]byte {
	now := time.Now()
	list := make([][]byte, n)
	for i := range list {
		if i%2 == 0 {
			body := fmt.Sprintf(conversation, i, i%1000, now.UTC().Format("2006-01-02T15:04:05.000Z"))
			list[i] = request("/webhooks/crm", "application/json", "X-Kustomer-Webhook-Signature: "+signature(body), body)
			continue
		}
		body := url.Values{
			"message_id": {strconv.Itoa(5100000000 + i)}, "ticket_id": {strconv.Itoa(i % 1000)}, "contact_id": {"9001"}, "channel_id": {"77"},
			"message": {"Where is my order? I have been waiting for a week now, and nobody answers."}, "contact_name": {"Ada"},
			"contact_email": {"ada@example.test"}, "contact_identifier": {"ada@example.test"},
		}.Encode()
		at := strconv.FormatInt(now.Unix(), 10)
		list[i] = request("/webhooks/inbox/INBOUND", "application/x-www-form-urlencoded", "Trengo-Signature: "+at+";"+signature(at+"."+body), body)
	}
	return list
}

func request(path, contentType, signed, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n\r\n%s",
		path, contentType, len(body), signed, body)
}

func signature(text string) string {
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}
