package unified_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping/unified"
)

// What is read and written in a room is what it is without one, whatever was there before.
func TestRoom_isAsWithoutOne(t *testing.T) {
	var room unified.Room
	for range 3 {
		for _, text := range []string{
			`{"a":[1,{"b":"c"}]}`, "a=1&b=2&a=3&c=%C3%A9", "a=%FF", "a;b", `{"a":"` + strings.Repeat("x\\n", 20_000) + `"}`, "", "nonsense",
			"a=" + strings.Repeat("%22", 3000), strings.Repeat("a&", 5000),
		} {
			for _, c := range []struct {
				name          string
				alone, inRoom unified.Body
			}{
				{"JSON", unified.JSONBody([]byte(text)), room.JSONBody([]byte(text))},
				{"form", unified.FormBody([]byte(text)), room.FormBody([]byte(text))},
			} {
				if got, want := c.inRoom.Value.JSON(), c.alone.Value.JSON(); got != want {
					t.Errorf("%s %.40q is %.60s, want %.60s", c.name, text, got, want)
				}
				want, err := unified.EncodeEvent(&unified.Event{Raw: c.alone.Raw})
				if err != nil {
					t.Fatal(err)
				}
				if got, err := room.EncodeEvent(&unified.Event{Raw: c.inRoom.Raw}); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s %.40q is written as %.60s, %v, want %.60s", c.name, text, got, err, want)
				}
			}
			room.Clear()
		}
	}
}

// Objects of one event have nothing of the one before.
func TestRoom_objectsAreEmptyAfterClear(t *testing.T) {
	var room unified.Room
	room.Ticket().Subject, room.Contact().Name, room.Comment().Body = "a", "b", "c"
	room.Clear()
	if ticket, contact, comment := room.Ticket(), room.Contact(), room.Comment(); ticket.Subject != "" || contact.Name != "" || comment.Body != "" {
		t.Errorf("they are %q, %q and %q", ticket.Subject, contact.Name, comment.Body)
	}
}
