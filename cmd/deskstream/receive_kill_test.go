package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

// sentTicket sends the webhooks of one ticket one after the other, each until it gets a 200.
type sentTicket struct {
	t      *testing.T
	client *http.Client
	url    string
	ticket string
	n      int
}

func (s sentTicket) run(dice *rand.Rand) {
	for i := range s.n {
		body := fmt.Appendf(nil, `{"id":"%s-%d","name":"kustomer.conversation.update","data":{"type":"conversation","id":%q},"createdAt":%q}`,
			s.ticket, i, s.ticket, time.Now().UTC().Format(time.RFC3339Nano))
		if dice.IntN(20) == 0 {
			if status := s.post(bytes.Replace(body, []byte(`"id":"`), []byte(`"id":"forged-`), 1), macOfHook(body)); status == http.StatusOK {
				s.t.Error("a forged webhook was taken")
			}
		}
		for s.post(body, macOfHook(body)) != http.StatusOK {
			time.Sleep(5 * time.Millisecond) // the receiver may be dead
		}
	}
}

// post returns the status, 0 without an answer.
func (s sentTicket) post(body []byte, mac string) int {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return http.StatusOK
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Kustomer-Webhook-Signature", mac)
	resp, err := s.client.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

const hookSecret = "a-secret-of-kustomer"

func macOfHook(body []byte) string {
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// sending is a receiver that is killed, with senders that send each webhook until it gets a 200: as desks
// do that send again.
type sending struct {
	t             *testing.T
	kafka         *kafkatest.Cluster
	topic         string
	tickets, each int
	receiver      *process
	file, address string
	senders       sync.WaitGroup
}

func newSending(t *testing.T, kafka *kafkatest.Cluster, topic string) *sending {
	t.Helper()
	s := &sending{t: t, kafka: kafka, topic: topic}
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = free.Addr().String()
	_ = free.Close()
	s.file = writeFile(t, "c.yaml", fmt.Sprintf(`
kafka: {brokers: [%s]}
http: {listen: "127.0.0.1:0"}
inbound: {topic: %s, listen: %q}
destinations: [{name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}, webhooks: {secrets: [%s]}}]
`, strings.Join(kafka.Brokers, ","), topic, s.address, hookSecret))
	return s
}

// start starts the receiver, and the senders of some tickets.
func (s *sending) start(tickets, each int) {
	s.t.Helper()
	s.tickets, s.each = tickets, each
	s.receiver = startProcess(s.t, "receive", "-c", s.file)
	s.receiver.awaitLog("endpoint opened")
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: tickets}}
	s.t.Cleanup(client.CloseIdleConnections)
	for i := range tickets {
		of := sentTicket{s.t, client, "http://" + s.address + "/webhooks/crm", fmt.Sprintf("c%d", i), each}
		s.senders.Go(func() { of.run(rand.New(rand.NewPCG(1, uint64(i)))) })
	}
}

// there is how many events are on the topic.
func (s *sending) there() (n int64) {
	s.t.Helper()
	for _, end := range s.kafka.EndOffsets(s.t, s.topic) {
		n += end
	}
	return n
}

// kill kills the receiver and starts the next one.
func (s *sending) kill() {
	s.t.Helper()
	s.receiver.kill()
	s.receiver = startProcess(s.t, "receive", "-c", s.file)
}

// check waits for the senders, and fails unless each webhook is on the topic, none that nobody signed,
// and those of a ticket in the order of their sending. A repeat is marked, unless another process wrote
// the event first.
func (s *sending) check(kills int) {
	s.t.Helper()
	s.senders.Wait()
	s.receiver.awaitLog("endpoint opened") // before that it does not know what a signal means
	s.receiver.stop()
	first := make(map[string]int) // by ticket: how many have come for the first time
	repeats, marked := 0, 0
	records := s.kafka.Consume(s.t, s.topic)
	for _, r := range records {
		var e struct {
			ID     string
			Repeat bool
			Ticket struct{ ID string }
		}
		if err := json.Unmarshal(r.Value, &e); err != nil {
			s.t.Fatal(err)
		}
		var number int
		if _, err := fmt.Sscanf(e.ID, e.Ticket.ID+"-%d", &number); err != nil || string(r.Key) != "crm/ticket/"+e.Ticket.ID {
			s.t.Fatalf("event %q of ticket %q, with the key %q: %v", e.ID, e.Ticket.ID, r.Key, err)
		}
		switch next := first[e.Ticket.ID]; {
		case number == next:
			first[e.Ticket.ID]++
			if e.Repeat {
				s.t.Errorf("event %s is marked as a repeat of none", e.ID)
			}
		case number > next:
			s.t.Errorf("of ticket %s event %d comes before event %d", e.Ticket.ID, number, next)
		case e.Repeat:
			repeats, marked = repeats+1, marked+1
		default:
			repeats++
		}
	}
	for i := range s.tickets {
		if got := first[fmt.Sprintf("c%d", i)]; got != s.each {
			s.t.Errorf("of ticket c%d there are %d events, want %d", i, got, s.each)
		}
	}
	if unmarked := repeats - marked; unmarked > kills*s.tickets {
		s.t.Errorf("%d repeats are not marked, more than were open at %d kills", unmarked, kills)
	}
	s.t.Logf("%d webhooks, %d records, %d kills, %d repeats of which %d are marked", s.tickets*s.each, len(records), kills, repeats, marked)
}

// Webhooks are sent again until they get a 200, while the receiver is killed and Kafka refuses
// writes. Each is on the topic at least once, none is forged, and those of a ticket are in the
// order of their sending.
func TestReceive_killedAgainAndAgainLosesNothing(t *testing.T) {
	t.Parallel()
	needsProcess(t)
	const tickets, each, kills = 40, 100, 3
	kafka := kafkatest.Kafka(t, kafkatest.Topic("helpdesk.events", 4))
	s := newSending(t, kafka, "helpdesk.events")
	s.start(tickets, each)
	for i := range kills {
		await(t, "events", func() bool { return s.there() > int64((i+1)*tickets*each/(kills+2)) })
		fault := kafka.FailProduce("helpdesk.events", 20, kerr.NotEnoughReplicas)
		s.kill()
		fault.Remove()
	}
	s.check(kills)
}
