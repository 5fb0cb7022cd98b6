package kustomer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
)

// eventWith is an event with members of meta.
func eventWith(meta string) string {
	return `{"identity":{"externalId":"u-1"},"event":{"name":"Order-Paid","meta":` + meta + `}}`
}

// A member that is not allowed is refused in the form that was recorded, with a number as
// status, whatever form the endpoint has for other errors.
func TestKustomer_namesAMemberThatIsNotAllowed(t *testing.T) {
	d := serve(t, stub.Config{})
	long := strings.Repeat("x", 34)
	for _, c := range []struct{ path, body, parameter, detail string }{
		{"/customers", `{"surname":"x"}`, "surname", "surname"},
		{"/customers", `{"data":{}}`, "data", "data"},
		{"/customers", `{"emails":[{"email":"a@example.com","id":null}]}`, "id", "emails/0/id"},
		{"/customers", `{"locations":[{"street":"x"}]}`, "street", "locations/0/street"},
		{"/customers", `{"custom":{"plan":"pro"}}`, "plan", "custom/plan"},
		{"/customers", `{"custom":{"planTree":"a.b"}}`, "planTree", "custom/planTree"},
		{"/customers", `{"custom":{"Num":1}}`, "Num", "custom/Num"},
		{"/tracking/identityEvent", `{"identity":{},"event":{"name":"Order-Paid"},"timestamp":1}`, "timestamp", "timestamp"},
		{"/tracking/identityEvent", `{"identity":{},"event":{"name":"Order-Paid","at":"x"}}`, "at", "event/at"},
		{"/tracking/identityEvent", `{"identity":{"emails":[]},"event":{"name":"Order-Paid"}}`, "emails", "identity/emails"},
		{"/tracking/identityEvent", `{"identity":{"custom":{"plan":"x"}},"event":{"name":"Order-Paid"}}`, "plan", "identity/custom/plan"},
		{"/tracking/identityEvent", eventWith(`{"order id":"x"}`), "order id", "event/meta/order id"},
		{"/tracking/identityEvent", eventWith(`{"order.id":"x"}`), "order.id", "event/meta/order.id"},
		{"/tracking/identityEvent", eventWith(`{"_order":"x"}`), "_order", "event/meta/_order"},
		{"/tracking/identityEvent", eventWith(`{"2nd":"x"}`), "2nd", "event/meta/2nd"},
		{"/tracking/identityEvent", eventWith(`{"größe":"x"}`), "größe", "event/meta/größe"},
		{"/tracking/identityEvent", eventWith(`{"":"x"}`), "", "event/meta/"},
		{"/tracking/identityEvent", eventWith(`{"` + long + `":"x"}`), long, "event/meta/" + long},
		{"/tracking/identityEvent", eventWith(`{"` + long + `Num":1}`), long + "Num", "event/meta/" + long + "Num"},
	} {
		want := fmt.Sprintf(`{"errors":[{"code":"badparam","detail":"/properties/%s","source":{"parameter":%q},"status":400,"title":"Additional properties not allowed"}]}`, c.detail, c.parameter)
		r := d.Call("POST", api+c.path, c.body)
		if r.Status != 400 || !strings.HasPrefix(r.Body, want) {
			t.Errorf("%s: got %d %s, want 400 %s", c.body, r.Status, r.Body, want)
		}
	}
	if holds := d.Server.Stats().Holds["kustomer"]; holds["customers"]+holds["events"] != 0 {
		t.Errorf("refused bodies left %v", holds)
	}
}

func TestKustomer_takesTheNamesAndValuesOfMetaThatTheMappingMakes(t *testing.T) {
	d := serve(t, stub.Config{})
	for _, meta := range []string{
		`{"x":"1"}`, `{"id":"a"}`, `{"xNum":1}`, `{"idNum":9007199254740993}`, `{"totalNum":-12.5e3}`,
		`{"Num":5}`, `{"At":"2026-01-02"}`, `{"utm_source":"","utm-medium":"mail","a-":"x","B_":"y"}`,
		`{"` + strings.Repeat("x", 33) + `":""}`, `{"` + strings.Repeat("x", 33) + `Num":7}`, `{"` + strings.Repeat("x", 33) + `At":"2026-01-02"}`,
		`{"paidAt":"2024-02-29"}`, `{"paidAt":"2026-01-02T03:04"}`, `{"paidAt":"2026-01-02t03:04z"}`, `{"paidAt":"2026-01-02T03:04:05"}`,
		`{"paidAt":"2026-01-02T03:04:05.123456+05:30"}`, `{"created-At":"2026-01-02T03:04:05Z"}`,
		`{"badDate":"2023-02-29","hour":"2026-01-02T25:00:00Z","month":"2026-01","year":"2026","text":"January 2, 2026"}`,
		`{}`, members(100, `"key#":"x"`),
	} {
		if r := d.Call("POST", api+"/tracking/identityEvent", eventWith(meta)); r.Status != 201 {
			t.Errorf("%s: got %d %s, want 201", meta, r.Status, r.Body)
		}
	}
}

// The vendor's documents ask for a URI and for no length of a web site.
func TestKustomer_takesWhatItsDocumentsDoNotForbid(t *testing.T) {
	d := serve(t, stub.Config{})
	for _, body := range []string{
		`{"avatarUrl":"data:image/gif;base64,R0lGODlhAQABAAAAACw="}`, `{"custom":{"mailUrl":"mailto:ada@example.com"}}`,
		`{"urls":[{"url":"https://example.com/` + strings.Repeat("x", 3000) + `"}]}`,
	} {
		if r := d.Call("POST", api+"/customers", body); r.Status != 201 {
			t.Errorf("%.60s: got %d %s, want 201", body, r.Status, r.Body)
		}
	}
}

// What Kustomer's check of phone numbers is, is not public; no letter is sure to be one.
func TestKustomer_takesPhoneNumbersInUsualSpellings(t *testing.T) {
	d := serve(t, stub.Config{})
	for number, want := range map[string]int{
		"+31612345678": 201, "+31 (20) 123-45 67": 201, "(020) 765 43 21": 201, "(+31) 20 7654399": 201, "030/1234567": 201, "112": 201,
		"call me": 400, "+31x20": 400, "-": 400, "()": 400, "": 400,
	} {
		if r := d.Call("POST", api+"/customers", fmt.Sprintf(`{"phones":[{"phone":%q}]}`, number)); r.Status != want {
			t.Errorf("%q: got %d %s, want %d", number, r.Status, r.Body, want)
		}
	}
}
