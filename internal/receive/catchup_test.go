package receive_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/receive"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
)

// exported is a Kustomer with a customer, and a topic whose latest event of it is some time old.
type exported struct {
	*stubtest.Client
	kafka    *kafkatest.Cluster
	settings string
}

func newExported(t *testing.T, latest time.Duration) exported {
	t.Helper()
	e := exported{stubtest.Serve(t, stub.Config{Limit: 1 << 30}, stubkustomer.New()), kafkatest.Kafka(t, kafkatest.Topic("helpdesk", 1)), ""}
	if reply, err := e.Try("token-of-an-agent", http.MethodPost, stubkustomer.Path+"/v1/customers", `{"name":"Ada"}`); err != nil || reply.Status != http.StatusCreated {
		t.Fatal(reply, err)
	}
	e.kafka.Produce(t, &kgo.Record{
		Topic: "helpdesk", Key: []byte("crm/contact/1"), Timestamp: time.Now().Add(-latest), Value: []byte(`{"type":"contact.created","desk_event":"kustomer.customer.create"}`),
	})
	e.settings = fmt.Sprintf(`
kafka: {brokers: [%q]}
http: {listen: "127.0.0.1:0"}
inbound: {topic: helpdesk, listen: "127.0.0.1:0"}
destinations:
  - name: crm
    type: kustomer
    kustomer: {api_key: key-for-kustomer, base_url: %q}
    webhooks: {secrets: [%s]}
    export: {entities: [contacts]}
    delivery: {rate_limit: {requests: 100000000, per: 1m}}
`, strings.Join(e.kafka.Brokers, ","), e.URL+stubkustomer.Path, token)
	return e
}

const caughtUp = `deskstream_receive_catch_ups_total{destination="crm",done="true"} `

// After a stop that was longer than the desk sends again, what it has is read from its lists: by
// several instances too, and once.
func TestRun_catchesUpAfterALongStop(t *testing.T) {
	t.Parallel()
	e := newExported(t, 2*time.Hour)
	one := start(t, receive.Options{CreateTopic: true, CatchUp: true}, e.settings)
	await(t, func() bool {
		_, text := one.get(t, "/metrics")
		return strings.Contains(text, caughtUp+"1") && strings.Contains(text, `deskstream_receive_gap_seconds{destination="crm"} 0`)
	})
	two := start(t, receive.Options{CreateTopic: true, CatchUp: true}, e.settings)
	await(t, func() bool {
		_, text := two.get(t, "/metrics")
		return strings.Contains(text, caughtUp+"1")
	})
	if found := e.kafka.Consume(t, "helpdesk.crm.contacts"); len(found) != 1 {
		t.Errorf("%d objects were written", len(found))
	}
	if got := one.post(t, body("e1")); got != http.StatusOK {
		t.Errorf("beside that a webhook gets %d", got)
	}
}

// Where nobody wants it nothing is read, and the gap is shown.
func TestRun_showsAGapThatItMayNotClose(t *testing.T) {
	t.Parallel()
	e := newExported(t, 2*time.Hour)
	r := start(t, receive.Options{CreateTopic: true}, e.settings)
	await(t, func() bool {
		_, text := r.get(t, "/metrics")
		return strings.Contains(text, `deskstream_receive_gap_seconds{destination="crm"} 72`)
	})
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if e.kafka.TopicInfo("helpdesk.crm.contacts") != nil {
		t.Error("an export was begun")
	}
}

// A walk that fails is tried again, and meanwhile the gap is shown and webhooks are taken.
func TestRun_takesWebhooksThoughItCannotCatchUp(t *testing.T) {
	t.Parallel()
	e := newExported(t, 2*time.Hour)
	r := start(t, receive.Options{CatchUp: true}, e.settings) // the topics of objects do not exist
	await(t, func() bool {
		_, text := r.get(t, "/metrics")
		return strings.Contains(text, `deskstream_receive_catch_ups_total{destination="crm",done="false"} 1`) && strings.Contains(text, `deskstream_receive_gap_seconds{destination="crm"} 72`)
	})
	if got := r.post(t, body("e1")); got != http.StatusOK {
		t.Errorf("a webhook gets %d", got)
	}
}
