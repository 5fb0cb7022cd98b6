package journaltest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// The topics of a Deployment.
const (
	Events      = "events"
	Responses   = "events.responses"
	DeadLetters = "dlq.events.deskstream"
	States      = DeadLetters + ".state"
)

// Deployment is the topics of one deployment, on a cluster of its own, with the destinations
// crm and inbox of one help desk. Each topic has two partitions.
type Deployment struct {
	*kafkatest.Cluster

	Config *config.Config
	// Origin is that of the source topic, which outcomes and letters name.
	Origin topics.Origin
	// Notes are what the journal notes.
	Notes *Notes

	t  testing.TB
	cl *kgo.Client
}

// NewDeployment starts a deployment with a help desk at a URL and further lines of the
// configuration.
func NewDeployment(t testing.TB, url, more string) *Deployment {
	t.Helper()
	d := &Deployment{
		Cluster: kafkatest.Kafka(t, kafkatest.Topic(Events, 2), kafkatest.Topic(Responses, 2), kafkatest.Topic(DeadLetters, 2),
			kafkatest.Topic(States, 2, "cleanup.policy", "compact")),
		Notes: new(Notes), t: t,
	}
	var desks strings.Builder
	for _, name := range []string{"crm", "inbox"} {
		fmt.Fprintf(&desks, `
  - name: %s
    type: kustomer
    kustomer: {api_key: key-of-%[1]s, base_url: %q, advanced_transform: false}
    delivery: {rate_limit: {requests: 1000000}, retry: {initial: 10ms, max: 50ms, max_elapsed: 200ms, max_attempts: 1}}`, name, url)
	}
	d.Config = configtest.Parse(t, "kafka: {brokers: [%q]}\nsource: {topics: [%s]}\nresponses: {topic: %s}\ndead_letters: {topic: %s}\ndestinations:%s\n%s\n",
		strings.Join(d.Brokers, ","), Events, Responses, DeadLetters, desks.String(), more)
	d.cl = d.Client(t, topics.LargeOptions()...)
	found, err := cluster.Find(t.Context(), d.cl, []string{Events})
	if err != nil {
		t.Fatal(err)
	}
	d.Origin = topics.Origin{Cluster: found.ID, TopicID: topics.TopicID(found.Topics[Events].ID)}
	return d
}

// Options are those of a journal of the deployment.
func (d *Deployment) Options() journal.Options {
	return journal.Options{Config: d.Config, Log: slog.New(slog.DiscardHandler), Notes: d.Notes}
}

// Open opens a journal of the deployment until the test ends.
func (d *Deployment) Open() *journal.Journal {
	d.t.Helper()
	j, err := journal.Open(d.t.Context(), d.Options())
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(j.Close)
	return j
}

// Event writes an identify of a user to the source, an hour after the one before, and returns
// its record.
func (d *Deployment) Event(partition int32, id, user string) *kgo.Record {
	d.t.Helper()
	r := &kgo.Record{
		Topic: Events, Partition: partition, Key: []byte(user),
		Value: fmt.Appendf(nil, `{"type":"identify","messageId":%q,"userId":%q,"traits":{"name":"N"}}`, id, user),
	}
	r.Timestamp = Day.Add(time.Duration(d.EndOffsets(d.t, Events)[partition]) * time.Hour)
	d.Write(r)
	return r
}

// Write writes records as they are.
func (d *Deployment) Write(records ...*kgo.Record) {
	d.t.Helper()
	if err := d.cl.ProduceSync(d.t.Context(), records...).FirstErr(); err != nil {
		d.t.Fatal(err)
	}
}

// Settle writes the outcome of a source record at a destination, and the dead letter of one that
// died. It returns the id of the letter.
func (d *Deployment) Settle(source *kgo.Record, destination string, round int, what sink.Disposition) string {
	d.t.Helper()
	configured, _ := d.Config.Destination(destination)
	e := d.entry(source)
	e.Outcome = d.outcome(source, d.Config.Group(configured), destination, round, what)
	d.written(e, d.Writer(destination).Write)
	return topics.LetterID(d.place(source), destination, round)
}

// Progress puts the progress of a source record's event at a destination on record.
func (d *Deployment) Progress(source *kgo.Record, destination string, round int, p *sink.Progress) {
	d.t.Helper()
	e := d.entry(source)
	e.Round, e.Progress = round, p
	d.written(e, d.Writer(destination).WriteProgress)
}

// Writer returns a writer of a destination's entries.
func (d *Deployment) Writer(destination string) *topics.Writer {
	configured, _ := d.Config.Destination(destination)
	return topics.NewWriter(topics.Config{
		Responses: Responses, DeadLetters: DeadLetters, Group: d.Config.Group(configured), Destination: destination, DestinationType: configured.Type,
	}, d.cl, slog.New(slog.DiscardHandler))
}

func (d *Deployment) entry(source *kgo.Record) topics.Entry {
	return topics.Entry{
		Source: source, Origin: d.Origin, Lane: string(source.Key),
		Partitions: func() (responses, deadLetters int32) { return 2, 2 },
	}
}

// written writes an entry and waits until it is there.
func (d *Deployment) written(e topics.Entry, write func(context.Context, topics.Entry, func(int64, error))) {
	d.t.Helper()
	written := make(chan error, 1)
	write(d.t.Context(), e, func(_ int64, err error) { written <- err })
	if err := <-written; err != nil {
		d.t.Fatal(err)
	}
}

func (d *Deployment) outcome(source *kgo.Record, group, destination string, round int, what sink.Disposition) *sink.Outcome {
	text := func(name string) *string {
		_, rest, _ := bytes.Cut(source.Value, []byte(`"`+name+`":"`))
		value, _, _ := bytes.Cut(rest, []byte(`"`))
		s := string(value)
		return &s
	}
	lane := string(source.Key)
	o := &sink.Outcome{
		Event:       sink.EventInfo{ID: text("messageId"), Type: text("type"), Lane: &lane, Digest: sink.DigestOf(*text("messageId"))},
		Destination: sink.DestinationInfo{Name: destination, Type: "kustomer"}, Outcome: what, Round: round,
		Calls: []sink.CallRecord{{Method: "POST", URL: "http://desk/customers", Attempts: 1}},
		Source: &sink.Source{
			Group: group, Topic: source.Topic, Partition: source.Partition, Offset: source.Offset, Timestamp: sink.Time{Time: source.Timestamp},
		},
		At: sink.Time{Time: source.Timestamp.Add(time.Duration(1+round) * time.Minute)},
	}
	if what == sink.Dead {
		status := 422
		o.Error = &sink.ErrorInfo{Stage: sink.StageRequest, Class: sink.Rejected, Code: "http_422", HTTPStatus: &status, Message: "no"}
	}
	return o
}

func (d *Deployment) place(r *kgo.Record) topics.Place {
	return topics.Place{Origin: d.Origin, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Epoch: r.LeaderEpoch}
}

// State writes the state of a letter.
func (d *Deployment) State(s letters.State) {
	d.t.Helper()
	r, err := s.Record(States, 2)
	if err != nil {
		d.t.Fatal(err)
	}
	d.Write(r)
}

// Commit commits an offset of the source as the group of a destination.
func (d *Deployment) Commit(destination string, partition int32, offset int64) {
	d.t.Helper()
	configured, _ := d.Config.Destination(destination)
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: Events, Partition: partition, At: offset, LeaderEpoch: -1})
	if err := d.Admin(d.t).CommitAllOffsets(d.t.Context(), d.Config.Group(configured), offsets); err != nil {
		d.t.Fatal(err)
	}
}

// Expire deletes the records of a partition below an offset.
func (d *Deployment) Expire(topic string, partition int32, below int64) {
	d.t.Helper()
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: topic, Partition: partition, At: below})
	if _, err := d.Admin(d.t).DeleteRecords(d.t.Context(), offsets); err != nil {
		d.t.Fatal(err)
	}
}

// Notes collects notes, by their lines.
type Notes struct {
	mu   sync.Mutex
	text strings.Builder
}

var _ io.Writer = (*Notes)(nil)

// Write implements io.Writer.
func (n *Notes) Write(text []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(text)
}

// Having returns the lines with a text in them.
func (n *Notes) Having(part string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []string
	for line := range strings.Lines(n.text.String()) {
		if strings.Contains(line, part) {
			list = append(list, strings.TrimSuffix(line, "\n"))
		}
	}
	return list
}

// WriteBroken writes the newest outcome again with the headers that headers keeps of it, and a
// value that is none.
func (d *Deployment) WriteBroken(t testing.TB, keep func(header string) bool) {
	t.Helper()
	records := d.Consume(t, Responses)
	last := records[len(records)-1]
	last.Headers = slices.DeleteFunc(last.Headers, func(h kgo.RecordHeader) bool { return !keep(h.Key) })
	last.Value = []byte(`{"event":`)
	d.Write(last)
}
