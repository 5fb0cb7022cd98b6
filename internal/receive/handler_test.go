package receive

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

const closedBody = "ticket_id=42"

func kustomerBody(id string, at time.Time) string {
	return fmt.Sprintf(`{"id":%q,"name":"kustomer.conversation.update","data":{"type":"conversation","id":"c1","attributes":{"status":"done"},`+
		`"relationships":{"customer":{"data":{"type":"customer","id":"u1"}}}},"createdAt":%q,"changes":{"attributes":{"status":{"before":"open","after":"done"}}}}`,
		id, at.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// What is signed is written, with its key, and answered when it is.
func TestHandler_writesASignedEvent(t *testing.T) {
	w, now := newWorld(t, settingsText), time.Now()
	asJSON := trengo(t, "TICKET_CLOSED", `{"ticket_id":42}`, now)
	asJSON.Header.Set("Content-Type", "application/json; charset=utf-8")
	without := trengo(t, "TICKET_CLOSED", closedBody, now)
	without.Header.Del("Content-Type")
	second := trengo(t, "NOTE", "message_id=7&ticket_id=42&message=x", now)
	second.Header.Set("Trengo-Signature", trengoSignature("trengo-secret-2", "message_id=7&ticket_id=42&message=x", now))
	upper := kustomer(t, kustomerBody("e2", now))
	upper.Header.Set("X-Kustomer-Webhook-Signature", strings.ToUpper(upper.Header.Get("X-Kustomer-Webhook-Signature")))
	tests := []struct {
		name           string
		r              *http.Request
		key, kind, has string
	}{
		{"a form", trengo(t, "TICKET_CLOSED", closedBody, now), "inbox/ticket/42", "ticket.closed", `"raw":{"ticket_id":"42"}`},
		{"JSON of Trengo", asJSON, "inbox/ticket/42", "ticket.closed", `"raw":{"ticket_id":42}`},
		{"no Content-Type", without, "inbox/ticket/42", "ticket.closed", `"ticket_id":"42"`},
		{"another secret", second, "inbox/ticket/42", "note.created", `"id":"NOTE-7"`},
		{"a new event", trengo(t, "TICKET_SNOOZED", closedBody, now), "inbox/ticket/42", "unknown", `"desk_event":"TICKET_SNOOZED"`},
		{"Kustomer", kustomer(t, kustomerBody("e1", now)), "crm/ticket/c1", "ticket.closed", `"id":"e1"`},
		{"hexadecimal in capitals", upper, "crm/ticket/c1", "ticket.closed", `"id":"e2"`},
		{"no JSON", kustomer(t, "hello"), "crm", "unknown", `"raw":{"text":"hello"}`},
		{"nothing", kustomer(t, ""), "crm", "unknown", `"raw":{"text":""}`},
		{"a JSON text that is no object", kustomer(t, `["a"]`), "crm", "unknown", `"raw":{"body":["a"]}`},
		{"deeply nested", kustomer(t, strings.Repeat("[", 100_000)), "crm", "unknown", `"raw":{"text":"[[[`},
		{"bytes", kustomer(t, "\xff\xfe"), "crm", "unknown", `"raw":{"base64":"//4="}`},
	}
	for i, tt := range tests {
		if got := w.post(tt.r); got.Code != http.StatusOK || got.Body.String() != "{\"status\":\"ok\"}\n" {
			t.Fatalf("%s: %d %s", tt.name, got.Code, got.Body)
		}
		record := w.kafka.records[i]
		if string(record.Key) != tt.key || record.Topic != "inbound" || !strings.Contains(string(record.Value), tt.has) {
			t.Errorf("%s: record %s = %.300s, want key %s and %s", tt.name, record.Key, record.Value, tt.key, tt.has)
		}
		e := w.kafka.written(t)[i]
		if e.Get("type").Str() != tt.kind || e.Get("id").Str() == "" || unified.Time(e.Get("at").Str()).Moment().IsZero() {
			t.Errorf("%s: type %s, id %q, at %s; want %s", tt.name, e.Get("type").Str(), e.Get("id").Str(), e.Get("at").Str(), tt.kind)
		}
	}
}

// What is refused is not written, and its response says nothing of the request.
func TestHandler_refuses(t *testing.T) {
	now := time.Now()
	of := func(change func(*http.Request)) *http.Request {
		r := trengo(t, "TICKET_CLOSED", closedBody, now)
		change(r)
		return r
	}
	signature := trengoSignature(trengoSecret, closedBody, now)
	flipped := []byte(signature)
	if last := &flipped[len(flipped)-1]; *last == '0' {
		*last = '1'
	} else {
		*last = '0'
	}
	sign := func(value string) *http.Request {
		return of(func(r *http.Request) { r.Header.Set("Trengo-Signature", value) })
	}
	path := func(p string) *http.Request { return of(func(r *http.Request) { r.URL.Path = p }) }
	typed := func(value string) *http.Request {
		return of(func(r *http.Request) { r.Header.Set("Content-Type", value) })
	}
	at := func(age time.Duration) *http.Request { return trengo(t, "TICKET_CLOSED", closedBody, now.Add(-age)) }
	wrongKustomer := kustomer(t, kustomerBody("e", now))
	wrongKustomer.Header.Set("X-Kustomer-Webhook-Signature", macOf(trengoSecret, kustomerBody("e", now)))
	long := trengo(t, "NOTE", strings.Repeat("x", MaxBody+1), now)
	chunked := trengo(t, "NOTE", strings.Repeat("x", MaxBody+1), now)
	chunked.ContentLength = -1
	broken := of(func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(errReader{}), -1 })
	form := kustomer(t, "a=1")
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	tests := []struct {
		name   string
		r      *http.Request
		status int
		reason reason
	}{
		{"no path", path("/"), 404, unknownPath},
		{"another path", path("/metrics"), 404, unknownPath},
		{"no destination", path("/webhooks/"), 404, unknownPath},
		{"an unknown destination", path("/webhooks/secret-marker/TICKET_CLOSED"), 404, unknownPath},
		{"a destination without webhooks", path("/webhooks/deaf/TICKET_CLOSED"), 404, unknownPath},
		{"Trengo without an event", path("/webhooks/inbox"), 404, unknownPath},
		{"Trengo with an empty event", path("/webhooks/inbox/"), 404, unknownPath},
		{"Trengo with an event that is none", path("/webhooks/inbox/../crm"), 404, unknownPath},
		{"Trengo with more", path("/webhooks/inbox/TICKET_CLOSED/"), 404, unknownPath},
		{"Kustomer with an event", path("/webhooks/crm/TICKET_CLOSED"), 404, unknownPath},
		{"GET", of(func(r *http.Request) { r.Method = http.MethodGet }), 405, wrongMethod},
		{"HEAD", of(func(r *http.Request) { r.Method = http.MethodHead }), 405, wrongMethod},
		{"text", typed("text/plain"), 415, badType},
		{"several parts", typed("multipart/form-data; boundary=x"), 415, badType},
		{"a type that is none", typed("secret-marker"), 415, badType},
		{"a form of Kustomer", form, 415, badType},
		{"compressed", of(func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }), 415, badType},
		{"too long", long, 413, tooLarge},
		{"too long, in chunks", chunked, 413, tooLarge},
		{"cut off", broken, 408, notRead},
		{"no signature", of(func(r *http.Request) { r.Header.Del("Trengo-Signature") }), 401, noSignature},
		{"a signature that is none", sign("secret-marker"), 401, noSignature},
		{"a signature off by one digit", sign(string(flipped)), 401, badSignature},
		{"a signature that is cut", sign(signature[:len(signature)-2]), 401, noSignature},
		{"another time than the signed", sign(trengoSignature(trengoSecret, closedBody, now.Add(time.Second))[:10] + signature[10:]), 401, badSignature},
		{"another secret", sign(trengoSignature("trengo-secret-3", closedBody, now)), 401, badSignature},
		{"the other desk's secret", sign(trengoSignature(kustomerSecret, closedBody, now)), 401, badSignature},
		{"the signature of the body alone", sign(signature[:11] + macOf(trengoSecret, closedBody)), 401, badSignature},
		{"another body", of(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("ticket_id=43")) }), 401, badSignature},
		{"a blank after the body", trengoWith(t, closedBody+" ", trengoSignature(trengoSecret, closedBody, now)), 401, badSignature},
		{"Kustomer with another secret", wrongKustomer, 401, badSignature},
		{"too old", at(24*time.Hour + 2*time.Second), 401, tooOld},
		{"Kustomer, too old", kustomer(t, kustomerBody("e", now.Add(-25*time.Hour))), 401, tooOld},
	}
	for _, tt := range tests {
		w := newWorld(t, settingsText)
		got := w.post(tt.r)
		if got.Code != tt.status || got.Body.String() != fmt.Sprintf("{\"error\":%q}\n", refusals[tt.reason].text) && tt.status != 404 {
			t.Errorf("%s: %d %s, want %d", tt.name, got.Code, got.Body, tt.status)
		}
		if allow := got.Header().Get("Allow"); (allow == http.MethodPost) != (tt.status == 405) {
			t.Errorf("%s: Allow is %q", tt.name, allow)
		}
		if len(w.kafka.records) != 0 {
			t.Errorf("%s: an event was written", tt.name)
		}
		if text := w.exposed(t); !strings.Contains(text, fmt.Sprintf("reason=%q} 1", tt.reason)) || strings.Contains(text+got.Body.String(), "secret-marker") {
			t.Errorf("%s: the metrics, log or response lack %s, or have what was sent:\n%s", tt.name, tt.reason, text)
		}
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("secret-marker") }

func trengoWith(t *testing.T, body, signature string) *http.Request {
	t.Helper()
	r := request(t, "/webhooks/inbox/TICKET_CLOSED", "application/x-www-form-urlencoded", strings.NewReader(body))
	r.Header.Set("Trengo-Signature", signature)
	return r
}

// exposed is all that anybody sees: the metrics, and the log.
func (w world) exposed(t *testing.T) string {
	t.Helper()
	families, err := w.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "deskstream_") {
			if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
				t.Fatal(err)
			}
		}
	}
	return text.String() + w.log.String()
}

// Nothing that a sender writes is logged, whatever becomes of it.
func TestHandler_logsNothingOfARequest(t *testing.T) {
	w, now := newWorld(t, settingsText), time.Now()
	const marker = "sEcReT-mArKeR"
	requests := []*http.Request{
		trengo(t, "NOTE", "message_id="+marker+"&ticket_id="+marker+"&message="+marker+"&"+marker+"="+marker, now),
		trengo(t, "SECRET_MARKER", marker, now),
		kustomer(t, `{"id":"`+marker+`","name":"`+marker+`","data":{"id":"`+marker+`"},"createdAt":"`+marker+`"}`),
		kustomer(t, marker),
		request(t, "/"+marker, marker, strings.NewReader(marker)),
		request(t, "/webhooks/"+marker+"/"+marker, marker, strings.NewReader(marker)),
		request(t, "/webhooks/inbox/TICKET_CLOSED", "application/json", strings.NewReader(marker)),
	}
	requests[6].Header.Set("Trengo-Signature", marker)
	for _, r := range requests {
		r.Header.Set("User-Agent", marker)
		r.Header.Set("X-Kustomer-Webhook-Event", marker)
		w.post(r)
	}
	w.kafka.set(tooLargeFor(1))
	w.post(kustomer(t, marker))
	if text := w.exposed(t); strings.Contains(strings.ToLower(text), strings.ToLower(marker)) || strings.Contains(text, "SECRET_MARKER") {
		t.Errorf("what was sent is shown:\n%s", text)
	}
	if !strings.Contains(w.log.String(), "webhook received") || !strings.Contains(w.log.String(), "webhook refused") {
		t.Errorf("the log does not say what happened:\n%s", w.log)
	}
}

// The vectors are another library's.
func TestSigned_agreesWithAnotherLibrary(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Key, Time, Body, Trengo, Kustomer string
			X                                 int
		}
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) < 20 {
		t.Fatal(err, len(file.Vectors))
	}
	var m macs // one for all, as the program has it
	for i, v := range file.Vectors {
		body, err := base64.StdEncoding.DecodeString(v.Body)
		if err != nil {
			t.Fatal(err)
		}
		if v.X > 0 {
			body = bytes.Repeat([]byte("x"), v.X)
		}
		for name, s := range map[string]struct{ prefix, mac string }{"trengo": {v.Time + ".", v.Trengo}, "kustomer": {"", v.Kustomer}} {
			mac, err := hex.DecodeString(s.mac)
			if err != nil {
				t.Fatal(err)
			}
			claim := unified.Signature{MAC: mac, Prefix: s.prefix}
			if !m.signed(claim, body, []string{"another", v.Key}) || m.signed(claim, body, []string{"another"}) || m.signed(claim, body, nil) {
				t.Errorf("vector %d of %s: the signature does not fit its key alone", i, name)
			}
			if len(body) > 0 {
				changed := bytes.Clone(body)
				changed[len(changed)/2] ^= 1
				if m.signed(claim, changed, []string{v.Key}) {
					t.Errorf("vector %d of %s: the signature fits another body", i, name)
				}
			}
		}
	}
}

// Late is what was signed more than 300 seconds ago; a clock that is ahead makes nothing late.
func TestHandler_marksWhatIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, now := newWorld(t, settingsText), time.Now()
		ages := []time.Duration{-time.Hour, 0, 300 * time.Second, 301 * time.Second, 24 * time.Hour}
		var got []bool
		for _, age := range ages {
			for _, r := range []*http.Request{
				trengo(t, "TICKET_CLOSED", fmt.Sprintf("ticket_id=%d", age), now.Add(-age)), kustomer(t, kustomerBody(age.String(), now.Add(-age))),
			} {
				if answer := w.post(r); answer.Code != http.StatusOK {
					t.Fatalf("%v old: %d", age, answer.Code)
				}
			}
		}
		for _, e := range w.kafka.written(t) {
			got = append(got, e.Get("late").IsTrue())
		}
		if diff := cmp.Diff([]bool{false, false, false, false, false, false, true, true, true, true}, got); diff != "" {
			t.Errorf("late (-want +got):\n%s", diff)
		}
		if at := w.kafka.written(t)[8].Get("at").Str(); at != string(unified.At(now.Add(-24*time.Hour))) {
			t.Errorf("the event is of %s, not of when it was signed", at)
		}
	})
}

// A repeat is what this instance has written before: what got no 200 is none.
func TestHandler_marksRepeats(t *testing.T) {
	w, now := newWorld(t, settingsText), time.Now()
	note := "message_id=7&ticket_id=42&message=x"
	w.kafka.set(func(*kgo.Record) (bool, error) { return true, errors.New("not now") })
	if got := w.post(trengo(t, "TICKET_CLOSED", closedBody, now)); got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" {
		t.Fatalf("an event that is not written is answered with %d", got.Code)
	}
	w.kafka.set(nil)
	for i, tt := range []struct {
		r      *http.Request
		repeat bool
	}{
		{trengo(t, "TICKET_CLOSED", closedBody, now), false},
		{trengo(t, "TICKET_CLOSED", closedBody, now), true},
		{trengo(t, "TICKET_CLOSED", closedBody, now.Add(-time.Second)), false}, // another time
		{trengo(t, "TICKET_CLOSED", "ticket_id=43", now), false},
		{trengo(t, "TICKET_MARKED_AS_SPAM", closedBody, now), false}, // another event of the same body
		{trengo(t, "NOTE", note, now), false},
		{trengo(t, "NOTE", note+"&user_id=7", now.Add(-time.Minute)), true}, // the same message
		{kustomer(t, kustomerBody("e1", now)), false},
		{kustomer(t, kustomerBody("e1", now.Add(-time.Minute))), true}, // the same id
		{kustomer(t, kustomerBody("e2", now)), false},
	} {
		if got := w.post(tt.r); got.Code != http.StatusOK {
			t.Fatalf("webhook %d: %d", i, got.Code)
		}
		if e := w.kafka.written(t)[i]; e.Get("repeat").IsTrue() != tt.repeat {
			t.Errorf("webhook %d: repeat is %v", i, !tt.repeat)
		}
	}
	ids := make(map[string]int)
	for _, e := range w.kafka.written(t) {
		ids[e.Get("destination").Str()+e.Get("id").Str()]++
	}
	if len(ids) != 7 {
		t.Errorf("%d events have %d ids: a repeat has that of the first", len(w.kafka.written(t)), len(ids))
	}
}

// A registration's own secret signs its event only: two events can have the same body.
func TestHandler_aRegistrationsSecretSignsItsEventOnly(t *testing.T) {
	path := t.TempDir() + "/hooks.json"
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	settings := strings.Replace(settingsText, "{secrets: ["+trengoSecret+", trengo-secret-2]}", "{secrets_file: "+path+"}", 1)
	w, now := newWorld(t, settings), time.Now()
	status := func(event, secret string) int {
		r := trengo(t, event, closedBody, now)
		r.Header.Set("Trengo-Signature", trengoSignature(secret, closedBody, now))
		return w.post(r).Code
	}
	if got := status("TICKET_CLOSED", "secret-of-closed"); got != http.StatusUnauthorized {
		t.Errorf("before there is a file: %d", got)
	}
	if !strings.Contains(w.log.String(), "does not exist yet") {
		t.Errorf("the missing file is not said:\n%s", w.log)
	}
	write(`{"schema":1,"hooks":[{"id":"12","event":"TICKET_CLOSED","secrets":["secret-of-closed","former-of-closed"]},{"event":"","secrets":["secret-of-any"]}]}`)
	// Nothing rereads it here: a signature that does not fit does.
	for _, tt := range []struct {
		event, secret string
		want          int
	}{
		{"TICKET_CLOSED", "secret-of-closed", 200},
		{"TICKET_CLOSED", "former-of-closed", 200},
		{"TICKET_MARKED_AS_SPAM", "secret-of-closed", 401},
		{"TICKET_MARKED_AS_SPAM", "secret-of-any", 200},
	} {
		if got := status(tt.event, tt.secret); got != tt.want {
			t.Errorf("%s signed with %s: %d, want %d", tt.event, tt.secret, got, tt.want)
		}
	}
	for _, text := range []string{"{", `{"hooks":[{"secrets":["short"]}]}`, `{"hooks":{}}`} {
		write(text)
		w.hooks["inbox"].reread(t.Context())
		if got := status("TICKET_CLOSED", "former-of-closed"); got != http.StatusOK {
			t.Errorf("after a file that is broken (%s): %d", text, got)
		}
	}
	write(`{"hooks":[{"event":"TICKET_CLOSED","secrets":["secret-of-closed-2"]}]}`)
	w.hooks["inbox"].reread(t.Context())
	if old, renewed := status("TICKET_CLOSED", "secret-of-closed"), status("TICKET_CLOSED", "secret-of-closed-2"); old != 401 || renewed != 200 {
		t.Errorf("after a rotation the old secret gets %d, the new one %d", old, renewed)
	}
	if strings.Contains(w.log.String(), "secret-of") || strings.Contains(w.log.String(), "former-of") || strings.Contains(w.log.String(), `"short`) {
		t.Errorf("a secret is logged:\n%s", w.log)
	}
}

// An event that the topic does not take gets smaller, and loses nothing of what was sent.
func TestHandler_makesALargeEventSmaller(t *testing.T) {
	now := time.Now()
	body := "message_id=7&ticket_id=42&message=" + strings.Repeat("%01", 1000)
	for _, tt := range []struct {
		most, status      int
		truncated, base64 bool
	}{
		{1 << 20, 200, false, false}, {8000, 200, true, false}, {6000, 200, true, true}, {1000, 413, false, false},
	} {
		w := newWorld(t, settingsText)
		w.kafka.set(tooLargeFor(tt.most))
		if got := w.post(trengo(t, "NOTE", body, now)); got.Code != tt.status {
			t.Errorf("of at most %d bytes: %d %s, want %d", tt.most, got.Code, got.Body, tt.status)
			continue
		}
		if tt.status != http.StatusOK {
			continue
		}
		e := w.kafka.written(t)[0]
		if e.Get("truncated").IsTrue() != tt.truncated || e.Get("raw", "base64").Exists() != tt.base64 || e.Get("comment", "id").Str() != "7" {
			t.Errorf("of at most %d bytes: truncated %v, base64 %v", tt.most, e.Get("truncated").IsTrue(), e.Get("raw", "base64").Exists())
		}
		if tt.base64 {
			if sent, err := base64.StdEncoding.DecodeString(e.Get("raw", "base64").Str()); err != nil || string(sent) != body {
				t.Errorf("raw is not the body: %v", err)
			}
		}
	}
}

// Code that panics on a webhook makes an unknown event of it.
func TestHandler_aPanicIsAnUnknownEvent(t *testing.T) {
	w := newWorld(t, settingsText)
	w.hooks["crm"].Event = func(unified.Webhook) unified.Event { panic("secret-marker") }
	body := kustomerBody("e1", time.Now())
	if got := w.post(kustomer(t, body)); got.Code != http.StatusOK {
		t.Fatalf("%d", got.Code)
	}
	e := w.kafka.written(t)[0]
	if e.Get("type").Str() != "unknown" || e.Get("raw", "text").Str() != body || e.Get("id").Str() == "" {
		t.Errorf("the event is %s", e.JSON())
	}
	if text := w.exposed(t); strings.Contains(text, "secret-marker") || !strings.Contains(text, "deskstream_receive_panics_total 1") {
		t.Errorf("the panic's value is logged, or it is not counted:\n%s", text)
	}
}

// FuzzHandler sends anything, signed by one of the desks or not.
// The room of a body is used again: what one request had does not come to be in another's event.
func TestHandler_bodiesStayApart(t *testing.T) {
	w, now := newWorld(t, settingsText), time.Now()
	const senders, each = 8, 50
	var group sync.WaitGroup
	for i := range senders {
		group.Go(func() {
			for j := range each {
				id := fmt.Sprintf("e-%d-%d", i, j)
				if got := w.post(kustomer(t, kustomerBody(id, now))); got.Code != http.StatusOK {
					t.Errorf("%s: %d", id, got.Code)
				}
			}
		})
	}
	group.Wait()
	seen := make(map[string]bool)
	for _, r := range w.kafka.records {
		var e struct {
			ID  string
			Raw struct{ ID string }
		}
		if err := json.Unmarshal(r.Value, &e); err != nil || e.ID != e.Raw.ID {
			t.Fatalf("event %s with the body of %s: %v", e.ID, e.Raw.ID, err)
		}
		seen[e.ID] = true
	}
	if len(seen) != senders*each {
		t.Errorf("%d events, want %d", len(seen), senders*each)
	}
}

func FuzzHandler(f *testing.F) {
	f.Add("/webhooks/inbox/TICKET_CLOSED", "application/json", []byte("{}"), uint8(1))
	f.Add("/webhooks/crm", "application/x-www-form-urlencoded", []byte("a=1"), uint8(2))
	f.Add("/webhooks/inbox/NOTE", "application/x-www-form-urlencoded", []byte("message_id=1&ticket_id=2"), uint8(1))
	f.Add("/webhooks//", "", []byte(strings.Repeat("[", 20000)), uint8(0))
	w := newWorld(f, settingsText)
	now := time.Now()
	f.Fuzz(func(t *testing.T, path, contentType string, body []byte, by uint8) {
		r := request(t, "/", contentType, bytes.NewReader(body))
		r.URL.Path = path
		switch by % 3 {
		case 1:
			r.Header.Set("Trengo-Signature", trengoSignature(trengoSecret, string(body), now))
		case 2:
			r.Header.Set("X-Kustomer-Webhook-Signature", macOf(kustomerSecret, string(body)))
		}
		w.kafka.records = nil
		got := w.post(r)
		ok := got.Code == http.StatusOK
		if ok != (len(w.kafka.records) == 1) {
			t.Fatalf("status %d and %d records", got.Code, len(w.kafka.records))
		}
		if !ok {
			return
		}
		if by%3 == 0 {
			t.Fatal("what nobody signed was taken")
		}
		if v, err := mapping.ParseObject(w.kafka.records[0].Value); err != nil || v.Get("raw").Kind() != mapping.Object || v.Get("id").Str() == "" {
			t.Errorf("the event cannot be read: %v", err)
		}
	})
}
