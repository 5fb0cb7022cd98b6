package kustomer_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
)

// customer makes a customer and returns the path of it.
func (d *desk) customer(body string) string {
	d.T.Helper()
	data := stubtest.Must(d.T, d.Call("POST", api+"/customers", body), 201)["data"].(map[string]any)
	return api + "/customers/" + data["id"].(string)
}

// attributes are those of the customer at a path.
func (d *desk) attributes(path string) map[string]any {
	d.T.Helper()
	data := stubtest.Must(d.T, d.Call("GET", path, ""), 200)["data"].(map[string]any)
	return data["attributes"].(map[string]any)
}

func TestKustomer_refusesWhatBelongsToAnotherCustomer(t *testing.T) {
	for name, c := range map[string]struct{ ada, bob string }{
		"externalId":                   {`{"externalId":"u-1"}`, `{"externalId":"u-1"}`},
		"externalIds":                  {`{"externalIds":[{"externalId":"x"},{"externalId":"y"}]}`, `{"externalIds":[{"externalId":"y"}]}`},
		"one of externalIds":           {`{"externalIds":[{"externalId":"x"}]}`, `{"externalId":"x"}`},
		"emails, whatever their case":  {`{"emails":[{"email":"Ada@example.com"}]}`, `{"emails":[{"email":"b@example.com"},{"email":"ada@EXAMPLE.com"}]}`},
		"phones, whatever their form":  {`{"phones":[{"phone":"+31 6 12345678"}]}`, `{"phones":[{"phone":"31612345678"}]}`},
		"whatsapps":                    {`{"whatsapps":[{"phone":"+31612345678"}]}`, `{"whatsapps":[{"phone":"+31612345678"}]}`},
		"socials of one type and name": {`{"socials":[{"type":"twitter","username":"ada"}]}`, `{"socials":[{"type":"twitter","username":"ada","url":"https://example.com/ada"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			d := serve(t, stub.Config{})
			ada := d.customer(c.ada)
			bob := d.customer(`{"name":"Bob"}`)
			before := d.attributes(bob)
			d.expect([]refusal{
				{"create", "POST", api + "/customers", c.bob, 409, `"status":"409"`},
				{"PUT", "PUT", bob + "?replace=false", c.bob, 409, `"status":"409"`},
				{"PATCH", "PATCH", bob, c.bob, 409, `"status":"409"`},
				{"replacing PUT", "PUT", bob + "?replace=true", c.bob, 409, `"status":"409"`},
				{"the owner", "PUT", ada + "?replace=false", c.ada, 200, ""},
			})
			if diff := cmp.Diff(before, d.attributes(bob)); diff != "" {
				t.Errorf("a refused update changed the customer: %s", diff)
			}
		})
	}
}

func TestKustomer_customersShareWhatIsNotUnique(t *testing.T) {
	d := serve(t, stub.Config{})
	d.customer(`{"emails":[{"email":"a@example.com"}],"phones":[{"phone":"+31612345678"}],"socials":[{"type":"twitter","username":"ada"}],"tags":["vip"]}`)
	for _, body := range []string{
		`{"sharedEmails":[{"email":"a@example.com"}],"sharedPhones":[{"phone":"+31612345678"}],"tags":["vip"]}`,
		`{"whatsapps":[{"phone":"+31612345678"}]}`, // another kind of contact than a phone
		`{"socials":[{"type":"instagram","username":"ada"}]}`,
	} {
		if r := d.Call("POST", api+"/customers", body); r.Status != 201 {
			t.Errorf("%s: got %d %s, want 201", body, r.Status, r.Body)
		}
	}
}

// A list of an update is the whole list: what it leaves out is gone, and free.
func TestKustomer_updateReplacesTheListsThatItNames(t *testing.T) {
	for _, method := range []string{"PUT", "PATCH"} {
		d := serve(t, stub.Config{})
		ada := d.customer(`{"emails":[{"email":"a@example.com"},{"email":"b@example.com"}],"socials":[{"type":"twitter","username":"ada"}],"tags":["vip","nl"]}`)
		stubtest.Must(t, d.Call(method, ada, `{"emails":[{"email":"c@example.com","type":"work"}],"tags":["vip"],"socials":[]}`), 200)
		got := d.attributes(ada)
		want := map[string]any{
			"emails": []any{map[string]any{"email": "c@example.com", "type": "work", "verified": false, "id": nil}},
			"tags":   []any{"vip"}, "socials": []any{},
		}
		for list := range want {
			if diff := cmp.Diff(want[list], got[list]); diff != "" {
				t.Errorf("%s left in %s: %s", method, list, diff)
			}
		}
		d.customer(`{"emails":[{"email":"a@example.com"}],"socials":[{"type":"twitter","username":"ada"}]}`)
	}
}

func TestKustomer_companyIsARelationshipThatAnUpdateUnlinks(t *testing.T) {
	const company = "65f0000000000000000000c1"
	linked := map[string]any{"data": map[string]any{"type": "company", "id": company}}
	d := serve(t, stub.Config{})
	ada := d.customer(`{"name":"Ada","company":"` + company + `"}`)
	for _, c := range []struct {
		method, query, body string
		want                any
	}{
		{"GET", "", "", linked},
		{"PUT", "?replace=false", `{"name":"A","company":"` + company + `"}`, linked},
		{"PUT", "?replace=false", `{"name":"A"}`, nil},
		{"PATCH", "", `{"company":"` + company + `"}`, linked},
		{"PATCH", "", `{"name":"Ada"}`, nil},
		{"PUT", "", `{"company":"` + company + `"}`, linked},
		{"PUT", "", `{"company":null}`, nil},
	} {
		data := stubtest.Must(t, d.Call(c.method, ada+c.query, c.body), 200)["data"].(map[string]any)
		if diff := cmp.Diff(c.want, data["relationships"].(map[string]any)["company"]); diff != "" {
			t.Errorf("%s %s: %s", c.method, c.body, diff)
		}
		if _, there := data["attributes"].(map[string]any)["company"]; there {
			t.Errorf("%s %s: company is an attribute", c.method, c.body)
		}
	}
}

func TestKustomer_revisionIsALock(t *testing.T) {
	d := serve(t, stub.Config{})
	ada := d.customer(`{"name":"Ada","tags":["vip"]}`)
	for i, c := range []struct {
		body string
		want int
		rev  string
	}{
		{`{"tags":["a"],"rev":1}`, 200, "2"},
		{`{"tags":["b"],"rev":1}`, 409, "2"},
		{`{"tags":["b"],"rev":3}`, 409, "2"},
		{`{"tags":["b"],"rev":2.0}`, 200, "3"}, // the same number
		{`{"tags":["c"]}`, 200, "4"},           // no lock asked for
	} {
		r := d.Call("PUT", ada+"?replace=false", c.body)
		if r.Status != c.want || c.want == 409 && !strings.Contains(r.Body, `"code":"conflict"`) {
			t.Errorf("update %d: got %d %s, want %d", i+1, r.Status, r.Body, c.want)
		}
		if rev := d.attributes(ada)["rev"]; rev != json.Number(c.rev) {
			t.Errorf("update %d: the revision is %v, want %s", i+1, rev, c.rev)
		}
	}
	if tags := fmt.Sprint(d.attributes(ada)["tags"]); tags != "[c]" {
		t.Errorf("the tags are %s", tags)
	}
}
