package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// serveBroker serves the embedded broker until the process is ended, and writes where to w.
func serveBroker(ctx context.Context, w io.Writer) error {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		return fmt.Errorf("starting the embedded broker: %w", err)
	}
	defer cluster.Close()
	if _, err := fmt.Fprintln(w, cluster.ListenAddrs()[0]); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// cluster is where the benchmark's topics are.
type cluster struct {
	brokers []string
	client  *kgo.Client
	admin   *kadm.Client
	broker  *process // the embedded one, nil for others
}

// The sizes of messages that the topics take.
const (
	sourceBytes = 1 << 20
	outputBytes = 2 << 20
)

func connect(brokers []string) (*cluster, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		return nil, fmt.Errorf("connecting to Kafka: %w", err)
	}
	return &cluster{brokers: brokers, client: client, admin: kadm.NewClient(client)}, nil
}

// topics makes topics of the benchmark's partitions and gives back what removes them.
// They take messages of maxBytes, since dead letters need more room than the source's.
func (c *cluster) topics(ctx context.Context, maxBytes int, names ...string) (remove func(), err error) {
	limit := strconv.Itoa(maxBytes)
	made, err := c.admin.CreateTopics(ctx, partitions, 1, map[string]*string{"max.message.bytes": &limit}, names...)
	if err := errors.Join(err, made.Error()); err != nil {
		return nil, fmt.Errorf("creating topics: %w", err)
	}
	if err := c.awaitTopics(ctx, names...); err != nil {
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		_, _ = c.admin.DeleteTopics(ctx, names...) // what is left goes with the broker
	}, nil
}

// awaitTopics waits until the brokers know of topics: they create them before they do.
func (c *cluster) awaitTopics(ctx context.Context, names ...string) error {
	for {
		found, err := c.admin.ListTopics(ctx, names...)
		if err == nil {
			err = found.Error()
		}
		if err == nil || !kerr.IsRetriable(err) {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// load writes the events at once, in order.
func (c *cluster) load(ctx context.Context, topic string, d dataset) error {
	records := make([]*kgo.Record, len(d.of))
	for i := range records {
		records[i] = &kgo.Record{Topic: topic, Key: d.key(i), Value: d.value(i)}
	}
	if err := c.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("loading the data set: %w", err)
	}
	return nil
}

// pace writes the first n events, rate a second, and says when event 0 was due.
func (c *cluster) pace(ctx context.Context, topic string, l load) (start time.Time, err error) {
	start = time.Now()
	var failed error
	promise := func(_ *kgo.Record, err error) { failed = errors.Join(failed, err) } // promises come one at a time
	for i := 0; i < l.events && ctx.Err() == nil; {
		due := min(l.events, int(time.Since(start).Seconds()*l.rate)+1)
		for ; i < due; i++ {
			c.client.Produce(ctx, &kgo.Record{Topic: topic, Key: l.data.key(i), Value: l.data.value(i)}, promise)
		}
		time.Sleep(time.Millisecond)
	}
	if err := c.client.Flush(ctx); err != nil {
		return start, fmt.Errorf("writing paced events: %w", err)
	}
	return start, failed
}

// stable says whether a group has all partitions assigned and nothing left to arrange.
func (c *cluster) stable(ctx context.Context, group string) (bool, error) {
	groups, err := c.admin.DescribeGroups(ctx, group)
	if err != nil {
		return false, fmt.Errorf("asking for group %s: %w", group, err)
	}
	described := groups[group]
	assigned := 0
	described.AssignedPartitions().Each(func(string, int32) { assigned++ })
	return described.State == "Stable" && assigned == partitions, nil
}

// committed is how many records of a topic a group has committed past.
func (c *cluster) committed(ctx context.Context, group, topic string) (int64, error) {
	offsets, err := c.admin.FetchOffsets(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return 0, fmt.Errorf("reading the commits of %s: %w", group, err)
	}
	var sum int64
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.Topic == topic {
			sum += max(0, o.At)
		}
	})
	return sum, nil
}
