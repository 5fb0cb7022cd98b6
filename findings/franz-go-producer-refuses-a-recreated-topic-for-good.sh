#!/usr/bin/env bash
# github.com/twmb/franz-go v1.22.3: a client that has written to a topic keeps the topic's id. Once
# the topic was deleted and created again, each of its records fails with UNKNOWN_TOPIC_ID
# at once, and no later metadata changes that.
#
# One would expect the client to take the new id up with its next metadata, as it takes up
# leaders and partitions: the error is a retriable one, the topic exists, and a new client
# writes to it. ForceMetadataRefresh changes nothing. PurgeTopicsFromClient does.
#
# Seen, against the same project's kfake on loopback: the first record is written; after the
# topic was recreated three records, a second apart, and one after a refresh fail with
# UNKNOWN_TOPIC_ID; another client writes; so does the first one after a purge.
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
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	check(err)
	defer cluster.Close()
	open := func() *kgo.Client {
		client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("t"), kgo.MetadataMinAge(100*time.Millisecond))
		check(err)
		return client
	}
	write := func(what string, client *kgo.Client, want error) {
		err := client.ProduceSync(ctx, kgo.StringRecord(what)).FirstErr()
		fmt.Printf("%-34s %v\n", what, err)
		if !errors.Is(err, want) {
			os.Exit(1)
		}
	}
	client := open()
	write("before", client, nil)
	admin := kadm.NewClient(open())
	_, err = admin.DeleteTopic(ctx, "t")
	check(err)
	_, err = admin.CreateTopic(ctx, 1, 1, nil, "t")
	check(err)
	for range 3 {
		write("after", client, kerr.UnknownTopicID)
		time.Sleep(time.Second)
	}
	client.ForceMetadataRefresh()
	time.Sleep(time.Second)
	write("after a refresh", client, kerr.UnknownTopicID)
	write("of another client", open(), nil)
	client.PurgeTopicsFromClient("t")
	write("after PurgeTopicsFromClient", client, nil)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
GO
go mod init example.test/finding >/dev/null 2>&1
go get github.com/twmb/franz-go@v1.22.3 github.com/twmb/franz-go/pkg/kadm@v1.19.0 \
	github.com/twmb/franz-go/pkg/kfake@v0.0.0-20260918054303-01f206a7e32c >/dev/null 2>&1
go run .
