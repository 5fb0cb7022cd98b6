package kustomer_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
)

func list(n int, element string) string {
	elements := make([]string, n)
	for i := range elements {
		elements[i] = strings.ReplaceAll(element, "#", strconv.Itoa(i))
	}
	return "[" + strings.Join(elements, ",") + "]"
}

func members(n int, member string) string {
	text := list(n, member)
	return "{" + text[1:len(text)-1] + "}"
}

func TestKustomer_refusesBrokenCustomers(t *testing.T) {
	d := serve(t, stub.Config{})
	for name, body := range map[string]string{
		"no JSON":                     `{`,
		"list":                        `[]`,
		"null":                        `null`,
		"two values":                  `{} {}`,
		"numeric external id":         `{"externalId":7}`,
		"empty external id":           `{"externalId":""}`,
		"long external id":            `{"externalId":"` + strings.Repeat("x", 257) + `"}`,
		"long name":                   `{"name":"` + strings.Repeat("x", 257) + `"}`,
		"numeric name":                `{"name":7}`,
		"company as object":           `{"company":{"name":"x"}}`,
		"gender as word":              `{"gender":"female"}`,
		"date without time":           `{"signedUpAt":"2026-01-01"}`,
		"number as date":              `{"birthdayAt":7}`,
		"date with a comma":           `{"birthdayAt":"2026-01-01T00:00:00,5Z"}`,
		"createdAt null":              `{"createdAt":null}`,
		"long locale":                 `{"locale":"xxxxxxxxxxxxxxxxx"}`,
		"avatar no uri":               `{"avatarUrl":"me.png"}`,
		"emails as object":            `{"emails":{}}`,
		"email without address":       `{"emails":[{"type":"home"}]}`,
		"email of unknown type":       `{"emails":[{"email":"a@example.com","type":"private"}]}`,
		"address that is none":        `{"emails":[{"email":"a b@example.com"}]}`,
		"same email twice":            `{"emails":[{"email":"a@example.com"},{"email":"a@example.com"}]}`,
		"eleven emails":               `{"emails":` + list(11, `{"email":"a#@example.com"}`) + `}`,
		"eleven phones":               `{"phones":` + list(11, `{"phone":"+3160000000#"}`) + `}`,
		"phone that is none":          `{"phones":[{"phone":"call me"}]}`,
		"whatsapp at home":            `{"whatsapps":[{"phone":"+31600000000","type":"home"}]}`,
		"social without name":         `{"socials":[{"type":"twitter"}]}`,
		"unknown social":              `{"socials":[{"type":"myspace","username":"x"}]}`,
		"tags as text":                `{"tags":"vip"}`,
		"tag with ampersand":          `{"tags":["a&b"]}`,
		"tag that begins with blank":  `{"tags":[" a"]}`,
		"tag of 65":                   `{"tags":["` + strings.Repeat("x", 65) + `"]}`,
		"21 tags":                     `{"tags":` + list(21, `"t#"`) + `}`,
		"address of 257":              `{"locations":[{"address":"` + strings.Repeat("x", 257) + `"}]}`,
		"country of three":            `{"locations":[{"countryCode":"NLD"}]}`,
		"sentiment without half":      `{"sentiment":{"polarity":1}}`,
		"sentiment out of range":      `{"sentiment":{"polarity":1,"confidence":2}}`,
		"half polarity":               `{"sentiment":{"polarity":0.5,"confidence":1}}`,
		"text as Num":                 `{"custom":{"aNum":"1"}}`,
		"number as Str":               `{"custom":{"aStr":1}}`,
		"long Txt":                    `{"custom":{"aTxt":"` + strings.Repeat("x", 1025) + `"}}`,
		"word as At":                  `{"custom":{"aAt":"soon"}}`,
		"word as Bool":                `{"custom":{"aBool":"yes"}}`,
		"word as Url":                 `{"custom":{"aUrl":"here"}}`,
		"101 custom attributes":       `{"custom":` + members(101, `"a#Num":1`) + `}`,
		"custom as list":              `{"custom":[]}`,
		"external ids with other key": `{"externalIds":[{"id":"x"}]}`,
		"rev as text":                 `{"rev":"1"}`,
	} {
		r := d.Call("POST", api+"/customers", body)
		if r.Status != 400 || !strings.Contains(r.Body, `"code":"bad_request"`) || !strings.Contains(r.Body, `"status":"400"`) {
			t.Errorf("%s: got %d %s, want 400 in the longer shape", name, r.Status, r.Body)
		}
	}
	if n := d.Server.Stats().Holds["kustomer"]["customers"]; n != 0 {
		t.Errorf("refused bodies made %d customers", n)
	}
}

const fullCustomer = `{"name":"Ada","username":"ada","externalId":"u-1","company":"65f000000000000000000001","avatarUrl":"https://example.com/a.png",
"locale":"nl-NL","timeZone":"Europe/Amsterdam","defaultLang":"nl","signedUpAt":"2026-01-01T00:00:00Z","lastSeenAt":null,"lastActivityAt":"2026-01-01t00:00:00.5z","gender":"f",
"emails":[{"email":"Ada@example.com","type":"home","verified":true}],"phones":[{"phone":"+31 6 12345678","type":"mobile"}],
"whatsapps":[{"phone":"+31612345678","type":"mobile"}],"socials":[{"type":"twitter","username":"ada"}],"urls":[{"url":"https://example.com"}],
"locations":[{"type":"home","address":"Molenweg 1","latitude":52.1}],"tags":["vip","Zoë-1"],"sentiment":{"polarity":-1,"confidence":0.5},
"custom":{"planStr":"pro","scoreNum":12.50,"sinceAt":"2026-01-01T00:00:00+01:00","okBool":true,"siteUrl":"https://example.com/x","noteTxt":null}}`

func TestKustomer_keepsAndFindsACustomer(t *testing.T) {
	d := serve(t, stub.Config{})
	created := stubtest.Must(t, d.Call("POST", api+"/customers", fullCustomer), 201)
	id := created["data"].(map[string]any)["id"].(string)
	if !regexp.MustCompile(`^[0-9a-f]{24}$`).MatchString(id) {
		t.Errorf("the id is %q, want 24 hexadecimal digits", id)
	}
	for _, path := range []string{id, "email=ada@EXAMPLE.com", "externalId=u-1", "phone=%2B31612345678"} {
		if diff := cmp.Diff(created, stubtest.Must(t, d.Call("GET", api+"/customers/"+path, ""), 200)); diff != "" {
			t.Errorf("%s finds something else: %s", path, diff)
		}
	}
	d.expect([]refusal{
		{"unknown id", "GET", api + "/customers/65f000000000000000000001", "", 404, missed("id")},
		{"unknown email", "GET", api + "/customers/email=b@example.com", "", 404, missed("email")},
		{"unknown phone", "GET", api + "/customers/phone=%2B31687654321", "", 404, missed("phone")},
		{"unknown external id", "GET", api + "/customers/externalId=u%2F1", "", 404, missed("externalId")},
		{"update of an unknown id", "PUT", api + "/customers/1?replace=false", "{}", 404, missed("id")},
		{"unknown path", "GET", api + "/nothing", "", 404, `"errors":[{"code":"notfound","message"`},
	})
}

// missed is the recorded answer to a lookup that finds nobody: its status is a number.
func missed(parameter string) string {
	return `{"errors":[{"code":"notfound","detail":"no such customer","source":{"parameter":"` + parameter + `"},"status":404,"title":"Not Found"}]}`
}

func TestKustomer_escapedSlashBelongsToTheValue(t *testing.T) {
	d := serve(t, stub.Config{})
	stubtest.Must(t, d.Call("POST", api+"/customers", `{"externalId":"a/../b?c"}`), 201)
	stubtest.Must(t, d.Call("GET", api+"/customers/externalId=a%2F..%2Fb%3Fc", ""), 200)
}

func TestKustomer_updateKeepsWhatTheBodyLeavesOut(t *testing.T) {
	for _, method := range []string{"PUT", "PATCH"} {
		d := serve(t, stub.Config{})
		id := stubtest.Must(t, d.Call("POST", api+"/customers", fullCustomer), 201)["data"].(map[string]any)["id"].(string)
		r := d.Call(method, api+"/customers/"+id+"?replace=false", `{"externalId":"u-2","emails":[{"email":"new@example.com"}],"custom":{"planStr":"free"},"rev":1}`)
		got := stubtest.Must(t, r, 200)["data"].(map[string]any)["attributes"].(map[string]any)
		custom, _ := got["custom"].(map[string]any)
		if got["name"] != "Ada" || custom["planStr"] != "free" || custom["okBool"] != true || got["rev"] != json.Number("2") {
			t.Errorf("%s gave %v", method, got)
		}
		d.expect([]refusal{
			{method + ": old email is free", "GET", api + "/customers/email=ada@example.com", "", 404, ""},
			{method + ": new email is found", "GET", api + "/customers/email=new@example.com", "", 200, id},
			{method + ": old id is free", "POST", api + "/customers", `{"externalId":"u-1"}`, 201, ""},
			{method + ": the new owner keeps it", method, api + "/customers/" + id, `{"externalId":"u-1"}`, 409, ""},
		})
	}
}

func TestKustomer_replaceForgetsTheRest(t *testing.T) {
	d := serve(t, stub.Config{})
	id := stubtest.Must(t, d.Call("POST", api+"/customers", fullCustomer), 201)["data"].(map[string]any)["id"].(string)
	got := stubtest.Must(t, d.Call("PUT", api+"/customers/"+id+"?replace=true", `{"externalId":"u-1"}`), 200)
	if name := got["data"].(map[string]any)["attributes"].(map[string]any)["name"]; name != nil {
		t.Errorf("the name is still %v", name)
	}
}

func TestKustomer_refusesBrokenEvents(t *testing.T) {
	d := serve(t, stub.Config{})
	event := func(text string) string { return `{"identity":{"externalId":"u-1"},"event":` + text + `}` }
	meta := func(text string) string { return event(`{"name":"Order-Paid","meta":` + text + `}`) }
	identity := func(text string) string { return `{"identity":` + text + `,"event":{"name":"Order-Paid"}}` }
	for name, body := range map[string]string{
		"no JSON":                  `{`,
		"no event":                 `{"identity":{}}`,
		"no identity":              `{"event":{"name":"Order-Paid"}}`,
		"no name":                  event(`{}`),
		"name with blank":          event(`{"name":"Order Paid"}`),
		"name of one":              event(`{"name":"O"}`),
		"name of 256":              event(`{"name":"` + strings.Repeat("x", 256) + `"}`),
		"name that begins wrong":   event(`{"name":"1st"}`),
		"numeric name":             event(`{"name":1}`),
		"numeric session":          event(`{"name":"Order-Paid","sessionId":1}`),
		"numeric tracking id":      event(`{"name":"Order-Paid","trackingId":1}`),
		"meta as list":             meta(`[]`),
		"number without Num":       meta(`{"total":1}`),
		"text under Num":           meta(`{"totalNum":"1"}`),
		"date without At":          meta(`{"paid":"2026-01-01T00:00:00Z"}`),
		"word under At":            meta(`{"paidAt":"soon"}`),
		"impossible date under At": meta(`{"paidAt":"2026-13-01"}`),
		"impossible day under At":  meta(`{"paidAt":"2026-02-30T10:00:00Z"}`),
		"impossible hour under At": meta(`{"paidAt":"2026-01-01T25:00:00Z"}`),
		"month alone under At":     meta(`{"paidAt":"2026-01"}`),
		"date without zone or At":  meta(`{"paid":"2026-01-01T00:00"}`),
		"short name under Num":     meta(`{"xNum":"1"}`),
		"nothing but Num":          meta(`{"Num":"1"}`),
		"boolean":                  meta(`{"paid":true}`),
		"null":                     meta(`{"paid":null}`),
		"list":                     meta(`{"items":[1]}`),
		"object":                   meta(`{"items":{}}`),
		"101 keys":                 meta(members(101, `"key#":"x"`)),
		"identity external id":     identity(`{"externalId":1}`),
		"identity email null":      identity(`{"email":null}`),
		"identity strict email":    identity(`{"email":"a@b@example.com"}`),
		"identity gender null":     identity(`{"gender":null}`),
	} {
		r := d.Call("POST", api+"/tracking/identityEvent", body)
		if r.Status != 400 || !strings.HasPrefix(r.Body, `{"errors":[{"code":"bad_request","message":`) {
			t.Errorf("%s: got %d %s, want 400 in the shorter shape", name, r.Status, r.Body)
		}
	}
	if holds := d.Server.Stats().Holds["kustomer"]; holds["customers"]+holds["events"] != 0 {
		t.Errorf("refused bodies left %v", holds)
	}
}

func TestKustomer_eventFindsOrCreatesItsCustomer(t *testing.T) {
	d := serve(t, stub.Config{})
	track := func(identity string) any {
		r := d.Call("POST", api+"/tracking/identityEvent", `{"identity":`+identity+`,"event":{"name":"Order-Paid","sessionId":"1",
			"meta":{"orderId":"o-9","totalNum":12.5,"paidAt":"2026-01-01","sentAt":"2026-01-01T10:00:00.123+01:00","year":"1999"}}}`)
		data := stubtest.Must(t, r, 201)["data"].(map[string]any)
		relationships, _ := data["relationships"].(map[string]any)
		return fmt.Sprint(relationships["customer"])
	}
	ada := track(`{"externalId":"u-1"}`)
	if again := track(`{"externalId":"u-1","email":"ada@example.com"}`); again != ada {
		t.Errorf("the external id led to %v, want %v", again, ada)
	}
	if byEmail := track(`{"email":"ada@example.com"}`); byEmail != ada {
		t.Errorf("the email that came later led to %v, want %v", byEmail, ada)
	}
	if other := track(`{"externalId":"u-2","email":"bob@example.com"}`); other == ada {
		t.Errorf("another user led to %v", other)
	}
	if nobody := track(`{}`); nobody != "<nil>" {
		t.Errorf("an anonymous event led to %v", nobody)
	}
	want := map[string]int{"customers": 2, "conversations": 0, "events": 5}
	if diff := cmp.Diff(want, d.Server.Stats().Holds["kustomer"]); diff != "" {
		t.Error(diff)
	}
}

func TestKustomer_wantsABearerToken(t *testing.T) {
	d := serve(t, stub.Config{Tokens: []string{"good"}})
	for token, want := range map[string]int{"": 401, "bad": 401, "good": 200} {
		r, err := d.Try(token, "GET", api+"/users/current", "")
		if err != nil || r.Status != want || r.Header.Get("X-Ratelimit-Limit") == "" {
			t.Errorf("token %q: got %d %v, %v, want %d", token, r.Status, r.Header, err, want)
		}
	}
}
