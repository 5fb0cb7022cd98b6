//go:build kafka

package main

import (
	"testing"
	"time"
)

func TestKafka_noValueGoesBackToAnOlderOneThroughKills(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ destination, source string }{
		"trengo":                      {inbox, ""},
		"kustomer, consumer protocol": {crm, "  group_protocol: consumer\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t, real(t, worldOptions{}), c.destination, c.source)
			c.setSession(shortSession)
			c.session, c.drain, c.timeout = shortSession, 5*time.Second, 4*time.Second
			c.killIdentifies(*kills)
		})
	}
}
