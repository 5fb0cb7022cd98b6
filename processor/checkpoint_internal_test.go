package processor

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

func TestCheckpoint_isReadBack(t *testing.T) {
	whole := checkpoint{
		Cluster: "a cluster/of 7%", Source: kadm.TopicID{1, 0xff}, Responses: kadm.TopicID{2}, Partitions: 3, Committed: 4, From: 1 << 40,
	}
	for _, want := range []checkpoint{whole, {}, {Cluster: "xyz-_1"}} {
		if got, err := parseCheckpoint(want.String()); err != nil || got != want {
			t.Errorf("%q is read as %+v, %v", want, got, err)
		}
	}
	if got, want := whole.String(), "2 a%20cluster%2Fof%207%25 Af8AAAAAAAAAAAAAAAAAAA== AgAAAAAAAAAAAAAAAAAAAA== 3 4 1099511627776"; got != want {
		t.Errorf("written as\n%s, want\n%s", got, want)
	}
	one, err := parseCheckpoint("1 Af8AAAAAAAAAAAAAAAAAAA== AgAAAAAAAAAAAAAAAAAAAA== 3 4 1099511627776")
	whole.Cluster = ""
	if err != nil || one != whole {
		t.Errorf("version 1 is read as %+v, %v; want %+v", one, err, whole)
	}
}

func TestCheckpoint_whatIsNoneIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "2", "1", "member-1", "3 c AQ== AQ== 1 1 1", "2 c Af8AAAAAAAAAAAAAAAAAAA== AgAAAAAAAAAAAAAAAAAAAA== 3 4",
		"2 c Af8AAAAAAAAAAAAAAAAAAA== AgAAAAAAAAAAAAAAAAAAAA== 3 4 5 6", "2 c Af8= AgAAAAAAAAAAAAAAAAAAAA== 3 4 5",
		"2 c ? AgAAAAAAAAAAAAAAAAAAAA== 3 4 5", "2 %zz Af8AAAAAAAAAAAAAAAAAAA== AgAAAAAAAAAAAAAAAAAAAA== 3 4 5",
		"2 c Af8AAAAAAAAAAAAAAAAAAA== AgAAAAAAAAAAAAAAAAAAAA== -3 4 5", "2 c Af8AAAAAAAAAAAAAAAAAAA== AgAAAAAAAAAAAAAAAAAAAA== 3 x 5",
		"2 c Af8AAAAAAAAAAAAAAAAAAA== AgAAAAAAAAAAAAAAAAAAAA== 4294967299 4 5",
	} {
		if got, err := parseCheckpoint(text); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

// DESIGN: another source topic on the same cluster makes the offset stale; other ids of the
// cluster and of both topics are a failover, after which it is right.
func TestCheckpoint_tellsAnEarlierTopicFromAFailover(t *testing.T) {
	now := checkpoint{Cluster: "c", Source: kadm.TopicID{1}, Responses: kadm.TopicID{2}}
	other := kadm.TopicID{9}
	none := kadm.TopicID{}
	for name, tt := range map[string]struct {
		was   checkpoint
		stale bool
	}{
		"the same":       {checkpoint{"c", now.Source, now.Responses, 0, 0, 0}, false},
		"another source": {checkpoint{"c", other, now.Responses, 0, 0, 0}, true},
		"another source, another responses topic": {checkpoint{"c", other, other, 0, 0, 0}, true},
		"another responses topic":                 {checkpoint{"c", now.Source, other, 0, 0, 0}, false},
		"a failover":                              {checkpoint{"d", other, other, 0, 0, 0}, false},
		"another cluster alone":                   {checkpoint{"d", now.Source, now.Responses, 0, 0, 0}, false},
		"version 1, another source":               {checkpoint{"", other, now.Responses, 0, 0, 0}, true},
		"version 1, both topics":                  {checkpoint{"", other, other, 0, 0, 0}, false},
		"no source id":                            {checkpoint{"c", none, now.Responses, 0, 0, 0}, false},
		"no ids at all":                           {checkpoint{"", none, none, 0, 0, 0}, false},
	} {
		if got := tt.was.isOfEarlierTopic(now); got != tt.stale {
			t.Errorf("%s: stale %v, want %v", name, got, tt.stale)
		}
	}
	noIDs := checkpoint{}
	if (checkpoint{"", other, none, 0, 0, 0}).isOfEarlierTopic(noIDs) {
		t.Error("on a broker without ids an offset counts as stale")
	}
}

func TestCheckpoint_fitsWhereNoIDThatIsKnownDiffers(t *testing.T) {
	now := checkpoint{Cluster: "c", Source: kadm.TopicID{1}, Responses: kadm.TopicID{2}, Partitions: 3, Committed: 4}
	for name, change := range map[string]func(*checkpoint){
		"the same": func(*checkpoint) {}, "no cluster": func(c *checkpoint) { c.Cluster = "" },
		"no source": func(c *checkpoint) { c.Source = kadm.TopicID{} }, "no responses topic": func(c *checkpoint) { c.Responses = kadm.TopicID{} },
	} {
		was := now
		change(&was)
		if err := was.check(now, 0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := now.check(was, 0); err != nil {
			t.Errorf("%s, the other way: %v", name, err)
		}
	}
}

func TestCheckpoint_ofAnotherClusterTopicOrPlaceIsRefused(t *testing.T) {
	now := checkpoint{Cluster: "c", Source: kadm.TopicID{1}, Responses: kadm.TopicID{2}, Partitions: 3, Committed: 4}
	for name, change := range map[string]func(*checkpoint){
		"another cluster":              func(c *checkpoint) { c.Cluster = "d" },
		"another source":               func(c *checkpoint) { c.Source = kadm.TopicID{9} },
		"another responses topic":      func(c *checkpoint) { c.Responses = kadm.TopicID{9} },
		"another number of partitions": func(c *checkpoint) { c.Partitions = 4 },
		"another offset":               func(c *checkpoint) { c.Committed = 5 },
		"a position past the end":      func(c *checkpoint) { c.From = 1 },
	} {
		was := now
		change(&was)
		if was.check(now, 0) == nil {
			t.Errorf("%s: the checkpoint is believed", name)
		}
	}
}
