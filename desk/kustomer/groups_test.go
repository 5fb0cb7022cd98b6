package kustomer_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/kustomer"
	"github.com/deskstream/deskstream/internal/desktest"
)

// What identifies that go out together leave at Kustomer is what they leave one by one, whatever
// becomes of lists, and whoever has an identifier.
func TestGroups_leaveWhatTheyLeaveOneByOne(t *testing.T) {
	for _, mode := range []string{"merge", "replace", "leave"} {
		t.Run(mode, func(t *testing.T) {
			d := suite()
			d.Settings = func(baseURL string) desk.Settings {
				s := settings(baseURL).(*kustomer.Settings)
				s.Lists = mode
				return s
			}
			desktest.SameAsOneByOne(t, d, desktest.Groups{
				Rounds: 150, Events: identifies, State: "/v1/customers?pageSize=100",
				Unlike: []string{"rev", "createdAt", "updatedAt", "modifiedAt"},
			})
		})
	}
}

// identifies are those of a user, with what the next user of the lane may have too. None names a
// revision: fewer writes make fewer of them.
func identifies(rng *rand.Rand) []string {
	one := func(of ...string) string { return of[rng.IntN(len(of))] }
	user, email := "u-1", "nora@shop.test"
	var events []string
	for i := range 3 + rng.IntN(12) {
		if rng.IntN(10) == 0 {
			user = one("u-1", "u-2")
		}
		if rng.IntN(10) == 0 {
			email = one("nora@shop.test", "Nora@shop.test", "vos@shop.test", "")
		}
		var traits []string
		add := func(often int, name string, values ...string) {
			if rng.IntN(10) < often {
				traits = append(traits, fmt.Sprintf("%q:%s", name, one(values...)))
			}
		}
		if email != "" {
			traits = append(traits, fmt.Sprintf(`"email":%q`, email))
		}
		add(7, "name", `"Nora"`, `"Nora Vos"`, `"N. Vos"`, `null`, `""`)
		add(3, "locale", `"nl"`, `"en"`, `null`, `7`)
		add(3, "phone", `"+31612345678"`, `"0031612345678"`, `"+31687654321"`, `null`)
		add(3, "tags", `["a"]`, `["b","a"]`, `["c","d","e"]`, `[]`, `"f"`, `["`+strings.Join(strings.Fields("1 2 3 4 5 6 7 8 9 10 11 12 13 14"), `","`)+`"]`)
		add(2, "emails", `["n@shop.test"]`, `[{"email":"n@shop.test","type":"work"}]`, `[{"email":"n@shop.test","type":"home"},"m@shop.test"]`, `[{"email":"N@shop.test","verified":true}]`)
		add(1, "phones", `[{"phone":"+31612345678","type":"work"}]`, `["+31600000001","+31600000002"]`)
		add(2, "whatsapps", `["+31612345678"]`, `[{"phone":"+31612345678","type":"mobile"}]`)
		add(2, "address", `"Dam 1"`, `{"street":"Dam 2","city":"Amsterdam"}`, `"Dam 3"`)
		add(3, "customObject", `{"planStr":"pro"}`, `{"planStr":"free","seatsNum":3}`, `{"planStr":null}`, `{"seatsNum":4}`, `{"planStr":"pro","seatsNum":null}`)
		add(2, "company", `"Acme"`, `{"id":"5fc"}`, `null`)
		add(1, "sentiment", `{"polarity":1,"confidence":0.5}`, `{"polarity":-1,"confidence":1}`)
		add(1, "website", `"https://a.test"`, `"https://b.test"`)
		anonymous := ""
		if rng.IntN(12) == 0 {
			anonymous = `,"anonymousId":"a-1"`
		}
		events = append(events, fmt.Sprintf(`{"type":"identify","messageId":"m-%d","userId":%q%s,"traits":{%s}}`, i, user, anonymous, strings.Join(traits, ",")))
	}
	return events
}
