package journal_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
)

// Closed letters are left out unless all are wanted; what is no letter is counted in any case.
func TestGroups_areWhatIsOpenByCause(t *testing.T) {
	d := deployment(t)
	first := d.Settle(d.Event(0, "m-1", "u"), "crm", 0, sink.Dead)
	d.Settle(d.Event(1, "m-2", "v"), "crm", 0, sink.Dead)
	d.State(letters.State{ID: first, Status: letters.Delivered, At: day})
	d.Write(&kgo.Record{Topic: journaltest.DeadLetters, Value: []byte("hello")},
		&kgo.Record{Topic: journaltest.DeadLetters, Headers: []kgo.RecordHeader{{Key: "dlq.version", Value: []byte("9")}}})
	for _, tt := range []struct {
		all  bool
		note int
		want map[letters.Status]int
	}{{false, 1, map[letters.Status]int{letters.Open: 3}}, {true, 0, map[letters.Status]int{letters.Open: 3, letters.Delivered: 1}}} {
		d.Notes = &journaltest.Notes{}
		list, err := d.Open().Groups(t.Context(), letters.Every(), tt.all)
		if err != nil {
			t.Fatal(err)
		}
		got := map[letters.Status]int{}
		for _, g := range list {
			for status, n := range maps.All(g.Statuses) {
				got[status] += n
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("all %v: letters by status (-want +got):\n%s", tt.all, diff)
		}
		for text, want := range map[string]int{
			"1 letter closed": tt.note, "1 record of " + journaltest.DeadLetters + " without a dead-letter header": 1,
			"1 letter of " + journaltest.DeadLetters + " with headers of ours that cannot be used": 1,
		} {
			if n := len(d.Notes.Having(text)); n != want {
				t.Errorf("all %v: %d notes with %q, want %d: %q", tt.all, n, text, want, d.Notes.Having(""))
			}
		}
	}
}
