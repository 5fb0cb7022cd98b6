package kustomer_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
)

var advanced = kustomer.Config{AdvancedTransform: true}

// wantBody checks the body of an event that must be a Track.
func wantBody(t *testing.T, c kustomer.Config, event, want, warning string) {
	t.Helper()
	step, warnings := oneStep[kustomer.Track](t, c, event)
	if diff := cmp.Diff(want, step.Body.JSON()); diff != "" {
		t.Errorf("body of %s (-want +got):\n%s", event, diff)
	}
	wantWarning(t, warnings, warning)
}

func TestMap_trackIdentity(t *testing.T) {
	emailOn := kustomer.Config{SetIdentityEmail: true}
	for _, c := range []struct {
		config         kustomer.Config
		members        string
		identity, warn string
	}{
		{kustomer.Config{}, `"userId":"../u1","anonymousId":"an"`, `{"externalId":"../u1"}`, ""},
		{kustomer.Config{}, `"userId":42`, `{"externalId":"42"}`, ""},
		{kustomer.Config{}, `"anonymousId":"an","context":{"traits":{"id":"c9"}}`, `{"externalId":"c9"}`, ""},
		{kustomer.Config{}, `"anonymousId":"an","traits":{"email":"t@example.test"}`, `{"externalId":"an"}`, ""},
		{emailOn, `"userId":"u1","traits":{"email":"t@example.test"},"properties":null`, `{"externalId":"u1","email":"t@example.test"}`, ""},
		{emailOn, `"context":{"traits":{"email":"t@example.test"}}`, `{"email":"t@example.test"}`, ""},
		{emailOn, `"userId":"u1","traits":{"email":"a b@example.test"}`, `{"externalId":"u1"}`, "identity.email"},
		{emailOn, `"userId":"u1","traits":{"email":"a@b@example.test"}`, `{"externalId":"u1"}`, "identity.email"},
		{emailOn, `"userId":"u1","traits":{"email":"a@b."}`, `{"externalId":"u1"}`, "identity.email"},
		{emailOn, `"userId":"u1","traits":{"email":".a@b.test"}`, `{"externalId":"u1"}`, "identity.email"},
		{emailOn, `"userId":"u1","traits":{"email":"a..b@c.test"}`, `{"externalId":"u1"}`, "identity.email"},
		{emailOn, `"userId":"u1","traits":{"email":"a@.c"}`, `{"externalId":"u1"}`, "identity.email"},
		{emailOn, `"userId":"u1","traits":{"email":"a\"b@c.test"}`, `{"externalId":"u1"}`, "identity.email"},
		{emailOn, `"userId":"u1","traits":{"email":"a@[1.2.3.4]"}`, `{"externalId":"u1"}`, "identity.email"},
		{emailOn, `"userId":"u1","traits":{"email":"j.\u00fcrgen+x@ex\u00e4mple.co.test"}`, `{"externalId":"u1","email":"j.ürgen+x@exämple.co.test"}`, ""},
		{emailOn, `"userId":"u1","traits":{"email":["a@b.","a@b.test"]}`, `{"externalId":"u1","email":"a@b.test"}`, ""},
		{emailOn, `"userId":"u1","traits":{"email":"none"}`, `{"externalId":"u1"}`, "identity.email"},
		{emailOn, `"properties":null,"traits":{"email":["-","a@example.test","b@example.test"]}`, `{"email":"a@example.test"}`, ""},
		{emailOn, `"properties":null,"traits":{"email":[{"email":"Nora <n@example.test>"}]}`, `{"email":"n@example.test"}`, ""},
		{emailOn, `"properties":null,"traits":{"email":"none"},"context":{"traits":{"email":"c@example.test"}}`, `{"email":"c@example.test"}`, "identity.email from traits.email"},
		{emailOn, `"userId":"u1","context":{"externalId":[{"type":"kustomerId","id":"e@example.test"}]}`, `{"externalId":"u1"}`, ""},
	} {
		wantBody(t, c.config, `{"type":"track","event":"Ping",`+c.members+`}`, `{"identity":`+c.identity+`,"event":{"name":"Ping"}}`, c.warn)
	}
}

func TestMap_trackWithoutIdentity(t *testing.T) {
	for event, c := range map[string]kustomer.Config{
		`{"type":"track","event":"Ping"}`: {},
		`{"type":"page"}`:                 {},
		`{"type":"track","event":"Ping","traits":{"email":"t@example.test"}}`:              {},
		`{"type":"screen","userId":"","anonymousId":" "}`:                                  {},
		`{"type":"track","event":"Ping","traits":{"email":"none"}}`:                        {SetIdentityEmail: true},
		`{"type":"track","event":"Ping","context":{"externalId":[{"id":"a@b.test"}]}}`:     {SetIdentityEmail: true},
		`{"type":"track","event":"Ping","context":{"externalId":[{"type":"kustomerId"}]}}`: {},
	} {
		_, err := mapped(t, c, []byte(event))
		wantCode(t, event, err, mapping.MissingIdentity)
	}
	for _, event := range []string{`{"type":"track","event":"P","userId":[1]}`, `{"type":"track","event":{},"userId":"u1"}`} {
		_, err := mapped(t, kustomer.Config{}, []byte(event))
		wantCode(t, event, err, mapping.WrongType)
	}
}

func TestMap_eventNames(t *testing.T) {
	generic := kustomer.Config{AdvancedTransform: true, GenericPage: true, GenericScreen: true}
	long := strings.Repeat("A", 300)
	for _, c := range []struct {
		config        kustomer.Config
		members, want string
	}{
		{kustomer.Config{}, `"type":"track","event":" Caf\u00e9 & <b> "`, " Caf\u00e9 & <b> "},
		{generic, `"type":"track","event":"Order"`, "Order"},
		{advanced, `"type":"track","event":"42 - Order_1.b"`, "Order_1.b"},
		{advanced, `"type":"track","event":" \t Sign   Up "`, "Sign-Up"},
		{advanced, `"type":"track","event":"E!"`, "E-"},
		{advanced, `"type":"track","event":"` + long + `"`, long[:255]},
		{kustomer.Config{}, `"type":"track","event":"` + long + `"`, long},
		{kustomer.Config{}, `"type":"page"`, "Web-Page-Viewed"},
		{kustomer.Config{}, `"type":"page","name":"N","properties":{"event":"PE","name":"PN"},"event":"E "`, "Web-Page-Viewed-E"},
		{kustomer.Config{}, `"type":"page","name":"N","properties":{"event":"PE"}`, "Web-Page-Viewed-PE"},
		{kustomer.Config{}, `"type":"page","name":"N","properties":{"name":"PN"}`, "Web-Page-Viewed-N"},
		{kustomer.Config{}, `"type":"page","name":7,"event":" ","properties":{"name":"PN"}`, "Web-Page-Viewed-PN"},
		{kustomer.Config{GenericScreen: true}, `"type":"page","name":"N"`, "Web-Page-Viewed-N"},
		{kustomer.Config{GenericPage: true}, `"type":"page","name":"N"`, "Web-Page-Viewed"},
		{advanced, `"type":"page","name":"Tom & Jerry"`, "Web-Page-Viewed-Tom-Jerry"},
		{kustomer.Config{}, `"type":"screen","name":"Home"`, "Screen-Viewed-Home"},
		{generic, `"type":"screen","name":"Home"`, "Screen-Viewed"},
	} {
		event := `{"userId":"u1",` + c.members + `}`
		step, _ := oneStep[kustomer.Track](t, c.config, event)
		if diff := cmp.Diff(c.want, step.Body.Get("event", "name").Str()); diff != "" {
			t.Errorf("name of %s (-want +got):\n%s", event, diff)
		}
	}
}

func TestMap_eventNamesThatCannotBeSent(t *testing.T) {
	for _, c := range []struct {
		config kustomer.Config
		event  string
		code   mapping.Code
	}{
		{kustomer.Config{}, ``, mapping.MissingEvent},
		{kustomer.Config{}, `,"event":null`, mapping.MissingEvent},
		{advanced, `,"event":""`, mapping.MissingEvent},
		{kustomer.Config{}, `,"event":"  "`, mapping.MissingEvent},
		{advanced, `,"event":"  "`, mapping.InvalidEventName},
		{advanced, `,"event":"42 \u20ac\u2122 \ud83d\ude00"`, mapping.InvalidEventName},
		{advanced, `,"event":"A"`, mapping.InvalidEventName},
		{advanced, `,"event":" \u00c9 "`, mapping.InvalidEventName},
		{advanced, `,"event":"7b"`, mapping.InvalidEventName},
		{advanced, `,"event":0`, mapping.WrongType},
		{kustomer.Config{}, `,"event":["a"]`, mapping.WrongType},
	} {
		event := `{"type":"track","userId":"u1"` + c.event + `}`
		_, err := mapped(t, c.config, []byte(event))
		wantCode(t, event, err, c.code)
	}
}

func TestMap_sessionAndTrackingIDs(t *testing.T) {
	for _, c := range []struct{ members, want, warning string }{
		{`"properties":{"kustomerSessionId":"a","kustomer_session_id":"b"},"context":{"sessionId":"c"}`, `"sessionId":"a","meta":{}`, ""},
		{`"properties":{"kustomer_session_id":"b","x":1},"context":{"sessionId":"c"}`, `"sessionId":"b","meta":{"x":1}`, ""},
		{`"context":{"sessionId":12345678901234567890}`, `"sessionId":"12345678901234567890"`, ""},
		{`"properties":{"kustomerTrackingId":7,"kustomer_tracking_id":"t"}`, `"trackingId":"7","meta":{}`, ""},
		{`"properties":{"kustomer_tracking_id":["t"]}`, `"meta":{}`, "trackingId"},
		{`"properties":{"kustomerTrackingId":7000.0},"context":{"sessionId":1767323045000.0}`, `"sessionId":"1767323045000","trackingId":"7000","meta":{}`, ""},
		{`"context":{"sessionId":1.767323045e12}`, `"sessionId":"1767323045000"`, ""},
		{`"properties":{"kustomerSessionId":1.5},"context":{"sessionId":2}`, `"sessionId":"2","meta":{}`, "sessionId from properties.kustomerSessionId: left out, a number with"},
		{`"properties":{"kustomerSessionId":true,"kustomer_session_id":"b"}`, `"sessionId":"b","meta":{}`, "sessionId from properties.kustomerSessionId"},
		{`"properties":{"kustomerTrackingId":"undefined"},"context":{"sessionId":0}`, `"meta":{}`, "trackingId from properties.kustomerTrackingId: left out, it means nobody"},
	} {
		wantBody(t, kustomer.Config{}, `{"type":"track","event":"E","userId":"u1",`+c.members+`}`,
			`{"identity":{"externalId":"u1"},"event":{"name":"E",`+c.want+`}}`, c.warning)
	}
}

// meta checks what becomes of properties; want is "" for no meta at all.
func meta(t *testing.T, c kustomer.Config, properties, want, warning string) {
	t.Helper()
	if want != "" {
		want = `,"meta":` + want
	}
	wantBody(t, c, `{"type":"track","event":"Ev","userId":"u1","properties":`+properties+`}`,
		`{"identity":{"externalId":"u1"},"event":{"name":"Ev"`+want+`}}`, warning)
}

func TestMap_propertiesAsTheyAre(t *testing.T) {
	plain := kustomer.Config{}
	all := `{"n":9007199254740993,"tiny":1e-07,"b":true,"o":{"a":1},"l":[1],"x":null,"a b":"c","email":"p@example.test"}`
	meta(t, plain, all, all, "")
	meta(t, plain, `{}`, `{}`, "")
	meta(t, plain, `null`, ``, "")
	meta(t, plain, `["a"]`, ``, "")
	meta(t, kustomer.Config{DisableEmailAsTrackingProperty: true}, `{"email":"p@example.test","x":"y"}`, `{"x":"y"}`, "")
	meta(t, kustomer.Config{DisableEmailAsTrackingProperty: true}, `null`, ``, "")
}

func TestMap_advancedProperties(t *testing.T) {
	for _, c := range []struct{ properties, want, warning string }{
		{`null`, `{}`, ""},
		{`["a"]`, `{}`, ""},
		{`"text"`, `{}`, ""},
		{`{"a":null}`, `{}`, ""},
		{`{"total":12.50,"income Num":1,"incomenum":2}`, `{"totalNum":12.50,"income-Num":1,"incomenumNum":2}`, ""},
		{`{" Cart \t Name ":"x"}`, `{"Cart-Name":"x"}`, ""},
		{`{"yes":true,"no":false}`, `{"yes":"true","no":"false"}`, ""},
		{`{"l":["a",1,null,{"b":1.0}],"e":[],"ll":[[1]]}`, `{"l":"\"a\",1,null,{\"b\":1.0}","e":"","ll":"[1]"}`, ""},
		{`{"o":{"z":12.50,"a":"<b> & \"c\""}}`, `{"o":"{\"z\":12.50,\"a\":\"<b> & \\\"c\\\"\"}"}`, ""},
		{`{"created":"2020-02-02T00:23:09.5Z","createdAt":"2020-02-02"}`, `{"createdAt":"2020-02-02T00:23:09.5Z"}`, "meta.createdAt"},
		{`{"a b":"first","a-b":"second"}`, `{"a-b":"first"}`, "meta.a-b"},
		{`{"n":1,"nNum":2}`, `{"nNum":1}`, "meta.nNum"},
		{`{"":"x"," ":1}`, `{}`, "meta.: left out, its name has no letter"},
		{`{"priceNum":"12.50"}`, `{"priceNum":12.50}`, ""},
		{`{"priceNum":"free"}`, `{"price":"free"}`, "meta.priceNum: sent without"},
		{`{"startAt":"soon","endAt":["2020-02-02"]}`, `{"start":"soon","end":"\"2020-02-02\""}`, "meta.startAt"},
		{`{"flagNum":true}`, `{"flag":"true"}`, "meta.flagNum"},
		{`{"Num":"x","At":"y"}`, `{}`, "meta.Num: left out"},
		{`{"xNumAt":"y"}`, `{"x":"y"}`, "meta.xNum"},
		{`{"email":"p@example.test"}`, `{"email":"p@example.test"}`, ""},
	} {
		meta(t, advanced, c.properties, c.want, c.warning)
	}
	meta(t, kustomer.Config{AdvancedTransform: true, DisableEmailAsTrackingProperty: true},
		`{" email ":"p@example.test","Email":"q@example.test"}`, `{"Email":"q@example.test"}`, "")
}

func TestMap_advancedDates(t *testing.T) {
	for value, real := range map[string]bool{
		"2024-02-29": true, "2024-02-29T10:00": true, "2024-02-29t10:00z": true, "2024-02-29T10:00:00": true,
		"2024-02-29T10:00:00.123456789Z": true, "2024-02-29T10:00:00+05:30": true, "2024-02-29T10:00-08:00": true,
		"2023-02-29": false, "2024-13-01": false, "2024-02-29T25:00:00Z": false, "2024-02-29T10:60": false,
		"2024-02": false, "2024": false, "1234": false, "2024-02-29 10:00": false, "2024-02-29Z": false,
		"2024-02-29T10": false, "2024-02-29T5:00": false, "2024-02-29T10:00:00,5Z": false, " 2024-02-29": false, "20240229": false,
	} {
		want := `{"k":"` + value + `"}`
		if real {
			want = `{"kAt":"` + value + `"}`
		}
		meta(t, advanced, `{"k":"`+value+`"}`, want, "")
	}
}

func TestMap_advancedKeepsTheFirstHundredProperties(t *testing.T) {
	var all, kept []string
	for i := range 105 {
		all = append(all, `"k`+strconv.Itoa(i)+`":"v"`)
	}
	kept = all[:100]
	properties := `{"email":"x@example.test","nothing":null,` + strings.Join(all, ",") + `}`
	meta(t, kustomer.Config{AdvancedTransform: true, DisableEmailAsTrackingProperty: true},
		properties, `{`+strings.Join(kept, ",")+`}`, "meta: 5 properties left out")
}
