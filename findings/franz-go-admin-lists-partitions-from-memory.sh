#!/usr/bin/env bash
# github.com/twmb/franz-go v1.22.3 with pkg/kadm v1.19.0: ListTopics and ListEndOffsets of an admin client
# that has asked for a topic before leave out partitions that were added since by another client,
# for up to MetadataMinAge (5 s by default), and without an error.
#
# One would expect a call that is named after a request to an administrator's interface to ask the
# cluster: that such answers come from memory stands at neither function. Who compares committed
# offsets with these ends, to see that a group has worked off everything, is told so while the new
# partitions hold records. A client of its own for the question, or a short MetadataMinAge, asks anew.
#
# Seen, against the same project's kfake on loopback: one partition before; after another client
# added two, topics and ends have one; those of a new client three; six seconds later three.
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

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	check(err)
	defer cluster.Close()
	open := func() *kadm.Client {
		client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
		check(err)
		return kadm.NewClient(client)
	}
	ends := func(what string, admin *kadm.Client, want int) {
		listed, err := admin.ListEndOffsets(ctx, "t")
		check(err)
		check(listed.Error())
		topics, err := admin.ListTopics(ctx, "t")
		check(err)
		fmt.Printf("%-32s topics: %d, ends: %d\n", what, len(topics["t"].Partitions), len(listed["t"]))
		if len(listed["t"]) != want || len(topics["t"].Partitions) != want {
			os.Exit(1)
		}
	}
	admin, another := open(), open()
	ends("before", admin, 1)
	_, err = another.CreatePartitions(ctx, 2, "t")
	check(err)
	ends("after another client added two", admin, 1)
	ends("of a new client", open(), 3)
	time.Sleep(6 * time.Second)
	ends("six seconds later", admin, 3)
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
