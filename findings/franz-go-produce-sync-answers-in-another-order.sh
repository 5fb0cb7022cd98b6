#!/usr/bin/env bash
# github.com/twmb/franz-go v1.22.3: the results of ProduceSync are in the order in which its records
# were finished, not in that of the records it was given.
#
# One would expect the i-th result to be that of the i-th record, as of a call that takes a list and
# returns one of the same length; its documentation says nothing of it. Who sends the records again
# that results with an error stand for, by index, sends others, and loses the refused ones. Each
# result names its record: that is what to go by.
#
# Seen, against the same project's kfake on loopback: of a record that is taken and one behind it that
# is larger than ProducerBatchMaxBytes, the first result is the second record's, with its error.
#
# Exits 0 while that is so. Needs Go.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	check(err)
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("t"), kgo.ProducerBatchMaxBytes(1<<10))
	check(err)
	defer client.Close()
	check(client.ProduceSync(ctx, kgo.StringRecord("the topic is known")).FirstErr())

	first, second := kgo.StringRecord("small"), kgo.SliceRecord(make([]byte, 1<<20))
	results := client.ProduceSync(ctx, first, second)
	for i, r := range results {
		fmt.Printf("result %d: record of %d bytes, error: %v\n", i+1, len(r.Record.Value), r.Err)
	}
	if results[0].Record != second || results[0].Err == nil || results[1].Record != first || results[1].Err != nil {
		os.Exit(1)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
GO
go mod init example.test/finding >/dev/null 2>&1
go get github.com/twmb/franz-go@v1.22.3 \
	github.com/twmb/franz-go/pkg/kfake@v0.0.0-20260918054303-01f206a7e32c >/dev/null 2>&1
go run .
