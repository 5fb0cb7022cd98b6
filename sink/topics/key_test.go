package topics_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink/keys"
	"github.com/deskstream/deskstream/sink/topics"
)

// someKey is a record of a key with values of all kinds.
func someKey(r *rand.Rand) topics.KeyRecord {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	k := topics.KeyRecord{
		Group: pick("deskstream.crm", "a/b", "/", "g"),
		Name:  keys.NameOf(pick("events", "orders.v2"), pick("u-1", "ada@example.test"), pick("I-7", "\u00fc")),
	}
	if k.Removed = r.IntN(3) == 0; k.Removed && r.IntN(2) == 0 {
		k.Forced = true
		return k
	}
	k.By = keys.Event{Partition: r.Int32N(12), Offset: r.Int64N(1e12), Epoch: r.Int32N(5) - 1}
	if r.IntN(2) == 0 {
		k.By.TopicID, k.By.At = keys.ID{byte(r.IntN(255) + 1)}, time.UnixMilli(r.Int64N(2e12)+1).UTC()
	}
	if k.Redriven = r.IntN(3) == 0; !k.Redriven {
		k.Claim = keys.Claim{TopicID: keys.ID{9}, Partition: r.Int32N(12), Number: r.Int64N(1e12)}
	}
	if r.IntN(2) == 0 {
		k.Expires = time.Unix(r.Int64N(2e9)+1, 0).UTC()
	}
	if !k.Removed {
		k.Ticket, k.Closed, k.Kept = pick("42", "507f1f77bcf86cd799439011", `a "b"`), r.IntN(2) == 0, r.IntN(2) == 0
	}
	return k
}

func TestKeyRecord_isReadAsItWasWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var reader topics.KeyReader
	for range 5_000 {
		want := someKey(r)
		rec := topics.NewKeyRecord("keys", 6, want)
		got, ok := reader.Parse(rec)
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Fatalf("%s = %s (-want +got):\n%s", rec.Key, rec.Value, diff)
		}
		if (rec.Value == nil) != want.Removed || rec.Partition < 0 || rec.Partition > 5 {
			t.Fatalf("value %s in partition %d of a record that removes: %v", rec.Value, rec.Partition, want.Removed)
		}
		if prefix := topics.KeyPrefix(want.Group, want.Topic, want.Lane); !bytes.HasPrefix(rec.Key, prefix) {
			t.Fatalf("the record key %s does not begin with %s", rec.Key, prefix)
		}
	}
}

// Whoever can read the topic learns neither the user nor the key.
func TestKeyRecord_showsNoPerson(t *testing.T) {
	rec := topics.NewKeyRecord("keys", 1, topics.KeyRecord{Group: "deskstream.crm", Name: keys.NameOf("events", "ada@example.test", "invoice of ada"), Entry: keys.Entry{Ticket: "42"}})
	for _, text := range []string{string(rec.Key), string(rec.Value)} {
		if strings.Contains(text, "ada") || strings.Contains(text, "invoice") {
			t.Errorf("a person shows in %s", text)
		}
	}
}

func TestKeyReader_takesNothingElseForAKey(t *testing.T) {
	sound := topics.NewKeyRecord("keys", 1, topics.KeyRecord{Group: "g", Name: keys.NameOf("events", "u", "k"), Entry: keys.Entry{Ticket: "42"}})
	for name, change := range map[string]func(*kgo.Record){
		"no key":                  func(r *kgo.Record) { r.Key = nil },
		"another key":             func(r *kgo.Record) { r.Key = []byte("u-7") },
		"no group":                func(r *kgo.Record) { r.Key = r.Key[len("g"):] },
		"no topic":                func(r *kgo.Record) { r.Key = bytes.Replace(r.Key, []byte("events/"), []byte("/"), 1) },
		"a digest that is none":   func(r *kgo.Record) { r.Key = append(bytes.Clone(r.Key[:len(r.Key)-1]), 'x') },
		"an empty value":          func(r *kgo.Record) { r.Value = []byte{} },
		"no JSON":                 func(r *kgo.Record) { r.Value = []byte("{") },
		"an unknown state":        func(r *kgo.Record) { r.Value = bytes.Replace(r.Value, []byte(`"open"`), []byte(`"lost"`), 1) },
		"a value that it removes": func(r *kgo.Record) { r.Value = bytes.Replace(r.Value, []byte(`"open"`), []byte(`"removed"`), 1) },
		"a topic id that is none": func(r *kgo.Record) {
			r.Value = bytes.Replace(r.Value, []byte(`"topic_id":""`), []byte(`"topic_id":"x"`), 1)
		},
	} {
		rec := *sound
		change(&rec)
		var reader topics.KeyReader
		if k, ok := reader.Parse(&rec); ok {
			t.Errorf("%s: it is read as %+v", name, k)
		}
	}
}

func FuzzKeyReader(f *testing.F) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 10 {
		rec := topics.NewKeyRecord("keys", 1, someKey(r))
		f.Add(rec.Key, rec.Value)
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		var reader topics.KeyReader
		k, ok := reader.Parse(&kgo.Record{Key: key, Value: value})
		if !ok {
			return
		}
		again, ok := reader.Parse(topics.NewKeyRecord("keys", 1, k))
		if diff := cmp.Diff(k, again); !ok || diff != "" {
			t.Errorf("it is read otherwise once it was written again: %v\n%s", ok, diff)
		}
	})
}
