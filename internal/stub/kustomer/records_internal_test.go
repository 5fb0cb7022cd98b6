package kustomer

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestRecords_createsOfACustomerAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRecords()
		add := func(customer string, attributes map[string]any) error {
			_, err := s.add(record{kind: conversationKind, customer: customer, at: time.Now(), attributes: attributes}, false)
			return err
		}
		for range createsPerMinute {
			if err := add("ada", nil); err != nil {
				t.Fatal(err)
			}
		}
		if add("ada", nil) == nil || add("bob", nil) != nil || add("", nil) != nil || add("ada", map[string]any{"importedAt": "x"}) != nil {
			t.Error("one too many is taken, or another customer's, nobody's or an imported one is not")
		}
		if _, err := s.add(record{kind: noteKind, customer: "ada", at: time.Now(), attributes: map[string]any{"importedAt": "x"}}, false); err == nil {
			t.Error("an imported note is not counted")
		}
		time.Sleep(time.Minute)
		if err := add("ada", nil); err != nil {
			t.Errorf("a minute later: %v", err)
		}
	})
}
