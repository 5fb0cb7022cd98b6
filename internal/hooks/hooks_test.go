package hooks_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/hooks"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/internal/wiring"
)

// world is both stub desks with a configuration of them.
type world struct {
	*stubtest.Client
	options hooks.Options
	dir     string
}

func newWorld(t *testing.T) world {
	t.Helper()
	client := stubtest.Serve(t, stub.Config{Seed: 1}, stubtrengo.New(nil), stubkustomer.New())
	dir := t.TempDir()
	cfg := configtest.Parse(t, `
inbound: {public_url: "https://hooks.example.com/"}
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: token-for-trengo, base_url: %q}
    webhooks: {events: [ticket.closed, message.inbound], secrets_file: %q}
  - name: crm
    type: kustomer
    kustomer: {api_key: key-for-kustomer, base_url: %q}
    webhooks: {events: [ticket.closed, ticket.created, contact.updated], secrets_file: %q}
`, client.URL+stubtrengo.Path, filepath.Join(dir, "inbox.json"), client.URL+stubkustomer.Path, filepath.Join(dir, "crm.json"))
	senders, err := wiring.Senders(cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return world{client, hooks.Options{Config: cfg, Senders: senders}, dir}
}

// states are the registrations by destination and events.
func (w world) states(t *testing.T) (lines []string) {
	t.Helper()
	rows, err := hooks.Compare(t.Context(), w.options)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf("%s %s %s %s", r.Destination, r.State, strings.Join(r.Events, ","), r.URL))
	}
	return lines
}

func (w world) apply(t *testing.T) (changed int, err error) {
	t.Helper()
	rows, err := hooks.Compare(t.Context(), w.options)
	if err != nil {
		return 0, err
	}
	if err := hooks.Check(w.options, rows); err != nil {
		return 0, err
	}
	err = hooks.Apply(t.Context(), w.options, rows, func(hooks.Row) { changed++ })
	return changed, err
}

func (w world) post(t *testing.T, method, path, body string) map[string]any {
	t.Helper()
	reply, err := w.Try("token-of-somebody", method, path, body)
	if err != nil || reply.Status >= 300 {
		t.Fatal(reply, err)
	}
	return reply.JSON(t)
}

const crmEvents = "kustomer.conversation.create,kustomer.conversation.update,kustomer.customer.update"

func TestApply_makesWhatIsMissingAndNothingElse(t *testing.T) {
	w := newWorld(t)
	w.post(t, http.MethodPost, stubtrengo.Path+"/webhooks", `{"name":"other","type":"NOTE","url":"https://elsewhere.example.com/"}`)
	w.post(t, http.MethodPost, stubtrengo.Path+"/webhooks", `{"name":"old","type":"NOTE","url":"https://hooks.example.com/webhooks/inbox/NOTE"}`)
	state := func(s string) []string {
		return []string{
			"inbox " + s + " INBOUND https://hooks.example.com/webhooks/inbox/INBOUND",
			"inbox " + s + " TICKET_CLOSED https://hooks.example.com/webhooks/inbox/TICKET_CLOSED",
			"inbox foreign NOTE https://elsewhere.example.com/",
			"inbox extra NOTE https://hooks.example.com/webhooks/inbox/NOTE",
			"crm " + s + " " + crmEvents + " https://hooks.example.com/webhooks/crm",
		}
	}
	if diff := cmp.Diff(state("missing"), w.states(t)); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	if changed, err := w.apply(t); err != nil || changed != 3 {
		t.Fatalf("%d changed, %v", changed, err)
	}
	if diff := cmp.Diff(state("registered"), w.states(t)); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
	before := w.files(t)
	if changed, err := w.apply(t); err != nil || changed != 0 {
		t.Errorf("again: %d changed, %v", changed, err)
	}
	if diff := cmp.Diff(before, w.files(t)); diff != "" {
		t.Errorf("the secrets are others after nothing was changed (-before +after):\n%s", diff)
	}
	// The secrets are those of the desk, by their event.
	reply, err := w.Try("token-of-somebody", http.MethodGet, stubtrengo.Path+"/webhooks", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range reply.JSON(t)["data"].([]any) {
		hook := e.(map[string]any)
		ours := strings.HasPrefix(hook["url"].(string), "https://hooks.example.com/") && hook["type"] != "NOTE"
		keys := w.read(t, "inbox.json").Keys(hook["type"].(string))
		if got := slices.Contains(keys, hook["signing_secret"].(string)); got != ours || len(keys) > 1 {
			t.Errorf("the secret of %v is in the file: %v", hook["url"], got)
		}
	}
	if keys := w.read(t, "crm.json").Keys(""); len(keys) != 1 {
		t.Errorf("Kustomer's secrets: %d", len(keys))
	}
}

func (w world) read(t *testing.T, name string) *hooks.File {
	t.Helper()
	f, err := hooks.ReadFile(t.Context(), filepath.Join(w.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// files are the secrets files. Nobody else may read them, and nothing else is left beside them.
func (w world) files(t *testing.T) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v, %v", e.Name(), info.Mode(), err)
		}
		text, err := os.ReadFile(filepath.Join(w.dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		texts[e.Name()] = string(text)
	}
	return texts
}

// What the desk switched off is switched on, what differs is changed, with the headers that it has.
func TestApply_switchesOnAndChanges(t *testing.T) {
	w := newWorld(t)
	if _, err := w.apply(t); err != nil {
		t.Fatal(err)
	}
	list := w.post(t, http.MethodGet, stubkustomer.Path+"/v1/outbound-webhooks", "")["data"].([]any)
	path := stubkustomer.Path + "/v1/outbound-webhooks/" + list[0].(map[string]any)["id"].(string)
	const body = `{"name":"renamed","url":"https://hooks.example.com/webhooks/crm","events":[%s],"enabled":%t,"headers":[{"name":"X-Gateway","value":"pass"}]}`
	for want, change := range map[string]string{
		"crm off ":     fmt.Sprintf(body, `"kustomer.conversation.create","kustomer.conversation.update","kustomer.customer.update"`, false),
		"crm differs ": fmt.Sprintf(body, `"kustomer.conversation.create"`, true),
	} {
		w.post(t, http.MethodPut, path, change)
		if !slices.ContainsFunc(w.states(t), func(line string) bool { return strings.HasPrefix(line, want) }) {
			t.Errorf("states %q, want one %q", w.states(t), want)
		}
		if changed, err := w.apply(t); err != nil || changed != 1 {
			t.Errorf("%s: %d changed, %v", want, changed, err)
		}
		attributes := w.post(t, http.MethodGet, path, "")["data"].(map[string]any)["attributes"].(map[string]any)
		if attributes["enabled"] != true || len(attributes["events"].([]any)) != 3 || attributes["name"] != "renamed" || len(attributes["headers"].([]any)) != 1 {
			t.Errorf("%s: afterwards it is %v", want, attributes)
		}
	}
}

// A registration that was made has its secret in the file, whatever becomes of the next one.
func TestApply_whatWasMadeIsNotLost(t *testing.T) {
	w := newWorld(t)
	made := 0
	w.Server.Desk(stubtrengo.Name).SetOutage(func(c stub.Call) int {
		if c.Method == http.MethodPost {
			if made++; made > 1 {
				return http.StatusInternalServerError
			}
		}
		return 0
	})
	changed, err := w.apply(t)
	if err == nil || changed != 1 || !strings.Contains(err.Error(), "destination inbox") {
		t.Errorf("%d changed, %v", changed, err)
	}
	if keys := w.read(t, "inbox.json").Keys("INBOUND"); len(keys) != 1 {
		t.Errorf("the first registration has %d secrets on file", len(keys))
	}
	w.Server.Desk(stubtrengo.Name).SetOutage(func(stub.Call) int { return 0 })
	if changed, err := w.apply(t); err != nil || changed != 2 {
		t.Errorf("again: %d changed, %v", changed, err)
	}
}

// Former secrets stay for a while: what was signed with them may still come.
func TestApply_keepsFormerSecrets(t *testing.T) {
	w := newWorld(t)
	text, err := json.Marshal(hooks.File{Hooks: []hooks.FileHook{{Event: "INBOUND", Secrets: []string{"former-1", "former-2", "former-3"}}, {Event: "NOTE", Secrets: []string{"of-a-note"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "inbox.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.apply(t); err != nil {
		t.Fatal(err)
	}
	keys := w.read(t, "inbox.json").Keys("INBOUND")
	if len(keys) != 3 || keys[1] != "former-1" || keys[2] != "former-2" || len(w.read(t, "inbox.json").Keys("NOTE")) != 1 {
		t.Errorf("keys %q", keys)
	}
}

func TestCheck_saysWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		w.post(t, http.MethodPost, stubkustomer.Path+"/v1/outbound-webhooks", `{"name":"h","url":"https://elsewhere.example.com","events":["kustomer.user.create"]}`)
	}
	if _, err := w.apply(t); err == nil || !strings.Contains(err.Error(), "destination crm: the desk takes 5 registrations, and has 5: remove one there") {
		t.Errorf("a desk that is full: %v", err)
	}
	w = newWorld(t)
	w.options.Config.Inbound.PublicURL = ""
	for i := range w.options.Senders {
		w.options.Senders[i].Config.Webhooks.Events, w.options.Senders[i].Config.Webhooks.SecretsFile = nil, ""
	}
	_, err := w.apply(t)
	for _, want := range []string{"inbound.public_url is missing", "inbox: webhooks.events is missing", "crm: webhooks.secrets_file is missing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

// What a desk answers is not shown, which may be a secret.
func TestCompare_desksThatDoNotAnswer(t *testing.T) {
	w := newWorld(t)
	for status, want := range map[int]string{
		http.StatusUnauthorized: "401: the credential is not accepted", http.StatusForbidden: "403: the credential lacks the right",
		http.StatusTooManyRequests: "429", http.StatusInternalServerError: "500", stub.DropConnection: "calling GET /webhooks",
	} {
		w.Server.Desk(stubtrengo.Name).SetOutage(func(stub.Call) int { return status })
		_, err := hooks.Compare(t.Context(), w.options)
		if err == nil || !strings.Contains(err.Error(), "destination inbox: ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "message") {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// A file that somebody made for apply to fill is told what to do with.
func TestReadFile_saysWhatToDoWithAnEmptyOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hooks.json")
	if err := os.WriteFile(path, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := hooks.ReadFile(t.Context(), path)
	if err == nil || !strings.Contains(err.Error(), path+" is empty: delete it, and deskstream webhooks apply writes it") {
		t.Errorf("the error is %v", err)
	}
}
