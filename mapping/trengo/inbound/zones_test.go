package inbound_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/deskstream/deskstream/mapping/trengo/inbound"
	"github.com/deskstream/deskstream/mapping/unified"
)

// What a time without a zone means depends on the field, unless the owner says otherwise.
func TestZones_areThoseOfTheField(t *testing.T) {
	zone := func(name string) *time.Location {
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	entry := []byte(`{"id":1,"created_at":"2024-07-11 12:00:00","latest_message_at":"2024-07-11 12:00:00","closed_at":"2024-07-11T12:00:00.000000Z"}`)
	for name, tt := range map[string]struct {
		reader          *inbound.Reader
		created, latest unified.Time
	}{
		"by the table": {inbound.New("trengo", "inbox", zone("Europe/Amsterdam"), false), "2024-07-11T10:00:00.000Z", "2024-07-11T12:00:00.000Z"},
		"by a setting": {inbound.New("trengo", "inbox", zone("Asia/Jerusalem"), true), "2024-07-11T09:00:00.000Z", "2024-07-11T09:00:00.000Z"},
	} {
		object, err := tt.reader.Objects()[unified.Tickets](entry)
		if err != nil {
			t.Fatal(err)
		}
		ticket := object.(*unified.Ticket)
		if ticket.CreatedAt != tt.created || ticket.LastMessageAt != tt.latest || ticket.ClosedAt != "2024-07-11T12:00:00.000Z" {
			t.Errorf("%s: created %s, last message %s, closed %s", name, ticket.CreatedAt, ticket.LastMessageAt, ticket.ClosedAt)
		}
	}
}
