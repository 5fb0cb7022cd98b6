package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"
)

// Case is one line of the comparison.
type Case struct {
	Latency  time.Duration
	InFlight int
	Spread   Spread
}

func (c Case) String() string {
	return fmt.Sprintf("%s, %d in flight, %s", c.Latency, c.InFlight, c.Spread)
}

// Result is one run of one program.
type Result struct {
	PerSecond  float64
	CPU        time.Duration // of the program, for all events
	Peak       int64         // resident memory, bytes
	Disorder   int
	Duplicates int
	P50, P99   time.Duration // of paced runs only
}

// runBound ends a run that does not get anywhere.
const runBound = 10 * time.Minute

// bench runs programs on a cluster.
type bench struct {
	self    string // this program
	kafka   *cluster
	dir     string
	runs    int // so far, for names that nothing has had
	each    int // runs of each program and case
	pace    bool
	sources map[Spread]string
	console string // address of the console of the programs, "" for none
	// look is what is done while a program runs; nil: nothing. The end that it returns is called when
	// all is delivered.
	look func(context.Context, job, *process) (end func() error, err error)
}

// source is the topic with all events of a spread, loaded at its first use.
func (b *bench) source(ctx context.Context, d dataset, spread Spread) (string, error) {
	if topic, ok := b.sources[spread]; ok {
		return topic, nil
	}
	topic := fmt.Sprintf("bench-%d-%s", os.Getpid(), spread)
	if _, err := b.kafka.topics(ctx, sourceBytes, topic); err != nil {
		return "", err
	}
	b.sources[spread] = topic
	return topic, b.kafka.load(ctx, topic, d)
}

// flood measures a program on a topic that is full when it starts.
func (b *bench) flood(ctx context.Context, p program, c Case, d dataset) (Result, error) {
	topic, err := b.source(ctx, d, c.Spread)
	if err != nil {
		return Result{}, err
	}
	return b.run(ctx, p, c, load{topic: topic, data: d, events: len(d.of)})
}

// paced measures a program that is there before the first events come.
func (b *bench) paced(ctx context.Context, p program, c Case, l load) (Result, error) {
	topic := fmt.Sprintf("bench-%d-paced-%d", os.Getpid(), b.runs)
	remove, err := b.kafka.topics(ctx, sourceBytes, topic)
	if err != nil {
		return Result{}, err
	}
	defer remove()
	l.topic = topic
	return b.run(ctx, p, c, l)
}

// load is what a program gets to read: a topic that holds the events, or, with a rate,
// one to which they are written once the program reads it.
type load struct {
	topic  string
	data   dataset
	events int     // of the data, from its first on
	rate   float64 // a second
}

// run starts a desk and the program, waits until all is delivered, and takes stock.
func (b *bench) run(ctx context.Context, p program, c Case, l load) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, runBound)
	defer cancel()
	b.runs++
	name := fmt.Sprintf("bench-%d-%d", os.Getpid(), b.runs)
	dir, err := os.MkdirTemp(b.dir, "run")
	if err != nil {
		return Result{}, err
	}
	responses, letters := name+".responses", name+".letters"
	remove, err := b.kafka.topics(ctx, outputBytes, responses, letters)
	if err != nil {
		return Result{}, err
	}
	defer remove()
	server, url, err := startServer(ctx, []string{
		b.self, "desk", "-latency", c.Latency.String(), "-spread", string(c.Spread), "-events", strconv.Itoa(len(l.data.of)),
	})
	if err != nil {
		return Result{}, err
	}
	defer server.stop()

	j := job{
		brokers: b.kafka.brokers, topic: l.topic, responses: responses, letters: letters, group: name,
		url: url, inFlight: c.InFlight, dir: dir, console: b.console,
	}
	if p.observer != nil {
		if j.metrics, err = freeAddress(ctx); err != nil {
			return Result{}, err
		}
		defer p.observer.scrape(ctx, j.metrics)()
	}
	command, err := p.command(j)
	if err != nil {
		return Result{}, err
	}
	measured, err := start(ctx, command, p.env...)
	if err != nil {
		return Result{}, err
	}
	defer measured.stop()
	began, err := b.watchAndLook(ctx, p, j, l, measured)
	if err != nil {
		return Result{}, err
	}
	peak, err := measured.peak()
	if err != nil {
		return Result{}, err
	}
	measured.stop() // before it is asked what time it took
	res, err := result(ctx, url, l, began)
	res.CPU, res.Peak = measured.cpu(), peak
	return res, err
}

func (b *bench) watchAndLook(ctx context.Context, p program, j job, l load, measured *process) (began time.Time, err error) {
	if b.look == nil {
		return b.watch(ctx, p, j, l, measured)
	}
	end, err := b.look(ctx, j, measured)
	if err != nil {
		return began, err
	}
	began, err = b.watch(ctx, p, j, l, measured)
	return began, errors.Join(err, end())
}

// watch waits until the program has done its job, and says when the first event was due.
func (b *bench) watch(ctx context.Context, p program, j job, l load, measured *process) (began time.Time, err error) {
	group := p.group(j)
	if l.rate > 0 {
		if err := until(ctx, measured, "its group was stable", func() (bool, error) { return b.kafka.stable(ctx, group) }); err != nil {
			return began, err
		}
		if began, err = b.kafka.pace(ctx, j.topic, l); err != nil {
			return began, err
		}
	}
	if err := until(ctx, measured, "all was delivered", func() (bool, error) {
		r, err := receivedBy(ctx, j.url)
		return r.Distinct >= l.events, err
	}); err != nil || !p.commits {
		return began, err
	}
	return began, until(ctx, measured, "all was committed", func() (bool, error) {
		done, err := b.kafka.committed(ctx, group, j.topic)
		return done >= int64(l.events), err
	})
}

// result is what the desk saw, and when.
func result(ctx context.Context, url string, l load, began time.Time) (Result, error) {
	r, err := receivedBy(ctx, url)
	if err != nil {
		return Result{}, err
	}
	res := Result{
		PerSecond: float64(r.Distinct) / time.Duration(r.Last-r.First).Seconds(),
		Disorder:  r.Disorder, Duplicates: r.Duplicates,
	}
	if l.rate == 0 {
		return res, nil
	}
	taken := make([]int64, r.Events)
	if err := get(ctx, url+"/_desk/taken", func(body io.Reader) error { return binary.Read(body, binary.LittleEndian, taken) }); err != nil {
		return Result{}, err
	}
	waits := make([]time.Duration, l.events)
	for i := range waits {
		due := began.Add(time.Duration(float64(i) / l.rate * float64(time.Second)))
		waits[i] = time.Duration(taken[i] - due.UnixNano())
	}
	slices.Sort(waits)
	res.P50, res.P99 = waits[len(waits)/2], waits[len(waits)*99/100]
	return res, nil
}

func receivedBy(ctx context.Context, url string) (r Received, err error) {
	err = get(ctx, url+"/_desk/received", func(body io.Reader) error { return json.NewDecoder(body).Decode(&r) })
	return r, err
}

func get(ctx context.Context, url string, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("asking the desk: %w", err)
	}
	defer resp.Body.Close()
	return read(resp.Body)
}
