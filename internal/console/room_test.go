package console

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/sink"
)

func TestRoom_pagesOfLettersAndEventsStaySmall(t *testing.T) {
	d := journaltest.NewDeployment(t, "http://127.0.0.1:1", "")
	r := &kgo.Record{
		Topic: journaltest.Events, Key: []byte("u"), Timestamp: journaltest.Day,
		Value: fmt.Appendf(nil, `{"type":"identify","messageId":"m-1","userId":"u","list":[%s"the end"]}`, strings.Repeat(`"<\"a text>",`, 60_000)),
	}
	for i := range 300 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: fmt.Sprint("header-", i), Value: []byte(strings.Repeat("<", 1000))})
	}
	d.Write(r)
	id := d.Settle(r, "crm", 0, sink.Dead)
	for round := range 200 {
		d.Settle(r, "inbox", round, sink.Delivered)
	}
	s := open(t, d.Config, nil)
	for target, want := range map[string]string{
		"/letter/" + id: "is left out here", "/letter/" + id + "?show=personal": "headers left out here",
		"/event?id=m-1": "of the story left out here", "/event?id=m-1&show=personal": "as a file",
	} {
		if page := s.get(target); len(page)+14_000 > maxPage || !strings.Contains(page, want) {
			t.Errorf("%s has %d bytes, or lacks %q", target, len(page), want)
		}
	}
	for _, target := range []string{"/letter/" + id + "/original", "/event/original?id=m-1"} {
		w := s.ask(http.MethodGet, target)
		h := w.Header()
		if w.Code != http.StatusOK || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || !strings.HasPrefix(h.Get("Content-Type"), "text/plain") ||
			h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s is answered with %d and %v", target, w.Code, h)
		}
		if strings.HasPrefix(target, "/letter") && (w.Body.Len() < 700_000 || !strings.Contains(w.Body.String(), "header-299")) {
			t.Errorf("the original has %d bytes", w.Body.Len())
		}
		s.settings.PersonalData = []string{"viewer"} // not operators
		if w := s.ask(http.MethodGet, target); w.Code != http.StatusForbidden {
			t.Errorf("%s is answered with %d to who may not see it", target, w.Code)
		}
		s.settings.PersonalData = []string{"operator"}
	}
}
