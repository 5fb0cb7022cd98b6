package trengo_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/mapping"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/trengo"
)

// effects is a Doer that hands a test the effect that is asked for.
type effects struct {
	*fake
	once func(e sink.Effect) (sink.Effected, error)
}

func (e effects) Once(_ context.Context, effect sink.Effect) (sink.Effected, error) {
	return e.once(effect)
}

// looking opens a ticket for contact 7 in channel 880 with the subject "Order  7", announced
// when the tickets up to floor were known, and looks for it among rows.
func looking(t *testing.T, ids *sink.IDs, floor int64, pages ...answer) (seen sink.Sighting, calls []string) {
	t.Helper()
	do := script(pages, nil, nil)
	ids.Made().Seen(floor)
	step := mapped.OpenTicket{Contact: mapped.Contact{ID: mapping.Int(7), Channel: mapping.Str("880")}, Subject: " Order  7"}
	_, err := trengo.New(ids).Send(t.Context(), effects{do, func(e sink.Effect) (made sink.Effected, err error) {
		mark := e.Mark()
		if seen, err = e.Find(t.Context(), mark); err != nil {
			return made, err
		}
		return sink.Effected{State: sink.StepAdopted, IDs: seen.IDs}, nil
	}}, mapped.Message{Steps: []mapped.Step{step}})
	if err != nil {
		t.Fatal(err)
	}
	return seen, do.seen()
}

// row is a ticket of a list, as its own text says.
func row(id int, parts string) string { return fmt.Sprintf(`{"id":%d%s}`, id, parts) }

const ours = `,"contact_id":7,"channel_id":880,"user_id":5,"subject":"Order 7"`

func TestTicket_isFoundByAllThatTheListShows(t *testing.T) {
	tests := map[string]struct {
		rows []string
		want string
	}{
		"ours":                           {[]string{row(51, ours)}, "51"},
		"the oldest of several":          {[]string{row(53, ours), row(52, ours), row(54, ours)}, "52"},
		"one that was there before":      {[]string{row(50, ours)}, ""},
		"another contact's":              {[]string{row(51, `,"contact_id":8,"channel_id":880,"subject":"Order 7"`)}, ""},
		"another contact's, nested":      {[]string{row(51, `,"contact":{"id":8},"channel_id":880,"subject":"Order 7"`)}, ""},
		"another channel's":              {[]string{row(51, `,"contact_id":7,"channel":{"id":881},"subject":"Order 7"`)}, ""},
		"another user's":                 {[]string{row(51, strings.Replace(ours, `:5,`, `:6,`, 1))}, ""},
		"of nobody, as after routing":    {[]string{row(51, strings.Replace(ours, `:5,`, `:null,`, 1))}, "51"},
		"another subject":                {[]string{row(51, strings.Replace(ours, `Order 7`, `Order 8`, 1))}, ""},
		"a subject with blanks":          {[]string{row(51, strings.Replace(ours, `Order 7`, ` Order \t7 `, 1))}, "51"},
		"a channel without subjects":     {[]string{row(51, strings.Replace(ours, `"Order 7"`, `null`, 1))}, "51"},
		"with nothing but its id":        {[]string{row(51, "")}, "51"},
		"an event's that is known":       {[]string{row(60, ours)}, ""},
		"ours beside an event's":         {[]string{row(60, ours), row(61, ours)}, "61"},
		"ids as text, and times of 1970": {[]string{`{"id":"51","contact_id":"7","channel_id":"880","created_at":"1970-01-01 00:00:00","subject":"Order 7"}`}, "51"},
		"no ticket":                      {nil, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ids := newIDs()
			ids.Made().SetMaker("5")
			trengo.New(ids).OnRecord("another step", sink.StepRecord{StepInfo: sink.StepInfo{Name: "ticket"}, IDs: map[string]string{"ticket_id": "60"}})
			// What an event has made raises the floor, so the one that is looked for was announced
			// before that.
			seen := lookingFrom(t, ids, 50, hits(tt.rows...))
			if got := seen.IDs["ticket_id"]; got != tt.want || seen.Unsure {
				t.Errorf("found %q, unsure %v; want %q", got, seen.Unsure, tt.want)
			}
		})
	}
}

// another is the Doer of an event with a reference of its own.
type another struct {
	effects
	ref string
}

func (a another) Ref(string) string { return a.ref }

// lookingFrom is looking for a ticket that another process announced.
func lookingFrom(t *testing.T, ids *sink.IDs, floor int, pages ...answer) (seen sink.Sighting) {
	t.Helper()
	do := script(pages, nil, nil)
	step := mapped.OpenTicket{Contact: mapped.Contact{ID: mapping.Int(7), Channel: mapping.Str("880")}, Subject: " Order  7"}
	_, err := trengo.New(ids).Send(t.Context(), another{effects{do, func(e sink.Effect) (made sink.Effected, err error) {
		ids.Made().Seen(0)
		mark := e.Mark()
		mark["floor"] = fmt.Sprint(floor)
		seen, err = e.Find(t.Context(), mark)
		return sink.Effected{State: sink.StepAdopted, IDs: seen.IDs}, err
	}}, rand.Text()}, mapped.Message{Steps: []mapped.Step{step}})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func TestTicket_pagesAreReadAsLongAsTheyHoldNewTickets(t *testing.T) {
	page := func(next string, rows ...string) answer {
		return answer{200, `{"data":[` + strings.Join(rows, ",") + `],"links":{"next":` + next + `}}`}
	}
	other := `,"contact_id":7,"channel_id":881`
	tests := map[string]struct {
		pages []answer
		want  string
		calls int
	}{
		"on the second":           {[]answer{page(`"x"`, row(60, other)), page(`null`, row(55, ours))}, "55", 2},
		"behind the last new one": {[]answer{page(`"x"`, row(49, other)), page(`null`, row(55, ours))}, "", 1},
		"four at most":            {[]answer{page(`"x"`, row(60, other))}, "", 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			seen, calls := looking(t, newIDs(), 50, tt.pages...)
			if seen.IDs["ticket_id"] != tt.want || len(calls) != tt.calls || calls[0] != "GET /tickets?contact_id=7&page=1" {
				t.Errorf("found %v with %q, want %q with %d calls", seen.IDs, calls, tt.want, tt.calls)
			}
		})
	}
}

// Two events of one contact look for their tickets at once, and each finds its own.
func TestTicket_isNotTakenFromAnotherEvent(t *testing.T) {
	ids := newIDs()
	list := hits(row(51, ours), row(52, ours))
	done := ids.Made().Send("7\x00880") // a third event's write is on its way
	if seen, _ := looking(t, ids, 50, list); !seen.Unsure || seen.IDs != nil {
		t.Errorf("found %v, unsure %v; want it unsure while the ticket may be another event's", seen.IDs, seen.Unsure)
	}
	done()
	for _, want := range []string{"51", "52", ""} {
		if seen := lookingFrom(t, ids, 50, list); seen.IDs["ticket_id"] != want {
			t.Errorf("found %v, want %q", seen.IDs, want)
		}
	}
}

func TestTicket_isMarkedByWhatIsKnown(t *testing.T) {
	ids := newIDs()
	do := script([]answer{{200, `{"data":[{"id":41},{"id":"x"},{"id":39}],"links":{"next":"y"}}`}}, nil, nil)
	mark := func() (mark sink.Mark) {
		_, err := trengo.New(ids).Send(t.Context(), effects{do, func(e sink.Effect) (sink.Effected, error) {
			if mark = e.Mark(); mark != nil {
				t.Errorf("a mark before any ticket is known: %v", mark)
			}
			if err := e.Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			mark = e.Mark()
			return sink.Effected{Reply: sink.Reply{Planned: true}}, nil
		}}, mapped.Message{Steps: []mapped.Step{mapped.OpenTicket{Contact: mapped.Contact{ID: mapping.Str("7"), Channel: mapping.Int(880)}, Subject: "nora@example.com has paid"}}})
		if err != nil {
			t.Fatal(err)
		}
		return mark
	}()
	if mark["contact_id"] != "7" || mark["channel_id"] != "880" || mark["floor"] != "41" || len(mark["subject"]) != 32 || len(mark) != 4 {
		t.Errorf("mark = %v", mark)
	}
	if calls := do.seen(); len(calls) != 1 || calls[0] != "GET /tickets?page=1" {
		t.Errorf("calls = %q, want the newest tickets asked for once", calls)
	}
}

func TestTicket_withoutAListThereIsNoMark(t *testing.T) {
	for _, a := range []answer{{404, `{"message":"no"}`}, {200, ``}} {
		ids := newIDs()
		do := script([]answer{a}, nil, nil)
		_, err := trengo.New(ids).Send(t.Context(), effects{do, func(e sink.Effect) (sink.Effected, error) {
			_ = e.Prepare(t.Context()) // the fake makes an error of a refusal; the sender's Doer does not
			if mark := e.Mark(); mark != nil {
				t.Errorf("mark = %v although the tickets are not known", mark)
			}
			return sink.Effected{Reply: sink.Reply{Planned: true}}, nil
		}}, mapped.Message{Steps: []mapped.Step{mapped.OpenTicket{Contact: mapped.Contact{ID: mapping.Str("7")}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTicket_aRefusedListSaysNothingOfTheTicket(t *testing.T) {
	ids := newIDs()
	counted := 0
	do := counting{script([]answer{{404, `{"message":"no"}`}, hits(row(51, ours))}, nil, nil), &counted}
	ids.Made().Seen(50)
	var seen sink.Sighting
	_, err := trengo.New(ids).Send(t.Context(), effectsOf{do, func(e sink.Effect) (made sink.Effected, err error) {
		seen, err = e.Find(t.Context(), e.Mark())
		return sink.Effected{State: sink.StepAdopted, IDs: seen.IDs}, err
	}}, mapped.Message{Steps: []mapped.Step{mapped.OpenTicket{Contact: mapped.Contact{ID: mapping.Int(7), Channel: mapping.Str("880")}, Subject: "Order 7"}}})
	if err != nil || counted != 1 || seen.IDs["ticket_id"] != "51" {
		t.Errorf("found %v after %d failures, %v; want 51 after one", seen.IDs, counted, err)
	}
}

// counting lets an event go on after each failure, and counts them.
type counting struct {
	*fake
	n *int
}

func (c counting) CountFailure(context.Context, sink.Call, sink.Reply) error {
	*c.n++
	return nil
}

type effectsOf struct {
	counting
	once func(e sink.Effect) (sink.Effected, error)
}

func (e effectsOf) Once(_ context.Context, effect sink.Effect) (sink.Effected, error) {
	return e.once(effect)
}

func TestTicket_anAccountWithoutTicketsHasAFloor(t *testing.T) {
	ids := newIDs()
	_, err := trengo.New(ids).Send(t.Context(), effects{script([]answer{hits()}, nil, nil), func(e sink.Effect) (sink.Effected, error) {
		if err := e.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		if mark := e.Mark(); mark["floor"] != "0" {
			t.Errorf("mark = %v, want the floor 0", mark)
		}
		return sink.Effected{Reply: sink.Reply{Planned: true}}, nil
	}}, mapped.Message{Steps: []mapped.Step{mapped.OpenTicket{Contact: mapped.Contact{ID: mapping.Str("7")}}}})
	if err != nil {
		t.Fatal(err)
	}
}

// With a reference in its subject a ticket is found whatever else has changed, and no other is.
func TestTicket_isFoundByItsReference(t *testing.T) {
	const subject = `Order 7 [ds-ticketti]`
	named := strings.Replace(ours, "Order 7", subject, 1)
	tests := map[string]struct {
		rows []string
		want string
	}{
		"behind one of the same subject": {[]string{row(51, ours), row(52, named)}, "52"},
		"an agent has it":                {[]string{row(51, strings.Replace(named, `:5,`, `:6,`, 1))}, "51"},
		"an agent gave it a subject":     {[]string{row(51, strings.Replace(named, subject, "Re: "+subject+" (VIP)", 1))}, "51"},
		"in another channel by now":      {[]string{row(51, strings.Replace(named, `:880`, `:881`, 1))}, "51"},
		"with another reference":         {[]string{row(51, strings.Replace(named, "ds-ticketti", "ds-00000000", 1))}, ""},
		"one that was there before":      {[]string{row(50, named)}, ""},
		"another event's":                {[]string{row(60, named)}, ""},
		"the list shows no subjects":     {[]string{row(51, strings.Replace(named, `"`+subject+`"`, `null`, 1))}, "51"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ids := newIDs()
			ids.Made().SetMaker("5")
			trengo.New(ids).OnRecord("another step", sink.StepRecord{StepInfo: sink.StepInfo{Name: "ticket"}, IDs: map[string]string{"ticket_id": "60"}})
			if tt.want != "" && !strings.Contains(tt.rows[0], "null") {
				defer ids.Made().Send("7\x00880")() // another event's is on its way, which is no matter
			}
			do := script([]answer{hits(tt.rows...)}, nil, nil)
			step := mapped.OpenTicket{Contact: mapped.Contact{ID: mapping.Int(7), Channel: mapping.Str("880")}, Subject: "Order 7", Referenced: true}
			var seen sink.Sighting
			_, err := trengo.New(ids).Send(t.Context(), effects{do, func(e sink.Effect) (sink.Effected, error) {
				if got := e.Call.Body.Get("subject").Str(); got != subject {
					t.Errorf("the subject is %q, want %q", got, subject)
				}
				ids.Made().Seen(0)
				mark := e.Mark()
				mark["floor"] = "50"
				var err error
				seen, err = e.Find(t.Context(), mark)
				return sink.Effected{State: sink.StepAdopted, IDs: seen.IDs}, err
			}}, mapped.Message{Steps: []mapped.Step{step}})
			if err != nil || seen.IDs["ticket_id"] != tt.want || seen.Unsure {
				t.Errorf("found %v, unsure %v, %v; want %q", seen.IDs, seen.Unsure, err, tt.want)
			}
		})
	}
}

// unhurried is a Doer whose answers take a while.
type unhurried struct{ effects }

func (u unhurried) Do(ctx context.Context, call sink.Call) (sink.Reply, error) {
	time.Sleep(time.Second)
	return u.effects.Do(ctx, call)
}

func TestTicket_eventsThatBeginTogetherLookTheNewestUpOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids, do := newIDs(), script([]answer{hits(row(41, ours))}, nil, nil)
		prepare := func(e sink.Effect) (sink.Effected, error) {
			if err := e.Prepare(t.Context()); err != nil {
				return sink.Effected{}, err
			}
			if mark := e.Mark(); mark["floor"] != "41" {
				t.Errorf("mark = %v, want the floor 41", mark)
			}
			return sink.Effected{Reply: sink.Reply{Planned: true}}, nil
		}
		var events sync.WaitGroup
		for user := range 3 {
			events.Go(func() {
				step := mapped.OpenTicket{Contact: mapped.Contact{ID: mapping.Int(int64(user))}}
				if _, err := trengo.New(ids).Send(t.Context(), unhurried{effects{do, prepare}}, mapped.Message{Steps: []mapped.Step{step}}); err != nil {
					t.Error(err)
				}
			})
		}
		events.Wait()
		if calls := do.seen(); len(calls) != 1 {
			t.Errorf("calls = %q, want one", calls)
		}
	})
}

// A process may lose an event whose ticket it has opened, and have it again: the ticket is the
// event's own, also when its outcome came onto the topic late.
func TestTicket_itsOwnIsFoundAgain(t *testing.T) {
	for name, known := range map[string]func(ids *sink.IDs, ref string){
		"opened by this process": func(ids *sink.IDs, ref string) { ids.Made().Take(51, ref) },
		"on record": func(ids *sink.IDs, ref string) {
			trengo.New(ids).OnRecord(ref, sink.StepRecord{StepInfo: sink.StepInfo{Name: "ticket"}, IDs: map[string]string{"ticket_id": "51"}})
		},
	} {
		for _, own := range []bool{true, false} {
			ids, of := newIDs(), "another"
			if own {
				of = "own"
			}
			known(ids, of)
			do := another{effects{script([]answer{hits(row(51, ours))}, nil, nil), nil}, "own"}
			var seen sink.Sighting
			do.once = func(e sink.Effect) (sink.Effected, error) {
				mark := e.Mark()
				mark["floor"] = "50"
				var err error
				seen, err = e.Find(t.Context(), mark)
				return sink.Effected{State: sink.StepAdopted, IDs: seen.IDs}, err
			}
			step := mapped.OpenTicket{Contact: mapped.Contact{ID: mapping.Int(7), Channel: mapping.Str("880")}, Subject: "Order 7"}
			if _, err := trengo.New(ids).Send(t.Context(), do, mapped.Message{Steps: []mapped.Step{step}}); err != nil {
				t.Fatal(err)
			}
			if found := seen.IDs["ticket_id"] == "51"; found != own {
				t.Errorf("%s, own %v: found %v", name, own, seen.IDs)
			}
		}
	}
}
