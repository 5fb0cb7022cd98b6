package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ticketEvery is the time between two ticket events, of a real minute.
const ticketEvery = 10 * time.Second

// backlogRun is what became of a backlog in one run.
type backlogRun struct {
	tickets    []time.Duration // from event to ticket, scaled
	sent       int             // ticket events of which there was time for a ticket
	identifies int             // that got an outcome
	took       time.Duration
	refused    int // calls that were answered 429
}

// p99 is that of the tickets, 0 when one is missing.
func (r backlogRun) p99() time.Duration {
	if len(r.tickets) < r.sent || r.sent == 0 {
		return 0
	}
	slices.Sort(r.tickets)
	return r.tickets[(len(r.tickets)*99+99)/100-1]
}

func (r backlogRun) String() string {
	return fmt.Sprintf("%d of %d tickets, %d identifies, %d calls refused", len(r.tickets), r.sent, r.identifies, r.refused)
}

// measured keeps the runs of the first case, which the second one compares.
var measured struct{ with backlogRun }

// ticketsBehindABacklog sends ticket events while a backlog waits. The other build delivers in the
// order of arrival, so that its first ticket comes when the backlog is gone: at its own pace.
func ticketsBehindABacklog(ctx context.Context, b *budgetBench) (budgetRow, error) {
	row := budgetRow{other: "-", reach: "under 15 s, 500 times sooner", ratio: "-"}
	ours, err := b.behind(ctx, b.binary, "ours", true)
	if err != nil {
		return row, err
	}
	measured.with = ours
	p99 := ours.p99()
	row.ours, row.passed = p99.Round(10*time.Millisecond).String(), p99 > 0 && p99 < 15*time.Second
	if p99 == 0 {
		row.ours = "some never: " + ours.String()
	}
	if b.other == "" || p99 == 0 {
		return row, nil
	}
	theirs, err := b.behind(ctx, b.other, "other", true)
	if err != nil {
		return row, err
	}
	waits := theirs.p99()
	row.other = waits.String()
	if waits == 0 {
		waits = b.scaled(time.Duration(float64(theirs.took) * float64(b.backlog) / float64(max(theirs.identifies, 1))))
		row.other = fmt.Sprintf("none in the run; %.1f h at its pace", waits.Hours())
	}
	sooner := float64(waits) / float64(p99)
	row.ratio, row.passed = fmt.Sprintf("%.0f times sooner", sooner), row.passed && sooner >= 500
	return row, nil
}

// drainedMeanwhile compares with the same backlog without tickets.
func drainedMeanwhile(ctx context.Context, b *budgetBench) (budgetRow, error) {
	row := budgetRow{other: "-", reach: "0.8"}
	if measured.with.identifies == 0 {
		with, err := b.behind(ctx, b.binary, "with", true)
		if err != nil {
			return row, err
		}
		measured.with = with
	}
	without, err := b.behind(ctx, b.binary, "without", false)
	if err != nil {
		return row, err
	}
	share := float64(measured.with.identifies) / float64(max(without.identifies, 1))
	row.ours = fmt.Sprintf("%d of %d", measured.with.identifies, without.identifies)
	row.ratio, row.passed = fmt.Sprintf("%.2f of the identifies", share), share >= 0.8
	return row, nil
}

// behind runs a build with a backlog, and with ticket events if so.
func (b *budgetBench) behind(ctx context.Context, binary, what string, tickets bool) (run backlogRun, err error) {
	name := fmt.Sprintf("budget-%d-%s", os.Getpid(), what)
	remove, err := b.topics(ctx, name)
	if err != nil {
		return run, err
	}
	defer remove()
	desk, address, err := startServer(ctx, []string{b.binary, "stub", "--listen", "127.0.0.1:0", "--limit", "120", "--window", b.minute.String()})
	if err != nil {
		return run, err
	}
	defer desk.stop()
	url := strings.Fields(address)[1] // "trengo    http://127.0.0.1:9500/trengo/api/v2"
	if err := errors.Join(b.loadBacklog(ctx, name), b.payers(ctx, url)); err != nil {
		return run, err
	}
	file, err := b.configuration(ctx, binary, name, url)
	if err != nil {
		return run, err
	}
	stub := strings.TrimSuffix(url, "/trengo/api/v2")
	seeded, _, err := callsOf(ctx, stub)
	if err != nil {
		return run, err
	}
	p, err := start(ctx, []string{binary, "run", "-c", file, "--log-level", "error"})
	if err != nil {
		return run, err
	}
	defer p.stop()
	if err := until(ctx, p, "the first calls are made", func() (bool, error) {
		made, _, err := callsOf(ctx, stub)
		return made > seeded+60, err
	}); err != nil {
		return run, err
	}
	began := time.Now()
	if run.sent, err = b.sendTickets(ctx, name, tickets); err != nil {
		return run, err
	}
	ended := time.Now()
	run.took = ended.Sub(began)
	if _, run.refused, err = callsOf(ctx, stub); err != nil {
		return run, err
	}
	if err := b.readOutcomes(ctx, name+".responses", &run, began, ended); err != nil {
		return run, err
	}
	fmt.Fprintf(os.Stderr, "%s: %s in %v\n", what, run, b.scaled(run.took))
	return run, nil
}

// topics makes the topics of a run. Those of letters take more than the source's.
func (b *budgetBench) topics(ctx context.Context, name string) (remove func(), err error) {
	removeSource, err := b.kafka.topics(ctx, sourceBytes, name)
	if err != nil {
		return nil, err
	}
	removeOthers, err := b.kafka.topics(ctx, outputBytes, name+".responses", name+".letters", name+".letters.state")
	return func() { removeSource(); removeOthers() }, err
}

func (b *budgetBench) loadBacklog(ctx context.Context, topic string) error {
	records := make([]*kgo.Record, b.backlog)
	for i := range records {
		user := fmt.Sprintf("user-%d", i*7919%b.people)
		records[i] = &kgo.Record{Topic: topic, Key: []byte(user), Value: fmt.Appendf(nil,
			`{"type":"identify","userId":%q,"messageId":"i-%d","traits":{"email":"%s@example.com","name":"User %d","plan":"pro"}}`, user, i, user, i)}
	}
	if err := b.kafka.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("loading the backlog: %w", err)
	}
	return nil
}

// payersKnown is how many contacts the desk has at first, of whom the ticket events are.
const payersKnown = 100

// payers makes the contacts, with a token of their own, which has a limit of its own.
func (b *budgetBench) payers(ctx context.Context, url string) error {
	for i := range payersKnown {
		body := fmt.Sprintf(`{"identifier":"payer-%d@example.com"}`, i)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/channels/123456/contacts", strings.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer token-of-the-payers")
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return fmt.Errorf("making contacts: %w", err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusCreated && resp.StatusCode != http.StatusOK {
			return fmt.Errorf("making contacts: the stub answers %d", resp.StatusCode)
		}
	}
	return nil
}

// sendTickets sends ticket events for as long as the run lasts, and returns how many there was time
// to deliver: those of the last half minute do not count.
func (b *budgetBench) sendTickets(ctx context.Context, topic string, tickets bool) (sent int, err error) {
	every := time.Duration(float64(ticketEvery) * float64(b.minute) / float64(time.Minute))
	tick := time.NewTicker(every)
	defer tick.Stop()
	end := time.After(b.lasts)
	last := time.Now().Add(b.lasts - b.minute/2)
	for n := 0; ; n++ {
		select {
		case <-end:
			return sent, nil
		case <-ctx.Done():
			return sent, context.Cause(ctx)
		case <-tick.C:
		}
		if !tickets || time.Now().After(last) {
			continue
		}
		user := fmt.Sprintf("payer-%d", n%payersKnown)
		record := &kgo.Record{Topic: topic, Key: []byte(user), Value: fmt.Appendf(nil,
			`{"type":"track","event":"Payment Failed","userId":%q,"messageId":"t-%d","context":{"traits":{"email":"%s@example.com"}}}`, user, n, user)}
		if err := b.kafka.client.ProduceSync(ctx, record).FirstErr(); err != nil {
			return sent, fmt.Errorf("sending a ticket event: %w", err)
		}
		sent++
	}
}

// readOutcomes takes in the outcomes of the time of the run.
func (b *budgetBench) readOutcomes(ctx context.Context, topic string, run *backlogRun, from, to time.Time) error {
	ends, err := b.kafka.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("reading the outcomes: %w", err)
	}
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	client, err := kgo.NewClient(kgo.SeedBrokers(b.brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer client.Close()
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := errors.Join(fetches.Err(), ctx.Err()); err != nil {
			return fmt.Errorf("reading the outcomes: %w", err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			left--
			b.takeOutcome(r.Value, run, from, to)
		})
	}
	return nil
}

func (b *budgetBench) takeOutcome(value []byte, run *backlogRun, from, to time.Time) {
	var o struct {
		Event   struct{ Type string }
		Outcome string
		At      time.Time
		Source  struct{ Timestamp time.Time }
	}
	if !bytes.HasPrefix(value, []byte("{")) || json.Unmarshal(value, &o) != nil || o.Outcome != "delivered" && o.Outcome != "skipped" {
		return
	}
	switch {
	case o.Event.Type == "track":
		run.tickets = append(run.tickets, b.scaled(o.At.Sub(o.Source.Timestamp)))
	case o.At.After(from) && o.At.Before(to):
		run.identifies++
	}
}
