package kustomer_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping/kustomer"
)

func TestMap_theEventsOwnTime(t *testing.T) {
	raw, clean := kustomer.Config{EventTime: "occurred"}, kustomer.Config{EventTime: "occurredAt", AdvancedTransform: true}
	const original, arrived = `"originalTimestamp":"2025-03-04T05:06:07.890Z"`, `"timestamp":"2025-03-04T06:06:09+01:00"`
	for _, c := range []struct {
		config        kustomer.Config
		members, want string
		warning       string
	}{
		{clean, original + `,` + arrived + `,"properties":{"plan":"pro"}`, `{"plan":"pro","occurredAt":"2025-03-04T05:06:07.890Z"}`, ""},
		{raw, original + `,` + arrived + `,"properties":{"plan":null}`, `{"plan":null,"occurredAt":"2025-03-04T05:06:07.890Z"}`, ""},
		{clean, arrived, `{"occurredAt":"2025-03-04T06:06:09+01:00"}`, ""},
		{raw, arrived, `{"occurredAt":"2025-03-04T06:06:09+01:00"}`, ""},
		{raw, `"timestamp":1741064767`, `{"occurredAt":"2025-03-04T05:06:07.000Z"}`, ""},
		{raw, `"properties":{"plan":"pro"},"sentAt":"2025-03-04T05:06:07Z"`, `{"plan":"pro"}`, ""},
		{raw, `"originalTimestamp":null,"timestamp":""`, ``, ""},
		{kustomer.Config{}, original, ``, ""},
		// A time that is none counts as missing.
		{clean, `"originalTimestamp":"0001-01-01T00:00:00Z",` + arrived, `{"occurredAt":"2025-03-04T06:06:09+01:00"}`, "meta.occurredAt from originalTimestamp: left out, it is before the year 1000"},
		{raw, `"originalTimestamp":"2019-01-TuT12","timestamp":"0000-01-01"`, ``, "meta.occurredAt from originalTimestamp: left out"},
		// A property wins.
		{raw, original + `,"properties":{"occurredAt":"soon"}`, `{"occurredAt":"soon"}`, "meta.occurredAt: a property has this name"},
		{raw, original + `,"properties":{"occurred":"soon"}`, `{"occurred":"soon","occurredAt":"2025-03-04T05:06:07.890Z"}`, ""},
		{raw, original + `,"properties":{"occurredAt":null}`, `{"occurredAt":null}`, "meta.occurredAt: a property has this name"},
		{clean, original + `,"properties":{"occurredAt":null}`, `{"occurredAt":"2025-03-04T05:06:07.890Z"}`, ""},
		{clean, original + `,"properties":{"occurred":"2025-01-01"}`, `{"occurredAt":"2025-01-01"}`, "meta.occurredAt: a property has this name"},
		{clean, original + `,"properties":{"occurredAt":"soon"}`, `{"occurred":"soon","occurredAt":"2025-03-04T05:06:07.890Z"}`, "meta.occurredAt: sent without its suffix"},
	} {
		want := `{"identity":{"externalId":"u1"},"event":{"name":"Ev"`
		if c.want != "" {
			want += `,"meta":` + c.want
		}
		wantBody(t, c.config, `{"type":"track","event":"Ev","userId":"u1",`+c.members+`}`, want+`}}`, c.warning)
	}
}

func TestMap_theEventsOwnTimeIsNoPropertyTooMany(t *testing.T) {
	var members []string
	for i := range 100 {
		members = append(members, `"k`+strconv.Itoa(i)+`":"v"`)
	}
	for _, c := range []kustomer.Config{{EventTime: "at"}, {EventTime: "at", AdvancedTransform: true}} {
		properties := `{` + strings.Join(members, ",") + `}`
		wantBody(t, c, `{"type":"track","event":"Ev","userId":"u1","timestamp":"2025-03-04T05:06:07Z","properties":`+properties+`}`,
			`{"identity":{"externalId":"u1"},"event":{"name":"Ev","meta":`+properties+`}}`, "meta.atAt: left out")
	}
}

func TestConfig_namesOfTheEventsOwnTime(t *testing.T) {
	for name, good := range map[string]bool{
		"": true, "occurredAt": true, "occurred": true, "x": true, "a_b-c9": true,
		strings.Repeat("a", 33): true, strings.Repeat("a", 33) + "At": true,
		"At": false, " ": false, "9at": false, "_at": false, "a b": false, "a.b": false, "größe": false, "at\n": false,
		strings.Repeat("a", 34): false, strings.Repeat("a", 34) + "At": false,
	} {
		err := kustomer.Config{EventTime: name}.Validate()
		if (err == nil) != good {
			t.Errorf("event_time %q: error %v", name, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "event_time: ") {
			t.Errorf("error %q does not begin with the setting", err)
		}
	}
}
