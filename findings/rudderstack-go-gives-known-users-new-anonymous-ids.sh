#!/usr/bin/env bash
# github.com/rudderlabs/analytics-go/v4 v4.2.1: a track, page, screen or group message with a
# UserId and no AnonymousId gets an anonymousId all the same, a new random UUID in each
# message. An identify without one has none.
#
# One would expect the member to be left out (as the Node, Python and Java libraries of the
# same vendor leave it out or send null), or one stable id of the process: whoever joins
# events by anonymousId, or counts visitors by it, sees a new person in every event of a
# known user.
#
# Seen: of five events of the user u-1, the identify has no anonymousId, and the two tracks,
# the page and the group have four different UUIDs.
#
# Exits 0 while that is so. Needs Go.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir" && rm -rf "$dir"' EXIT
cd "$dir"

cat > main.go <<'GO'
package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"

	"github.com/rudderlabs/analytics-go/v4"
)

type event struct{ Type, UserID, AnonymousID string }

func main() {
	var mu sync.Mutex
	var events []event
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			check(err)
			body = z
		}
		var batch struct{ Batch []event }
		check(json.NewDecoder(body).Decode(&batch))
		mu.Lock()
		defer mu.Unlock()
		events = append(events, batch.Batch...)
	}))
	client, err := analytics.NewWithConfig("key", analytics.Config{DataPlaneUrl: server.URL})
	check(err)
	check(client.Enqueue(analytics.Identify{UserId: "u-1"}))
	check(client.Enqueue(analytics.Track{UserId: "u-1", Event: "Paid"}))
	check(client.Enqueue(analytics.Track{UserId: "u-1", Event: "Shipped"}))
	check(client.Enqueue(analytics.Page{UserId: "u-1", Name: "Home"}))
	check(client.Enqueue(analytics.Group{UserId: "u-1", GroupId: "g-1"}))
	check(client.Close()) // sends what is queued
	server.Close()

	ids := map[string]bool{}
	for _, e := range events {
		fmt.Printf("%-9s userId %q, anonymousId %q\n", e.Type, e.UserID, e.AnonymousID)
		if (e.Type == "identify") != (e.AnonymousID == "") {
			os.Exit(1)
		}
		ids[e.AnonymousID] = true
	}
	if len(events) != 5 || len(ids) != 5 { // four ids, and none of the identify
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
go get github.com/rudderlabs/analytics-go/v4@v4.2.1 >/dev/null 2>&1
go run .
