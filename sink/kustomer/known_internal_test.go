package kustomer

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
)

func TestKnown_isReadAsItWasWritten(t *testing.T) {
	for _, want := range []known{
		{},
		{owner: "u1"},
		{company: "5fc"},
		{owner: "u\x00:1", company: "Shop", facts: facts(strings.Repeat("f", factSize))},
		{owner: strings.Repeat("é", 300), company: strings.Repeat("c", 20_000), facts: "abc"},
		{owner: "u1", latest: latest{rev: "7", lists: `{"tags":["a"]}`, at: 1_800_000_000}, facts: facts(strings.Repeat("f", factSize))},
	} {
		if diff := cmp.Diff(want, parseKnown(want.text()), cmp.AllowUnexported(known{}, latest{})); diff != "" {
			t.Errorf("known (-want +got):\n%s", diff)
		}
	}
	for _, broken := range []string{"\x05", "\x00\x05\x00ab", "\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x80"} {
		if got := parseKnown(broken); got != (known{}) {
			t.Errorf("parseKnown(%q) = %+v, want nothing", broken, got)
		}
	}
}

func TestFacts_theNewestOfAValueCounts(t *testing.T) {
	bare, work, home := fact{1, 0}, fact{1, 2}, fact{1, 3}
	for _, tt := range []struct {
		told []fact
		has  fact
		want bool
	}{
		{nil, bare, false},
		{[]fact{bare}, bare, true},
		{[]fact{bare}, work, false},
		{[]fact{work}, bare, true},
		{[]fact{work, bare}, work, true},
		{[]fact{work, home}, work, false},
		{[]fact{work, home}, home, true},
		{[]fact{work, home}, bare, true},
		{[]fact{{9, 0}}, bare, false},
	} {
		var f facts
		for _, x := range tt.told {
			f = f.with(x)
		}
		if got := f.has(tt.has); got != tt.want {
			t.Errorf("after %v %v is known: %t, want %t", tt.told, tt.has, got, tt.want)
		}
	}
}

func TestFacts_areBounded(t *testing.T) {
	var f facts
	for i := range 10 * maxFacts {
		f = f.with(fact{value: uint64(i + 1)})
	}
	if len(f) != 768 {
		t.Errorf("facts of %d bytes, want 768", len(f))
	}
	if newest, oldest := f.has(fact{value: 10 * maxFacts}), f.has(fact{value: 9 * maxFacts}); !newest || oldest {
		t.Errorf("the newest is known: %t, the oldest: %t", newest, oldest)
	}
}

func TestFactOf_keepsEntriesApart(t *testing.T) {
	seen := map[fact]string{}
	add := func(list, key string, named ...mapping.Member) {
		x := factOf(list, kustomer.Entry{Key: key, Named: named})
		label := list + " " + key + " " + strconv.Itoa(len(named))
		if other, ok := seen[x]; ok {
			t.Errorf("%s and %s are one fact", label, other)
		}
		seen[x] = label
	}
	member := func(name, value string) mapping.Member {
		return mapping.Member{Name: name, Value: mapping.Str(value)}
	}
	add("tags", "a")
	add("tags", "b")
	add("urls", "a")
	add("tag", "sa")
	add("emails", "a", member("type", "work"))
	add("emails", "a", member("type", "home"))
	add("emails", "a", member("type", "work"), member("verified", "true"))
	add("locations", "1")
	add("locations", "2")
}

func TestMemory_anExternalIDThatIsTooLongIsNotRemembered(t *testing.T) {
	for length, want := range map[int]int{7: 7, sink.MaxID: sink.MaxID, sink.MaxID + 1: 0} {
		m := memory{ids: sink.NewIDs(10, time.Hour)}
		owner := mapping.Str(strings.Repeat("u", length))
		m.seen(match{id: "c", attributes: mapping.Obj(mapping.Member{Name: "externalId", Value: owner})})
		text, ok := m.ids.Get(customerKey("c"))
		if got := len(parseKnown(text).owner); !ok || got != want {
			t.Errorf("of %d bytes %d are remembered, %v, want %d", length, got, ok, want)
		}
	}
}
