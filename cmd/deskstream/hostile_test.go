package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/explain"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/output/outputtest"
)

// inJSON is a text in JSON. Control characters are escaped, as they have to be, and the
// others are there as they are.
func inJSON(text string) string {
	var b strings.Builder
	if err := output.NewEncoder(&b).Encode(text); err != nil {
		panic(err)
	}
	return strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(b.String(), `\u2028`, "\u2028"), `\u2029`, "\u2029"))
}

// hostileBox is a cluster in which each text that somebody else may write is hostile, and a
// help desk that answers so.
func hostileBox(t *testing.T, text string) *box {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprintf(w, `{"errors":[{"title":%[1]s,"detail":%[1]s}]}`, inJSON(text))
	}))
	t.Cleanup(server.Close)
	b := newBox(t, kafkatest.Topic("events", 4), kafkatest.Topic(lettersTopic, 2), kafkatest.Topic(responsesTopic, 1),
		kafkatest.Topic(lettersTopic+".state", 1, "cleanup.policy", "compact"))
	b.file = withBrokers(t, deskConfig(t, server.URL, "crm"), b.Brokers)
	q := inJSON(text)
	event := fmt.Sprintf(`{"type":"track","messageId":"m-1","userId":%[1]s,"event":%[1]s,"properties":{"p":%[1]s}}`, q)
	b.Produce(t, &kgo.Record{Topic: "events", Partition: 3, Key: []byte(text), Value: []byte(event), Timestamp: time.Now()})
	letter := ownLetter(1, "dlq.source.offset", "0", "dlq.message", text, "dlq.fingerprint", text, "dlq.lane", text, "dlq.code", text, "dlq.class", text,
		"dlq.stage", text, "dlq.event.type", text)
	letter.Key, letter.Value = []byte(text), []byte(event)
	letter.Headers = append(letter.Headers, recordHeaders(text, text, "dlq.plan.id", text, "dlq.app.version", text)...)
	foreign := &kgo.Record{Topic: lettersTopic, Key: []byte(text), Value: []byte(event), Headers: recordHeaders(
		"__connect.errors.topic", text, "__connect.errors.partition", "0", "__connect.errors.offset", "7",
		"__connect.errors.exception.class.name", text, "__connect.errors.exception.message", text)}
	strange := &kgo.Record{Topic: lettersTopic, Key: []byte(text), Value: []byte(text), Headers: recordHeaders("dlq.version", text)}
	b.Produce(t, letter, foreign, strange)
	b.Produce(t, outcomeRecord("events/3/0", "dead", "0", fmt.Sprintf(`{"event":{"id":"m-1","type":%[1]s,"name":%[1]s,"lane":%[1]s},
"destination":{"name":%[1]s,"type":%[1]s},"outcome":%[1]s,"round":0,"at":"2026-01-02T03:04:06.001Z","schema":1,"warnings":[%[1]s],
"source":{"group":%[1]s,"topic":"events","partition":3,"offset":0},"error":{"stage":%[1]s,"class":%[1]s,"code":%[1]s,"message":%[1]s},
"calls":[{"method":%[1]s,"url":%[1]s,"status":422,"attempts":2,"request":{"name":%[1]s},"response":{"errors":[%[1]s]}}]}`, q)))
	b.Produce(t, &kgo.Record{Topic: lettersTopic + ".state", Key: fmt.Appendf(nil, "%032x", 1), Value: fmt.Appendf(nil,
		`{"schema":1,"id":"%032x","status":"sending","at":"2026-01-02T03:04:06Z","by":%[2]s,"reason":%[2]s,"plan":%[2]s,"next":%[2]s,"destination":%[2]s}`, 1, q)})
	return b
}

// Whatever is on the topics, and whatever an API says, a terminal shows it and does not obey it.
func TestHostile_kafkaCommandsPrintNothingThatSteersATerminal(t *testing.T) {
	t.Parallel()
	for name, text := range outputtest.Hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := hostileBox(t, text)
			plan := filepath.Join(t.TempDir(), "plan.json")
			letter := fmt.Sprintf("%032x", 1)
			for _, args := range [][]string{
				{"dlq", "list", "-c", b.file},
				{"dlq", "list", "-c", b.file, "--all", "--json"},
				{"dlq", "show", "-c", b.file, letter},
				{"dlq", "show", "-c", b.file, letter, "--json"},
				{"dlq", "plan", "--every", "-c", b.file},
				{"dlq", "plan", "--every", "-c", b.file, "--to", "crm", "-o", plan},
				{"dlq", "apply", "-c", b.file, plan},
				{"dlq", "plan", "--every", "-c", b.file, "--to", "crm", "--discard", "-o", plan + "2"},
				{"dlq", "discard", "-c", b.file, "--yes", "--reason", text, plan + "2"},
				{"explain", "-c", b.file, "m-1"},
				{"explain", "-c", b.file, "m-1", "--json"},
				{"explain", "-c", b.file, text},
				{"audit", "-c", b.file},
				{"plan", "-c", b.file, "--last", "3", "--offline"},
				{"dlq", "list", "-c", b.file, "--topic", text},
				{"dlq", "show", "-c", b.file, text},
			} {
				args := append(args, "--log-format", "text", "--log-level", "debug")
				got := runCommand(t, "", args...)
				what := strings.Join(args[:2], " ")
				if got.stdout == "" && got.stderr == "" {
					t.Errorf("%s printed nothing", what)
				}
				out := got.stdout
				if name == "long" && (args[1] == "show" || args[0] == "plan" || args[len(args)-5] == "--json") {
					out = "" // the letter itself and JSON are as long as they are
				}
				wantHarmless(t, what, out)
				wantHarmless(t, what+", stderr", got.stderr)
			}
			if _, err := os.Stat(plan); err != nil {
				t.Errorf("there is no plan: %v", err)
			}
		})
	}
}

func TestHostile_otherCommandsPrintNothingThatSteersATerminal(t *testing.T) {
	t.Parallel()
	for name, text := range outputtest.Hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := inJSON(text)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/readyz":
					_, _ = io.WriteString(w, text)
				case strings.HasPrefix(r.URL.Path, "/destinations"):
					writeJSON(w, map[string]string{"destination": text, "hold": text, "held_since": text})
				default:
					w.WriteHeader(http.StatusUnprocessableEntity)
					fmt.Fprintf(w, `{"errors":[{"title":%s}]}`, q)
				}
			}))
			t.Cleanup(server.Close)
			file := deskConfig(t, server.URL, "crm")
			event := fmt.Sprintf(`{"type":"track","messageId":%[1]s,"userId":%[1]s,"event":%[1]s}`+"\n{%[1]s", q)
			bad := writeFile(t, "bad.yaml", readFile(t, file)+"\n"+strings.NewReplacer("\n", " ", "\r", " ").Replace(text)+": "+q+"\n")
			for _, tt := range []struct {
				stdin string
				args  []string
			}{
				{event, []string{"deliver", "-c", file}},
				{event, []string{"plan", "-c", file, "--offline"}},
				{event, []string{"plan", "-c", file}},
				{"", []string{"check", bad}},
				{text, []string{"check", "-c", "-"}},
				{"", []string{"check", text}},
				{"", []string{"check", "--connect", file}},
				{"", []string{"hold", "crm", "--admin", server.URL}},
				{"", []string{"resume", "crm", "--admin", server.URL}},
				{"", []string{"hold", text, "--admin", server.URL}},
				{"", []string{"health", server.URL + "/readyz"}},
				{"", []string{"health", server.URL + "/other"}},
				{"", []string{text}},
				{"", []string{"dlq", text}},
				{"", []string{"run", "--" + text}},
				{"", []string{"run", "-c", file, "--destination", text}},
				{"", []string{"deliver", "-c", file, text}},
				{"", []string{"version", "--log-level", text}},
			} {
				got := runCommand(t, tt.stdin, tt.args...)
				what := strings.Join(tt.args[:1], " ")
				if got.stdout == "" && got.stderr == "" {
					t.Errorf("%s printed nothing", what)
				}
				if name != "long" { // JSON is as long as it is
					wantHarmless(t, what, got.stdout)
				}
				wantHarmless(t, what+", stderr", got.stderr)
			}
		})
	}
}

// What passes a terminal's guard in JSON is what was there.
func TestHostile_jsonIsWhatWasThere(t *testing.T) {
	t.Parallel()
	for name, text := range outputtest.Hostile {
		if name == "no UTF-8" {
			continue // JSON has no such text
		}
		b := hostileBox(t, text)
		var doc struct{ Data explain.Shown }
		got := b.dlq("show", fmt.Sprintf("%032x", 1), "--json")
		if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil {
			t.Fatalf("%s: %v: %s%.300s", name, err, got.stderr, got.stdout)
		}
		s := doc.Data
		var event struct{ Event string }
		if err := json.Unmarshal(s.Value, &event); err != nil || event.Event != text || s.Error.Message != text || s.Outcomes[0].Calls[0].URL != text {
			t.Errorf("%s: %v, event %.80q, message %.80q, URL %.80q", name, err, event.Event, s.Error.Message, s.Outcomes[0].Calls[0].URL)
		}
	}
}
