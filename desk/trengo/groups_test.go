package trengo_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/trengo"
	"github.com/deskstream/deskstream/internal/desktest"
)

// What identifies that go out together leave at Trengo is what they leave one by one.
func TestGroups_leaveWhatTheyLeaveOneByOne(t *testing.T) {
	for _, kind := range []string{"email", "phone"} {
		t.Run(kind, func(t *testing.T) {
			d := desktest.Desk{Kind: trengo.Kind(), Settings: func(baseURL string) desk.Settings {
				s := settings(baseURL).(*trengo.Settings)
				if s.ChannelIdentifier = kind; kind == "phone" {
					s.ChannelID = "123457"
				}
				return s
			}}
			desktest.SameAsOneByOne(t, d, desktest.Groups{
				Rounds: 150, Events: identifies, State: "/contacts?page=1", Unlike: []string{"created_at", "updated_at"},
			})
		})
	}
}

// identifies are those of a user, who may come to have another address or channel.
func identifies(rng *rand.Rand) []string {
	one := func(of ...string) string { return of[rng.IntN(len(of))] }
	email, phone, external := "nora@shop.test", "+31612345678", ""
	var events []string
	for i := range 3 + rng.IntN(12) {
		if rng.IntN(8) == 0 {
			email, phone = one("nora@shop.test", "Nora@Shop.test", "vos@shop.test"), one("+31612345678", "0031612345678", "+31687654321")
		}
		if rng.IntN(8) == 0 {
			external = one("", "", `,"context":{"externalId":[{"type":"trengoChannelId","id":"123456"}]}`, `,"context":{"externalId":[{"type":"trengoContactId","id":"1"}]}`)
		}
		traits := []string{fmt.Sprintf(`"email":%q,"phone":%q`, email, phone)}
		switch rng.IntN(5) {
		case 0:
		case 1:
			traits = append(traits, one(`"firstName":"Nora"`, `"lastName":"Vos"`, `"name":null`, `"name":""`, `"name":7`))
		default:
			traits = append(traits, one(`"name":"Nora"`, `"name":"Nora Vos"`, `"name":"N. Vos"`))
		}
		events = append(events, fmt.Sprintf(`{"type":"identify","messageId":"m-%d","userId":"u-1","traits":{%s}%s}`, i, strings.Join(traits, ","), external))
	}
	return events
}
