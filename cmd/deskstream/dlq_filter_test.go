package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
)

func TestDLQ_whatChangesSomethingNeedsAFilterOrEvery(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.Produce(t, userLetter(1, "u-1"), userLetter(2, "u-2"), userLetter(3, "u-3"))
	discard := []string{"discard", "--yes", "--reason", "x"}
	for _, args := range [][]string{{"plan"}, {"plan", "--discard"}, {"plan", "-o", c.plan}, {"plan", "--to", "crm"}, discard} {
		c.wants(exitUsage, "", "no filter says which letters are meant: give one, such as --code http_422 (dlq list shows what there is), or --every", args...)
		c.wants(exitUsage, "", "--every does not go with a filter", append(args, "--every", "--code", "http_422")...)
	}
	c.wants(exitOK, "3 letters, 1 cause", "", "list") // looking needs none
	c.wants(exitUsage, "", "--every does not go with a plan", append(slices.Clone(discard), "--every", c.plan)...)
	c.wants(exitUsage, "", "--id does not go with a plan", append(slices.Clone(discard), "--id", "ff", c.plan)...)
	if got := c.states(); len(got) != 0 {
		t.Errorf("%d letters have a state, want none", len(got))
	}
}

// A variable of a script that is empty must not mean all letters.
func TestDLQ_anEmptyValueIsRefused(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.Produce(t, userLetter(1, "u-1"))
	for _, flag := range (&filterFlags{}).names() {
		if flag == "status" || flag == "partition" {
			continue // numbers: the flag itself refuses ""
		}
		for _, command := range [][]string{{"list"}, {"plan"}, {"plan", "--discard"}, {"discard", "--yes", "--reason", "x"}} {
			for _, more := range [][]string{nil, {"--status", "422"}} {
				c.wants(exitUsage, "", "--"+flag+" has an empty value", slices.Concat(command, more, []string{"--" + flag + "="})...)
			}
		}
	}
	c.wants(exitUsage, "", "--code has an empty value", "plan", "--code", "http_422,")
	c.wants(exitUsage, "", "", "plan", "--status=")
}

func TestDLQ_aFilterThatPicksNothingGivesNothing(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.Produce(t, userLetter(1, "u-1"), userLetter(2, "u-2"))
	c.wants(exitOK, "0 letters, 0 causes", "", "list", "--code", "http_500")
	c.wants(exitOK, "0 letters: none is open that the filters pick", "", "plan", "--code", "http_500", "-o", c.plan)
	c.wants(exitOK, "nothing to do", "", "apply", c.plan)
	c.wants(exitOK, "0 letters discarded", "", "discard", "--code", "http_500", "--yes", "--reason", "x")
	c.wants(exitOK, "0 letters discarded", "", "discard", c.plan, "--yes", "--reason", "x")
	c.wantWrites(0)
	if got := c.states(); len(got) != 0 {
		t.Errorf("%d letters have a state, want none", len(got))
	}
}

// Counted, planned and discarded is what the same flags pick.
func TestDLQ_oneFilterPicksTheSameEverywhere(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.Produce(t, userLetter(1, "u-1"), userLetter(2, "u-2"), userLetter(3, "u-1"), at(userLetter(3, "u-1"), 3))
	for _, args := range [][]string{
		{"--user", "u-1"}, {"--offset", "1-2"}, {"--id", idOf(2)}, {"--user", "u-1,u-2", "--offset", "3"}, {"--fingerprint", "aa"}, {"--every"},
	} {
		listed := args
		if args[0] == "--every" {
			listed = nil
		}
		n := 0
		for _, g := range groups(t, c.dlq(append([]string{"list", "--json"}, listed...)...).stdout) {
			n += int(g[len(g)-1] - '0')
		}
		want := output.Count(n, "letter")
		c.wants(exitOK, want+": ", "", append([]string{"plan", "-q"}, args...)...)
		c.wants(exitOK, want+": ", "", append([]string{"plan", "--discard", "-q"}, args...)...)
	}
	c.wants(exitOK, "2 letters discarded, 0 closed before", "", "discard", "--user", "u-1", "--yes", "--reason", "x", "--limit", "2")
	c.wants(exitOK, `,"letters":0,"discarded":0,"sendable":0,"closed":0,"open":0}}`, "", "discard", "--user", "u-1", "--yes", "--reason", "x", "--json")
	c.wants(exitUsage, "", "more than 0 letters fit", "discard", "--every", "--yes", "--reason", "x", "--limit", "0")
	states := c.states()
	for n, want := range map[int]letters.Status{1: letters.Discarded, 2: letters.Open, 3: letters.Discarded} {
		if got := states.Status(idOf(n)); got != want {
			t.Errorf("letter %d is %s, want %s", n, got, want)
		}
	}
	s := states[mustKey(t, idOf(3))]
	if s.Source == nil || s.Source.Topic != "events" || s.Source.Offset != 3 || s.Cluster == "" || s.LetterTopicID == "" || s.Reason != "x" {
		t.Errorf("the state does not say of which record it is: %+v", s)
	}
	c.wants(exitOK, "1 letter: 1 send", "", "plan", "--every", "-q")
}

// A destination was renamed, or taken out: its letters go where --to says.
func TestDLQPlan_toBringsLettersOfADestinationThatIsGone(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	gone := func(n int, user string, change ...string) {
		r := userLetter(n, user)
		for i, h := range r.Headers {
			switch h.Key {
			case "dlq.destination":
				r.Headers[i].Value = []byte("old")
			case "dlq.source.group":
				r.Headers[i].Value = []byte("deskstream.old")
			}
		}
		for i := 0; i < len(change); i += 2 {
			for j, h := range r.Headers {
				if h.Key == change[i] {
					r.Headers[j].Value = []byte(change[i+1])
				}
			}
		}
		c.Produce(t, r)
	}
	gone(1, "u-1")
	gone(2, "u-2") // crm has delivered it since
	gone(3, "u-3") // crm has a letter of it, too
	c.Produce(t, at(userLetter(13, "u-3"), 3), userLetter(4, "u-4"))
	gone(5, "u-5", "dlq.source.group", "other.old") // another deployment's
	gone(6, "u-6")                                  // an apply under the old name was killed before its state
	former := outcomeRecord("events/3/6", "delivered", "1", `{"event":{"type":"identify"},"outcome":"delivered"}`)
	for i, h := range former.Headers {
		switch h.Key {
		case "deskstream.group":
			former.Headers[i].Value = []byte("deskstream.old")
		case "deskstream.destination":
			former.Headers[i].Value = []byte("old")
		}
	}
	c.Produce(t, former, outcomeRecord("events/3/2", "delivered", "0", `{"event":{"type":"identify"},"outcome":"delivered"}`))

	c.wants(exitOK, "7 letters: 5 destination, 2 send", "", "plan", "--every")
	c.wants(exitOK, "no destination is called old in the configuration: --to sends it to another one", "", "plan", "--destination", "old")
	c.wants(exitUsage, "", `no destination is called "old"`, "plan", "--destination", "old", "--to", "old")
	got := c.wants(exitOK, "7 letters: 1 applied, 1 delivered, 1 group, 3 send, 1 settle", "", "plan", "--every", "--to", "crm", "-o", c.plan)
	if n := strings.Count(got.stdout, "moved from old, which the configuration does not have"); n != 2 {
		t.Errorf("%d letters are said to come from the old one, want 2:\n%s", n, got.stdout)
	}
	c.wants(exitOK, "3 delivered, 1 settled with another letter of their record, 1 sent by an earlier apply", "", "apply", c.plan)
	c.wantWrites(3)
	for n, want := range map[int]letters.Status{
		1: letters.Delivered, 2: letters.Open, 3: letters.Delivered, 13: letters.Delivered, 4: letters.Delivered, 5: letters.Open, 6: letters.Delivered,
	} {
		if got := c.states().Status(idOf(n)); got != want {
			t.Errorf("letter %d is %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int]string{1: "crm", 6: "old"} {
		if got := c.states()[mustKey(t, idOf(n))].Destination; got != want {
			t.Errorf("the state of letter %d is of %s, want %s, which has its outcome", n, got, want)
		}
	}
	c.wants(exitOK, "2 letters: 1 delivered, 1 group", "", "plan", "--every", "--to", "crm")
}

// Letters of a destination that is there stay with it, and a letter that dies again is the
// new destination's.
func TestDLQPlan_toMovesNothingElse(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	moved := ownLetter(1, "dlq.destination", "old", "dlq.source.group", "deskstream.old")
	c.Produce(t, moved, ownLetter(2))
	c.wants(exitOK, "2 letters: 1 behind, 1 send", "", "plan", "--every", "--to", "crm", "-o", c.plan)
	c.answer(422)
	c.wants(exitFault, "1 died again", "too many letters failed", "apply", c.plan)
	var again letters.Letter
	for _, r := range c.Consume(t, lettersTopic) {
		if l := letters.Parse(r); l.Round == 1 {
			again = l
		}
	}
	if again.Destination != "crm" || again.Source.Group != "deskstream.crm" || again.Source.Offset != 1 {
		t.Errorf("the new letter is %+v", again)
	}
	if got := c.states()[mustKey(t, idOf(1))]; got.Next != again.ID || got.Status != letters.Died {
		t.Errorf("the state of the first is %+v, want dead with the new letter %s", got, again.ID)
	}
	c.answer(0)
	c.wants(exitOK, "2 letters: 1 behind, 1 send", "", "plan", "--every", "-o", c.plan)
	c.wants(exitOK, "2 delivered", "", "apply", c.plan)
}
