package kustomer_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping/kustomer"
)

func TestMap_addressesAreTakenOutOfTheirTexts(t *testing.T) {
	home := func(address string) string { return `[{"type":"home","email":"` + address + `"}]` }
	for _, f := range []field{
		{traits(`"email":"Nora V <nora@example.test>"`), "emails", home("nora@example.test"), ""},
		{traits(`"email":"none, a@example.test; b@example.test"`), "emails", home("a@example.test"), ""},
		{traits(`"email":" mailto:a@example.test\u0000"`), "emails", home("a@example.test"), ""},
		{traits(`"email":"a b+c@example.test"`), "emails", home("a b+c@example.test"), ""},
		{traits(`"email":"jürgen@exämple.test"`), "emails", home("jürgen@exämple.test"), ""},
		{traits(`"email":"` + strings.Repeat("a", 242) + `@example.test"`), "emails", `null`, "emails from traits.email: left out"},
		{traits(`"email":"a ` + strings.Repeat("a", 240) + `@example.test"`), "emails", `null`, "emails from traits.email: left out"},
		{traits(`"email":"` + strings.Repeat("a", 241) + `@example.test"`), "emails", home(strings.Repeat("a", 241) + "@example.test"), ""},
		{traits(`"email":"a@b@example.test"`), "emails", `null`, "emails from traits.email: left out"},
		{traits(`"email":"call me @ 5.30"`), "emails", `null`, "emails from traits.email: left out"},
		{traits(`"email":"a\u0000@example.test"`), "emails", `null`, "emails from traits.email: left out"},
		{traits(`"emails":[{"email":"Bo <b@example.test>","verified":true},"x@"]`), "emails", `[{"email":"b@example.test","verified":true}]`, "emails[1]"},
		// The next place counts.
		{`"traits":{"email":"none"},"properties":{"email":"p@example.test"}`, "emails", home("p@example.test"), "emails from traits.email: left out"},
	} {
		f.check(t)
	}
}

func TestMap_phonesAreTakenOutOfTheirTexts(t *testing.T) {
	home := func(number string) string { return `[{"type":"home","phone":"` + number + `"}]` }
	for _, f := range []field{
		{traits(`"phone":"+31 (20) 123-45 67"`), "phones", home("+31 (20) 123-45 67"), ""},
		{traits(`"phone":"020/1234567"`), "phones", home("020/1234567"), ""},
		{traits(`"phone":"tel:+31612345678"`), "phones", home("+31612345678"), ""},
		{traits(`"phone":"+31 20 1234567 ext. 12"`), "phones", home("+31 20 1234567"), ""},
		{traits(`"phone":"n/a; +31612345678"`), "phones", home("+31612345678"), ""},
		{traits(`"phone":31612345678.0`), "phones", home("31612345678"), ""},
		{traits(`"phone":3.1612345678E10`), "phones", home("31612345678"), ""},
		{traits(`"phone":"31612345678.0"`), "phones", home("31612345678"), ""},
		{traits(`"phone":1.5e9`), "phones", home("1500000000"), ""},
		{traits(`"phone":31612345678.5`), "phones", `null`, "phones from traits.phone: left out"},
		{traits(`"phone":-31612345678`), "phones", `null`, "phones from traits.phone: left out"},
		{traits(`"phone":1e300`), "phones", `null`, "phones from traits.phone: left out"},
		{traits(`"phone":true`), "phones", `null`, "phones from traits.phone: left out"},
		{traits(`"phone":"call me 5pm"`), "phones", `null`, "phones from traits.phone: left out"},
		{traits(`"phone":"-"`), "phones", `null`, "phones from traits.phone: left out"},
		{traits(`"phone":"+31\u00a06\u202f12\u201134\u201356\u200b78"`), "phones", home("+31 6 12-34-5678"), ""},
		{traits(`"phone":"(+31) (0)6 12345678"`), "phones", home("(+31) (0)6 12345678"), ""},
		{traits(`"phone":"+31612345678 #12"`), "phones", `null`, "phones from traits.phone: left out"},
		{traits(`"phone":"+31612345678/+31687654321"`), "phones", `null`, "phones from traits.phone: left out"},
		{traits(`"phone":"-31612345678"`), "phones", `null`, "phones from traits.phone: left out"},
		{traits(`"phone":"+31 ⁶12345678"`), "phones", `null`, "phones from traits.phone: left out"},
		{traits(`"phone":"+\u00a031612345678"`), "phones", home("+31612345678"), ""},
		{traits(`"phone":"31+612345678"`), "phones", `null`, "phones from traits.phone: left out"},
		{traits(`"phone":"112"`), "phones", home("112"), ""},
		{traits(`"phone":"` + strings.Repeat("3", 31) + `"`), "phones", `null`, "phones from traits.phone: left out"},
		{traits(`"whatsapps":["'+31687654321"]`), "whatsapps", `null`, "whatsapps from traits.whatsapps[0]"},
		{traits(`"phone":"00000"`), "phones", `null`, "phones from traits.phone: left out"},
		{`"traits":{"phone":"-"},"context":{"traits":{"phone":"5550100"}}`, "phones", home("5550100"), "phones from traits.phone: left out"},
		{traits(`"phones":[{"type":"fax","phone":5550100.0},"no number"]`), "phones", `[{"type":"fax","phone":"5550100"}]`, "phones[1]"},
		{traits(`"whatsapps":["31687654321@c.us",3.1687654321e10]`), "whatsapps", `[{"phone":"31687654321"}]`, ""},
	} {
		f.check(t)
	}
}

func TestMap_emailInAList(t *testing.T) {
	var many []string
	for i := range 12 {
		many = append(many, `"a`+strconv.Itoa(i)+`@example.test"`)
	}
	for _, c := range []struct {
		members, lookup string
		emails          int
		warning         string
	}{
		{traits(`"email":["a@example.test"]`), "a@example.test", 1, ""},
		{traits(`"email":["none","a@example.test","Bo <b@example.test>"]`), "a@example.test", 2, "emails from traits.email[0]"},
		{traits(`"email":[7,null,{"type":"work"},{"email":" c@example.test ","type":"work"}]`), "c@example.test", 1, "emails from traits.email[0]"},
		{traits(`"email":{"email":"o@example.test"}`), "o@example.test", 1, ""},
		{traits(`"email":[` + strings.Join(many, ",") + `]`), "a0@example.test", 10, "only the first 10"},
		{`"traits":{"email":["none"]},"context":{"traits":{"email":["c@example.test"]}}`, "c@example.test", 1, "emails from traits.email[0]"},
		{`"traits":{"email":[]},"properties":{"email":["p@example.test","q@example.test"]}`, "p@example.test", 2, ""},
		{traits(`"email":[["a@example.test"]]`), "", 0, "emails from traits.email[0]"},
		{traits(`"emails":["e@example.test"]`), "", 1, ""},
		{traits(`"emails":["e@example.test","f@example.test"],"email":"a@example.test"`), "a@example.test", 2, ""},
	} {
		step, warnings := oneStep[kustomer.Upsert](t, kustomer.Config{}, `{"type":"identify","userId":"u1",`+c.members+`}`)
		want := []kustomer.Lookup{{By: kustomer.ByEmail, Value: c.lookup}, {By: kustomer.ByExternalID, Value: "u1"}}
		if c.lookup == "" {
			want = want[1:]
		}
		if diff := cmp.Diff(want, step.Lookups); diff != "" {
			t.Errorf("lookups of %s (-want +got):\n%s", c.members, diff)
		}
		if got := step.Customer.Get("emails").Len(); got != c.emails {
			t.Errorf("%d e-mails of %s, want %d: %s", got, c.members, c.emails, step.Customer.JSON())
		}
		wantWarning(t, warnings, c.warning)
	}
}

func TestMap_companies(t *testing.T) {
	for _, f := range []field{
		{traits(`"company":" Acme,\nInc. "`), "company", `"Acme, Inc."`, ""},
		{traits(`"company":{"name":"Acme","id":"9"}`), "company", `"Acme"`, ""},
		{traits(`"company":{"id":"9"}`), "company", `"9"`, ""},
		{traits(`"company":{"name":"","id":12.0}`), "company", `"12"`, ""},
		{traits(`"company":{"name":" ","id":" c1 "}`), "company", `"c1"`, ""},
		{traits(`"company":{"id":0}`), "company", `null`, "company from traits.company: left out"},
		{traits(`"company":{"id":1.5}`), "company", `null`, "company from traits.company: left out"},
		{traits(`"company":{"name":["Acme"]}`), "company", `null`, "company from traits.company.name: left out"},
		{traits(`"company":{}`), "company", `null`, "company from traits.company: left out"},
		{traits(`"company":[]`), "company", `null`, "company from traits.company: left out"},
		{traits(`"company":12`), "company", `null`, "company from traits.company: left out"},
		{traits(`"company":true`), "company", `null`, "company from traits.company: left out"},
		{traits(`"company":" "`), "company", `null`, ""},
		{traits(`"company":"` + strings.Repeat("c", 257) + `"`), "company", `null`, "longer than 256"},
		{`"traits":{"company":{}},"context":{"traits":{"company":"Acme"}}`, "company", `"Acme"`, "company from traits.company: left out"},
		{`"traits":{"company":"T"},"context":{"traits":{"company":{"name":"C"}}}`, "company", `"C"`, ""},
	} {
		f.check(t)
	}
}

func TestMap_timeZones(t *testing.T) {
	for _, f := range []field{
		{`"context":{"timezone":"Asia/Tokyo"}`, "timeZone", `"Asia/Tokyo"`, ""},
		{`"traits":{"timeZone":""},"context":{"timezone":"Asia/Tokyo","traits":{"timeZone":"UTC"}}`, "timeZone", `"UTC"`, ""},
		{traits(`"timeZone":"America/Argentina/Buenos_Aires"`), "timeZone", `"America/Argentina/Buenos_Aires"`, ""},
		{traits(`"timeZone":" europe/amsterdam "`), "timeZone", `"Europe/Amsterdam"`, ""},
		{traits(`"timeZone":"Etc/GMT-1"`), "timeZone", `"Etc/GMT-1"`, ""},
		{`"context":{"timezone":"GMT+0100"}`, "timeZone", `null`, "timeZone from context.timezone: left out"},
		{traits(`"timeZone":"+01:00"`), "timeZone", `null`, "timeZone from traits.timeZone: left out"},
		{traits(`"timeZone":"Europe/Atlantis"`), "timeZone", `null`, "timeZone from traits.timeZone: left out"},
		{traits(`"timeZone":"Local"`), "timeZone", `null`, "timeZone from traits.timeZone: left out"},
		{traits(`"timeZone":"Europe/Amsterdam\n"`), "timeZone", `"Europe/Amsterdam"`, ""},
		{traits(`"timeZone":60`), "timeZone", `null`, "timeZone from traits.timeZone: left out"},
		{`"traits":{"timeZone":"GMT+0100"},"context":{"timezone":"Europe/Oslo"}`, "timeZone", `"Europe/Oslo"`, "timeZone from traits.timeZone: left out"},
	} {
		f.check(t)
	}
}

func TestMap_places(t *testing.T) {
	at := func(address string) string { return `[{"type":"home","address":"` + address + `"}]` }
	for _, f := range []field{
		{traits(`"address":" 1 Main St\u200b "`), "locations", at("1 Main St"), ""},
		{traits(`"address":{"postalCode":62701,"street":" 1 Main St ","city":"","state":null}`), "locations", at("1 Main St 62701"), ""},
		{
			traits(`"address":{"first_name":"Ada","address1":"1 Main St","address2":"Apt 4","city":"Ottawa","province":"Ontario","zip":"K1A 0B1","country":"Canada","country_code":"CA"}`),
			"locations", at("1 Main St Apt 4 Ottawa Ontario K1A 0B1 Canada"), "",
		},
		{traits(`"address":{"country":"NL","postal_code":2611.0,"line2":"2nd floor","line1":"Dam 1","city":"Delft","state":""}`), "locations", at("Dam 1 2nd floor Delft 2611 NL"), ""},
		{traits(`"address":{"address":"Dam 1","region":"ZH","postal_code":"2611 AB"}`), "locations", at("Dam 1 ZH 2611 AB"), ""},
		{traits(`"address":{"street":"S","address1":"A","line1":"L","address":"X","state":"ST","province":"P","zip":"Z","postalCode":"PC"}`), "locations", at("S ST PC"), ""},
		{traits(`"address":{"street":" ","address1":"A","state":[],"region":"R","postalCode":true,"zip":1.50}`), "locations", at("A R 1.50"), ""},
		{traits(`"address":{"address":"X","line1":"L","address1":"A","line2":"L2","address2":"A2","region":"R","province":"P","postal_code":"PO","zip":"Z"}`), "locations", at("A A2 P Z"), ""},
		{traits(`"address":{"address":"X","line1":"L","line2":"L2","region":"R","postal_code":"PO"}`), "locations", at("L L2 R PO"), ""},
		{traits(`"address":{"country":"US"}`), "locations", at("US"), ""},
		{traits(`"address":{"county":"Sangamon","floor":3}`), "locations", `null`, "locations from traits.address: left out"},
		{traits(`"address":{}`), "locations", `null`, "locations from traits.address: left out"},
		{traits(`"address":["1 Main St"]`), "locations", `null`, "locations"},
		{traits(`"address":12`), "locations", `null`, "locations"},
		{traits(`"address":" "`), "locations", `null`, "locations"},
		{traits(`"address":"` + strings.Repeat("a", 300) + `"`), "locations", at(strings.Repeat("a", 256)), "cut at 256"},
		{traits(`"website":" example.test "`), "urls", `[{"url":"example.test"}]`, ""},
		{`"properties":{"website":"example.test"}`, "urls", `[{"url":"example.test"}]`, ""},
		{traits(`"website":{"url":"x"}`), "urls", `null`, "urls"},
	} {
		f.check(t)
	}
}
