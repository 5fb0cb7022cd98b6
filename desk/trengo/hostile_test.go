package trengo_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// hostileRule has a value of the event wherever a rule takes one.
var hostileRule = rule("hostile", func(r *rules.Rule) {
	const v = "{{ v }}"
	r.Contact = rules.Contact{Create: true, Fields: map[string]string{"Plan": v}, Groups: []string{v}, Profile: v, Note: v}
	r.Ticket.Subject, r.Ticket.Team, r.Ticket.Labels, r.Ticket.Fields, r.Ticket.Note, r.Ticket.Message = v, v, []string{v}, map[string]string{"Invoice": v}, v, v
	r.Send = rules.Send{Subject: v, Message: v}
})

// Whatever a value holds stays data, within the limit of what it goes into.
func TestRoute_hostileValuesStayData(t *testing.T) {
	oneLine := []string{"value", "name", "subject", "email_subject"}
	for name, tt := range map[string]struct{ value, want string }{
		"markup":      {"<script>alert(1)</script>", "<script>alert(1)</script>"},
		"template":    {"{{ userId }}", "{{ userId }}"},
		"line breaks": {"a\r\nb\u2028c\td", "a b c d"},
		"quotes":      {`"},{"x":"`, `"},{"x":"`},
		"path":        {"../../users?x=1#y", "../../users?x=1#y"},
		"a megabyte":  {strings.Repeat("\u00e9", 1<<19), strings.Repeat("\u00e9", 1<<9)},
		"digits":      {"99999", "99999"},
	} {
		t.Run(name, func(t *testing.T) {
			value, err := json.Marshal(tt.value)
			if err != nil {
				t.Fatal(err)
			}
			o := outcomesBy(t, []rules.Rule{hostileRule}, fmt.Sprintf(
				`{"type":"track","event":"E","messageId":"m","userId":"u-1","properties":{"v":%s},"context":{"traits":{"email":"nora@example.com"}}}`, value,
			))[0]
			if o.Outcome != sink.Delivered {
				t.Fatalf("%s: %+v", o.Outcome, o.Error)
			}
			texts := 0
			for _, call := range o.Calls {
				if path, _, _ := strings.Cut(call.URL, "?"); strings.Contains(path, "..") || strings.Contains(path, "%2F") {
					t.Errorf("it called %s", call.URL)
				}
				var body map[string]any
				if json.Unmarshal([]byte(call.Request.String()), &body) != nil {
					continue
				}
				for member, v := range body {
					text, ok := v.(string)
					if !ok || member == "identifier" || member == "contact_identifier" || member == "channel_id" || member == "type" {
						continue
					}
					texts++
					if slices.Contains(oneLine, member) && text != tt.want {
						t.Errorf("%s %s: %s is %.80q, want %.80q", call.Method, call.URL, member, text, tt.want)
					}
					if len(text) > rules.MaxBody+1<<10 || strings.Contains(text, "u-1") {
						t.Errorf("%s %s: %s has %d bytes: %.80q", call.Method, call.URL, member, len(text), text)
					}
				}
			}
			if texts < 8 {
				t.Errorf("%d texts went out, want one for each part", texts)
			}
		})
	}
}
