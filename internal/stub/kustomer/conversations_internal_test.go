package kustomer

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestConversations_createsOfACustomerAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newConversations()
		add := func(customer string, attributes map[string]any) error {
			_, err := s.add(conversation{customer: customer, at: time.Now(), attributes: attributes})
			return err
		}
		for range createsPerMinute {
			if err := add("ada", nil); err != nil {
				t.Fatal(err)
			}
		}
		if add("ada", nil) == nil || add("bob", nil) != nil || add("ada", map[string]any{"importedAt": "x"}) != nil {
			t.Error("one too many is taken, or another customer's or an imported one is not")
		}
		time.Sleep(time.Minute)
		if err := add("ada", nil); err != nil {
			t.Errorf("a minute later: %v", err)
		}
	})
}
