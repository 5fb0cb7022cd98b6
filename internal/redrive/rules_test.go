package redrive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// at is a candidate of a letter of ours at crm, whose event is at an offset of a user's lane.
func at(offset int64, user string) *candidate {
	return &candidate{
		original: &kgo.Record{Topic: "events", Offset: offset}, destination: "crm", group: "deskstream.crm", lane: user, round: 1,
		letter: letters.Letter{
			ID: fmt.Sprintf("%032x", offset), Dialect: letters.Own, Destination: "crm",
			Source: letters.Source{Known: true, Group: "deskstream.crm", Place: letters.Place{Topic: "events", Offset: offset}},
		},
	}
}

func TestExclude_theVerdictsThatNeedNoEvent(t *testing.T) {
	cfg := oneDesk(t, "http://127.0.0.1:1", "max_attempts: 1")
	p := &letterPlanner{
		box: &redriver{Journal: &journal.Journal{Options: journal.Options{Config: cfg}, Cluster: "c"}}, plan: &letters.Plan{}, options: PlanOptions{MaxRounds: 5},
	}
	for name, tt := range map[string]struct {
		change func(*candidate)
		want   letters.Verdict
	}{
		"sound":                       {func(*candidate) {}, ""},
		"damaged":                     {func(c *candidate) { c.letter.Fault = "no offset" }, letters.Unreadable},
		"of no program that is known": {func(c *candidate) { c.letter.Dialect = letters.Unknown }, letters.Unreadable},
		"without its record":          {func(c *candidate) { c.letter.Pointer = true }, letters.NotThere},
		"to nobody":                   {func(c *candidate) { c.destination = "" }, letters.Homeless},
		"to a destination that went":  {func(c *candidate) { c.destination = "gone" }, letters.Homeless},
		"another deployment's":        {func(c *candidate) { c.letter.Source.Group = "other.crm" }, letters.OtherGroup},
		"another program's group":     {func(c *candidate) { c.letter.Dialect, c.letter.Source.Group = letters.Spring, "g" }, ""},
		"of another cluster":          {func(c *candidate) { c.letter.Source.Cluster = "d" }, letters.OtherPlace},
		"of this cluster":             {func(c *candidate) { c.letter.Source.Cluster = "c" }, ""},
		"with the outcome of a send":  {func(c *candidate) { c.applied = sink.Dead }, letters.Applied},
		"delivered since":             {func(c *candidate) { c.delivered = true }, letters.Arrived},
		"superseded":                  {func(c *candidate) { c.superseded = true }, letters.Superseded},
		"sent as often as it may be":  {func(c *candidate) { c.round = 5 }, ""},
		"sent too often":              {func(c *candidate) { c.round = 6 }, letters.TooOften},
		"applied, too often":          {func(c *candidate) { c.applied, c.round = sink.Delivered, 6 }, letters.Applied},
	} {
		c := at(0, "u")
		tt.change(c)
		if got, why := p.exclude(c); got != tt.want || got != "" && got != letters.NotThere && why == "" {
			t.Errorf("%s: %q because %q, want %q", name, got, why, tt.want)
		}
	}
}

// Events of an earlier topic of the name happened before those of the present one, whatever
// their offsets are.
func TestInOrder_isTheOrderOfEachLane(t *testing.T) {
	c := func(offset int64, partition int32, round int, id topics.TopicID, hour int) *candidate {
		c := at(offset, "u")
		c.original.Partition, c.round = partition, round
		c.letter.Source.TopicID, c.letter.Source.Timestamp = id.String(), time.Unix(int64(hour)*3600, 0)
		return c
	}
	old, now := topics.TopicID{9}, topics.TopicID{1}
	want := []*candidate{c(7, 0, 1, old, 1), c(8, 0, 1, old, 2), c(0, 0, 1, now, 3), c(3, 0, 1, now, 4), c(3, 0, 2, now, 4), c(0, 1, 1, now, 5)}
	for range 20 {
		got := slices.Clone(want)
		slices.Reverse(got)
		got[0], got[3] = got[3], got[0]
		inOrder(got)
		if !slices.Equal(got, want) {
			t.Fatalf("order %v", offsetsOf(got))
		}
	}
}

func offsetsOf(list []*candidate) []int64 {
	var offsets []int64
	for _, c := range list {
		offsets = append(offsets, c.original.Offset)
	}
	return offsets
}

// The first letters are of as many users and causes as there are, so that they show what the
// others would run into.
func TestStages_canariesAreOfDifferentUsersAndCauses(t *testing.T) {
	var list []*candidate
	for i := range int64(40) {
		c := at(i, fmt.Sprint("user-", i/4)) // four of each user
		list = append(list, c)
	}
	parts := stages(list)
	if len(parts) != 3 || len(parts[0]) != 1 || len(parts[1]) != 10 || len(parts[2]) != 29 {
		t.Fatalf("stages %v, %v, %v", offsetsOf(parts[0]), offsetsOf(parts[1]), offsetsOf(parts[2]))
	}
	early := slices.Concat(parts[0], parts[1])
	users := map[string]bool{}
	for _, c := range early {
		users[c.lane] = true
	}
	if len(users) != 10 {
		t.Errorf("the first letters are of %d users, want 10", len(users))
	}
	last := map[string]int64{}
	for _, c := range slices.Concat(parts...) {
		if before, there := last[c.lane]; there && before > c.original.Offset {
			t.Errorf("letter %d of %s comes after letter %d", c.original.Offset, c.lane, before)
		}
		last[c.lane] = c.original.Offset
	}
	for i, c := range list {
		c.lane, c.letter.Fingerprint = fmt.Sprint("user-", i), "frequent"
	}
	list[39].letter.Fingerprint = "rare"
	if parts := stages(list); !slices.Contains(slices.Concat(parts[0], parts[1]), list[39]) {
		t.Errorf("the only letter of a cause is not among the first: %v, %v", offsetsOf(parts[0]), offsetsOf(parts[1]))
	}
	if few := stages(list[:3]); len(few[0]) != 1 || len(few[1]) != 2 || len(few[2]) != 0 {
		t.Errorf("of three letters: %v", few)
	}
}

func TestLikeFirst_lettersOfOneRecordShareAVerdict(t *testing.T) {
	for first, want := range map[letters.Verdict]letters.Verdict{
		letters.Send: letters.Settle, letters.Behind: letters.Settle, letters.Settle: letters.Settle,
		letters.StillDead: letters.StillDead, letters.Undecidable: letters.Undecidable,
	} {
		if got, why := likeFirst(&letters.Planned{ID: "x", Verdict: first}); got != want || !strings.Contains(why, "letter x") {
			t.Errorf("like %s: %s because %s", first, got, why)
		}
	}
}

// A verdict of an interrupted plan stands while nothing that it came from has changed.
func TestStands_onlyWhileTheEventIsMappedAsItWas(t *testing.T) {
	for name, tt := range map[string]struct {
		before *letters.Planned
		again  bool // an earlier letter of its user was planned again
		want   bool
	}{
		"the same":                    {&letters.Planned{Mapped: "m", Verdict: letters.Send}, false, true},
		"would die":                   {&letters.Planned{Mapped: "m", Verdict: letters.StillDead}, false, true},
		"not planned before":          {nil, false, false},
		"mapped otherwise":            {&letters.Planned{Mapped: "n", Verdict: letters.Send}, false, false},
		"nobody was asked":            {&letters.Planned{Mapped: "m", Verdict: letters.Unplanned}, false, false},
		"no answer":                   {&letters.Planned{Mapped: "m", Verdict: letters.Undecidable}, false, false},
		"behind one of another shape": {&letters.Planned{Mapped: "m", Verdict: letters.Send}, true, false},
	} {
		d := &draft{candidate: at(0, "u"), before: tt.before, planned: letters.Planned{Mapped: "m"}}
		key, _ := d.laneKey()
		p := &letterPlanner{again: map[laneKey]bool{key: tt.again}}
		if _, got := p.stands(d); got != tt.want {
			t.Errorf("%s: stands is %v, want %v", name, got, tt.want)
		}
	}
}

func TestDestinationFor_toIsForLettersWithoutADestinationHere(t *testing.T) {
	b := &redriver{Journal: &journal.Journal{Options: journal.Options{Config: oneDesk(t, "http://127.0.0.1:1", "max_attempts: 1")}}}
	for name, tt := range map[string]struct {
		letter   letters.Letter
		to, want string
	}{
		"ours":                     {letters.Letter{Dialect: letters.Own, Destination: "crm"}, "inbox", "crm"},
		"ours, gone":               {letters.Letter{Dialect: letters.Own, Destination: "gone"}, "crm", "crm"},
		"ours, gone, without":      {letters.Letter{Dialect: letters.Own, Destination: "gone"}, "", "gone"},
		"ours, damaged":            {letters.Letter{Dialect: letters.Own, Destination: "gone", Fault: "x"}, "crm", "gone"},
		"another program's":        {letters.Letter{Dialect: letters.Spring, Destination: "crm"}, "inbox", "inbox"},
		"another program's, to no": {letters.Letter{Dialect: letters.Spring, Destination: "crm"}, "", ""},
	} {
		if got := b.destinationFor(&tt.letter, tt.to); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// Whoever discards keeps out an apply of any destination that could send the letter meanwhile.
func TestMayBeSent_aLetterWithoutADestinationHereCouldGoAnywhere(t *testing.T) {
	cfg := &config.Config{Destinations: []config.Destination{{Name: "crm"}, {Name: "inbox"}, {Name: "third"}}}
	plan := func(names ...string) planFile {
		p := &letters.Plan{}
		for _, name := range names {
			p.Letters = append(p.Letters, letters.Planned{Destination: name, Verdict: letters.Discard})
		}
		return planFile{Plan: p}
	}
	for name, tt := range map[string]struct {
		plan planFile
		want []string
	}{
		"of one": {plan("inbox", "inbox"), []string{"inbox"}}, "of two": {plan("inbox", "crm", "inbox"), []string{"crm", "inbox"}},
		"of one that went": {plan("inbox", "gone"), []string{"crm", "inbox", "third"}}, "to nobody": {plan(""), []string{"crm", "inbox", "third"}},
		"none": {plan(), nil},
	} {
		if diff := cmp.Diff(tt.want, tt.plan.mayBeSent(cfg)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Two plans of a letter are compared by what they would change.
func TestDigestOf_goesByTheWritesAndTheResult(t *testing.T) {
	outcome := func(change func(*sink.Outcome)) string {
		o := sink.Outcome{Outcome: sink.Delivered, Calls: []sink.CallRecord{
			{Method: "GET", URL: "/a", Lookup: true}, {Method: "POST", URL: "/b", Request: sink.RawJSONOf(mapping.Str("x"))},
		}}
		change(&o)
		return digestOf(&o)
	}
	same := outcome(func(*sink.Outcome) {})
	for name, tt := range map[string]struct {
		change func(*sink.Outcome)
		same   bool
	}{
		"no lookup":        {func(o *sink.Outcome) { o.Calls = o.Calls[1:] }, true},
		"another lookup":   {func(o *sink.Outcome) { o.Calls[0].URL = "/z" }, true},
		"more attempts":    {func(o *sink.Outcome) { o.Calls[1].Attempts = 3 }, true},
		"another body":     {func(o *sink.Outcome) { o.Calls[1].Request = sink.RawJSONOf(mapping.Str("y")) }, false},
		"another URL":      {func(o *sink.Outcome) { o.Calls[1].URL = "/c" }, false},
		"another method":   {func(o *sink.Outcome) { o.Calls[1].Method = "PUT" }, false},
		"no write":         {func(o *sink.Outcome) { o.Calls = o.Calls[:1] }, false},
		"another outcome":  {func(o *sink.Outcome) { o.Outcome = sink.Skipped }, false},
		"an error":         {func(o *sink.Outcome) { o.Error = &sink.ErrorInfo{Code: "c"} }, false},
		"a reason to skip": {func(o *sink.Outcome) { skip := mapping.Skip("why"); o.Reason = &skip }, false},
	} {
		if got := outcome(tt.change) == same; got != tt.same {
			t.Errorf("%s: the same is %v, want %v", name, got, tt.same)
		}
	}
}

func TestCallDiff_showsTheWritesThatDiffer(t *testing.T) {
	then := &sink.Outcome{
		Error: &sink.ErrorInfo{Class: sink.Rejected, Code: "http_422", Message: "no"},
		Calls: []sink.CallRecord{{Method: "GET", URL: "/looked-up", Lookup: true}, {Method: "POST", URL: "/b"}},
	}
	now := &sink.Outcome{Calls: []sink.CallRecord{{Method: "PUT", URL: "/b"}}}
	for name, tt := range map[string]struct {
		then *sink.Outcome
		want []string
	}{
		"another": {then, []string{"-POST /b\n", "+PUT /b\n", "rejected http_422: no"}}, "the same": {&sink.Outcome{Calls: now.Calls}, []string{"the same as then", "PUT /b\n"}},
		"unknown": {nil, []string{"no longer on the responses topic", "PUT /b\n"}}, "none": {&sink.Outcome{}, []string{"-(no write)\n"}},
	} {
		got := callDiff(tt.then, now)
		for _, want := range tt.want {
			if !strings.Contains(got, want) || strings.Contains(got, "looked-up") {
				t.Errorf("%s: lacks %q, or has a lookup:\n%s", name, want, got)
			}
		}
	}
}

func TestPatiently_asksAgainWithPausesAndEnds(t *testing.T) {
	silent := sink.Outcome{Outcome: sink.Dead, Error: &sink.ErrorInfo{Class: sink.Exhausted}}
	synctest.Test(t, func(t *testing.T) {
		for answerAt, want := range map[int]struct {
			asked int
			took  time.Duration
			dead  bool
		}{1: {1, 0, false}, 2: {2, askPause, false}, askTimes: {askTimes, (askTimes - 1) * askPause, false}, askTimes + 1: {askTimes, (askTimes - 1) * askPause, true}} {
			began, asked, noted := time.Now(), 0, 0
			got, err := patiently(t.Context(), func(*sink.Outcome) { noted++ }, func() (sink.Outcome, error) {
				if asked++; asked == answerAt {
					return sink.Outcome{Outcome: sink.Planned}, nil
				}
				return silent, nil
			})
			if asked != want.asked || time.Since(began) != want.took || (got.Outcome == sink.Dead) != want.dead || noted != asked-1 || err != nil {
				t.Errorf("an answer to question %d: asked %d times in %v, %d times noted, outcome %s, error %v; want %+v",
					answerAt, asked, time.Since(began), noted, got.Outcome, err, want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, err := patiently(ctx, func(*sink.Outcome) { cancel() }, func() (sink.Outcome, error) { return silent, nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a stop gives %v", err)
		}
	})
}

// What a call has done is recorded though the run was stopped, but not for ever.
func TestGraceful_outlivesAStopByItsGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		longer, cancel := graceful(ctx, time.Minute)
		defer cancel()
		stop()
		time.Sleep(time.Minute - 1)
		if longer.Err() != nil {
			t.Fatalf("it ended within its grace: %v", context.Cause(longer))
		}
		time.Sleep(2 * time.Nanosecond)
		synctest.Wait()
		if longer.Err() == nil || errors.Is(context.Cause(longer), context.Canceled) {
			t.Errorf("after its grace its cause is %v, want one that says so", context.Cause(longer))
		}
	})
}

func TestCompare_stopsWhenMoreThanTheShareFailed(t *testing.T) {
	for name, tt := range map[string]struct {
		counts  tallyOfLetters
		maxFail float64
		stops   bool
	}{
		"none sent":        {tallyOfLetters{}, 0, false},
		"at the share":     {tallyOfLetters{delivered: 9, died: 1}, 0.1, false},
		"above the share":  {tallyOfLetters{delivered: 8, died: 1}, 0.1, true},
		"no answers count": {tallyOfLetters{delivered: 8, exhausted: 1}, 0.1, true},
		"skips are sent":   {tallyOfLetters{skipped: 9, died: 1}, 0.1, false},
		"others do not":    {tallyOfLetters{delivered: 1, changed: 5, behind: 5, dead: 5, interrupted: 5}, 0, false},
		"any":              {tallyOfLetters{delivered: 99, died: 1}, 0, true},
		"all may":          {tallyOfLetters{died: 9}, 1, false},
	} {
		r := &redelivery{counts: tt.counts, options: ApplyOptions{MaxFail: tt.maxFail}}
		ctx, cancel := context.WithCancelCause(t.Context())
		r.cancel = cancel
		r.check()
		if got := errors.Is(context.Cause(ctx), errTooManyFailed); got != tt.stops {
			t.Errorf("%s: stops is %v, want %v", name, got, tt.stops)
		}
		cancel(nil)
	}
}

// A verdict without a text would show as an empty line in a plan.
func TestVerdictText_everyVerdictHasOne(t *testing.T) {
	for _, v := range []letters.Verdict{
		letters.Send, letters.Settle, letters.Behind, letters.StillDead, letters.Superseded, letters.Arrived, letters.Applied, letters.TooOften,
		letters.Homeless, letters.OtherGroup, letters.OtherPlace, letters.Unreadable, letters.NotThere, letters.Undecidable, letters.Unplanned, letters.Discard,
	} {
		text := VerdictText(&letters.Planned{Verdict: v, Round: 3, Why: "because"})
		if len(text) <= len(": because") || !strings.HasSuffix(text, ": because") {
			t.Errorf("%s: %q", v, text)
		}
		if v == letters.Send && !strings.Contains(text, "round 3") {
			t.Errorf("the round is not in %q", text)
		}
	}
}
