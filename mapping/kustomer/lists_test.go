package kustomer_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
)

// lists are the lists of an identify with the given traits.
func lists(t *testing.T, traits string) []kustomer.List {
	t.Helper()
	step, _ := oneStep[kustomer.Upsert](t, kustomer.Config{}, `{"type":"identify","userId":"u1","traits":{`+traits+`}}`)
	return step.Lists()
}

// oneList is the only list of the traits.
func oneList(t *testing.T, traits string) kustomer.List {
	t.Helper()
	all := lists(t, traits)
	if len(all) != 1 {
		t.Fatalf("traits %s have %d lists", traits, len(all))
	}
	return all[0]
}

func parsed(t *testing.T, text string) mapping.Value {
	t.Helper()
	v, err := mapping.ParseJSON([]byte(text))
	if err != nil {
		t.Fatalf("parsing %s: %v", text, err)
	}
	return v
}

func TestMerge(t *testing.T) {
	many := func(n int) string {
		return strings.TrimSuffix(strings.Repeat(`"t",`, n), ",")
	}
	for name, tt := range map[string]struct {
		traits, have string
		want         string // "" for unchanged
		noRoom       int
	}{
		"the customer has none":      {`"tags":["x","y"]`, `null`, `["x","y"]`, 0},
		"the customer has no list":   {`"tags":["x"]`, `{"0":"x"}`, `["x"]`, 0},
		"new ones follow":            {`"tags":["x","vip","y"]`, `["vip"]`, `["vip","x","y"]`, 0},
		"all is there":               {`"tags":["x"]`, `["vip","x"]`, "", 0},
		"what is no tag is not kept": {`"tags":["x"]`, `["vip",null,7,""]`, `["vip","x"]`, 0},
		"tags differ by case":        {`"tags":["VIP"]`, `["vip"]`, `["vip","VIP"]`, 0},
		"twenty tags":                {`"tags":["x","y"]`, `[` + many(19) + `]`, `[` + many(19) + `,"x"]`, 1},
		"full":                       {`"tags":["x"]`, `[` + many(20) + `]`, "", 1},

		"e-mails by case":       {`"email":"N@Shop.test"`, `[{"email":" n@shop.TEST ","type":"work"}]`, "", 0},
		"the desk's spelling":   {`"emails":[{"email":"n@shop.test","verified":true}]`, `[{"email":"N@Shop.test","type":"work"}]`, `[{"email":"N@Shop.test","type":"work","verified":true}]`, 0},
		"a type that is named":  {`"emails":[{"email":"n@shop.test","type":"home"}]`, `[{"email":"n@shop.test","type":"work","verified":true,"id":"1"}]`, `[{"email":"n@shop.test","type":"home","verified":true}]`, 0},
		"a type that is ours":   {`"emails":["n@shop.test"]`, `[{"email":"n@shop.test","type":"work"}]`, "", 0},
		"a type without one":    {`"emails":[{"email":"n@shop.test"}]`, `[{"email":"n@shop.test","type":"work"}]`, "", 0},
		"nulls are left out":    {`"email":"n@shop.test"`, `[{"email":"w@shop.test","type":null,"verified":null,"id":null}]`, `[{"email":"w@shop.test"},{"type":"home","email":"n@shop.test"}]`, 0},
		"two of one value":      {`"emails":["n@shop.test","N@shop.test"]`, `[]`, `[{"type":"home","email":"n@shop.test"}]`, 0},
		"the one that has all":  {`"emails":[{"email":"n@shop.test","type":"work"}]`, `[{"email":"n@shop.test","type":"home"},{"email":"n@shop.test","type":"work"}]`, "", 0},
		"a change without room": {`"emails":[{"email":"n@shop.test","type":"work"}]`, `[{"email":"n@shop.test"}` + strings.Repeat(`,{"email":"o@shop.test"}`, 9) + `]`, `[{"email":"n@shop.test","type":"work"}` + strings.Repeat(`,{"email":"o@shop.test"}`, 9) + `]`, 0},

		"phones by digits":              {`"phone":"0031612345678"`, `[{"phone":"+31 (0)6 1234 5678","type":"mobile"}]`, "", 0},
		"phones with an extension":      {`"phone":"tel:+31612345678"`, `[{"phone":"+31612345678 ext. 12"}]`, "", 0},
		"national numbers stand apart":  {`"phone":"0612345678"`, `[{"phone":"+31612345678"}]`, `[{"phone":"+31612345678"},{"type":"home","phone":"0612345678"}]`, 0},
		"what has no digits is a text":  {`"phone":"+3161"`, `[{"phone":"unknown"}]`, `[{"phone":"unknown"},{"type":"home","phone":"+3161"}]`, 0},
		"whatsapps by digits":           {`"whatsapps":"+31612345678"`, `[{"phone":"31612345678","type":"mobile","id":7}]`, "", 0},
		"socials by type and user name": {`"socials":[{"type":"twitter","username":"nora","userid":"7"}]`, `[{"type":"facebook","username":"nora"},{"type":"twitter","username":"nora","verified":false}]`, `[{"type":"facebook","username":"nora"},{"type":"twitter","username":"nora","verified":false,"userid":"7"}]`, 0},
		"urls by text":                  {`"website":"https://a.test/"`, `[{"url":"https://a.test","type":"blog","id":null}]`, `[{"url":"https://a.test","type":"blog"},{"url":"https://a.test/"}]`, 0},
		"the same url":                  {`"website":"https://a.test"`, `[{"url":"https://a.test","type":"blog"}]`, "", 0},
		"facebook by ids":               {`"facebookIds":[{"pageId":"1","userId":"2","name":"N"}]`, `[{"pageId":1,"userId":"2","name":"M"}]`, `[{"pageId":1,"userId":"2","name":"N"}]`, 0},
		"instagram by ids":              {`"instagramIds":[{"pageId":"1","threadId":"2","username":"n"}]`, `[{"pageId":"1","threadId":"2","username":"n","instagramId":"9"},{"pageId":"1","threadId":"3","username":"n"}]`, "", 0},

		"a location that is there":          {`"address":" 1 A St "`, `[{"type":"work","name":"Office","address":"1 A St ","zipCode":"1012 JS"}]`, "", 0},
		"a location beside an agent's":      {`"address":"2 B St"`, `[{"type":"home","name":"Cabin","address":"1 A St"}]`, `[{"type":"home","name":"Cabin","address":"1 A St"},{"type":"home","address":"2 B St"}]`, 0},
		"a location beside one of a type":   {`"address":"2 B St"`, `[{"type":"work","address":"1 A St"},{"address":"3 C St"}]`, `[{"type":"work","address":"1 A St"},{"address":"3 C St"},{"type":"home","address":"2 B St"}]`, 0},
		"a location that has moved":         {`"address":"2 B St"`, `[{"address":"0"},{"type":"home","name":" ","address":"1 A St","latitude":52.37,"id":"x"},{"type":"home","address":"9"}]`, `[{"address":"0"},{"type":"home","address":"2 B St"},{"type":"home","address":"9"}]`, 0},
		"a location without an address":     {`"address":"2 B St"`, `[{"type":"work","cityName":"Utrecht","latitude":52.1}]`, `[{"type":"work","cityName":"Utrecht","latitude":52.1},{"type":"home","address":"2 B St"}]`, 0},
		"a location that moves and is full": {`"address":"2 B St"`, `[{"type":"home","address":"1"}` + strings.Repeat(`,{"type":"work"}`, 9) + `]`, `[{"type":"home","address":"2 B St"}` + strings.Repeat(`,{"type":"work"}`, 9) + `]`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			list, have := oneList(t, tt.traits), parsed(t, tt.have)
			before := have.JSON()
			merged := list.Merge(have)
			got := ""
			if merged.Changed {
				got = merged.Value.JSON()
			}
			if got != tt.want || len(merged.NoRoom) != tt.noRoom {
				t.Errorf("merging %s into %s gave %s with %d left out, want %s with %d", tt.traits, tt.have, got, len(merged.NoRoom), tt.want, tt.noRoom)
			}
			if after := have.JSON(); after != before {
				t.Errorf("the customer's list became %s", after)
			}
			again := list.Merge(merged.Value)
			if again.Changed {
				t.Errorf("merging again gave %s", again.Value.JSON())
			}
		})
	}
}

func TestLists_emptyOnesAreNone(t *testing.T) {
	if got := lists(t, `"tags":[],"emails":[],"phones":[{}],"socials":[7],"name":"N"`); len(got) != 0 {
		t.Errorf("lists %+v", got)
	}
}

func TestLists_sayWhatTheEventNames(t *testing.T) {
	for traits, want := range map[string]string{
		`"email":"n@shop.test"`:                                  ``,
		`"emails":[{"type":"home","email":"n@shop.test"}]`:       `type`,
		`"emails":[{"verified":true,"email":"n@shop.test"}]`:     `verified`,
		`"whatsapps":"+3161"`:                                    ``,
		`"whatsapps":[{"phone":"+3161","type":"mobile"}]`:        `type`,
		`"address":"1 A St"`:                                     ``,
		`"socials":[{"type":"twitter","username":"n"}]`:          ``,
		`"facebookIds":[{"pageId":"1","userId":"2","name":"N"}]`: `name`,
		`"tags":["x"]`: ``,
	} {
		var got []string
		for _, m := range oneList(t, traits).Entries[0].Named {
			got = append(got, m.Name)
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s names (-want +got):\n%s", traits, diff)
		}
	}
}

func TestMap_listModeIsPassedOn(t *testing.T) {
	for _, mode := range []kustomer.ListMode{kustomer.MergeLists, kustomer.ReplaceLists, kustomer.LeaveLists} {
		step, _ := oneStep[kustomer.Upsert](t, kustomer.Config{Lists: mode}, `{"type":"identify","userId":"u1"}`)
		if step.Mode != mode {
			t.Errorf("mode %q, want %q", step.Mode, mode)
		}
	}
}

func TestIdentities(t *testing.T) {
	for event, want := range map[string][]kustomer.Lookup{
		`{"type":"identify","userId":"u1","anonymousId":"an","traits":{"email":"a@shop.test","phone":"+3161"}}`: {
			{By: kustomer.ByExternalID, Value: "u1"},
			{By: kustomer.ByExternalID, Value: "an"},
			{By: kustomer.ByEmail, Value: "a@shop.test"},
			{By: kustomer.ByPhone, Value: "+3161"},
		},
		`{"type":"identify","anonymousId":"an","traits":{"email":"c@shop.test","emails":["a@shop.test","A@Shop.test","b@shop.test"],"phones":["+3161","003161"]}}`: {
			{By: kustomer.ByExternalID, Value: "an"},
			{By: kustomer.ByEmail, Value: "c@shop.test"},
			{By: kustomer.ByEmail, Value: "a@shop.test"},
			{By: kustomer.ByEmail, Value: "b@shop.test"},
			{By: kustomer.ByPhone, Value: "+3161"},
		},
		`{"type":"identify","userId":"u/../1","traits":{"email":"a/../b@shop.test","phone":"+3161"},"context":{"externalId":[{"type":"kustomerId","id":"5f"}]}}`: {
			{By: kustomer.ByPhone, Value: "+3161"},
		},
		`{"type":"identify","context":{"externalId":[{"type":"kustomerId","id":"5f"}]}}`: nil,
	} {
		step, _ := oneStep[kustomer.Upsert](t, kustomer.Config{}, event)
		if diff := cmp.Diff(want, step.Identities()); diff != "" {
			t.Errorf("identities of %s (-want +got):\n%s", event, diff)
		}
	}
}

// Whatever a customer has, merging adds and changes entries, and takes none away.
func FuzzMerge(f *testing.F) {
	f.Add(`{"email":"n@shop.test","tags":["x"],"address":"1 A St"}`, `[{"email":"N@shop.test","type":null},{"type":"home","address":"2"},"vip"]`)
	f.Add(`{"phones":[{"phone":"+3161","type":"fax"}],"socials":[{"type":"twitter","username":"n"}]}`, `[{"phone":"003161"},{"type":"twitter"},7]`)
	f.Fuzz(func(t *testing.T, traits, list string) {
		have, err := mapping.ParseJSON([]byte(list))
		if err != nil {
			t.Skip()
		}
		ev, err := mapping.Decode([]byte(`{"type":"identify","userId":"u1","traits":` + traits + `}`))
		if err != nil {
			t.Skip()
		}
		m, err := kustomer.New(kustomer.Config{}).Map(ev)
		if err != nil {
			t.Skip()
		}
		for _, l := range m.Steps[0].(kustomer.Upsert).Lists() {
			merged := l.Merge(have)
			if len(l.Entries) == 0 || merged.Value.Kind() != mapping.Array {
				t.Fatalf("list %s of %d entries became %s", l.Name, len(l.Entries), merged.Value.JSON())
			}
			left := map[string]bool{}
			for _, e := range merged.Value.Members() {
				left[kustomer.EntryKey(l.Name, e.Value)] = true
			}
			for _, e := range have.Members() {
				key := kustomer.EntryKey(l.Name, e.Value)
				if key != "" && have.Kind() == mapping.Array && !left[key] && l.Name != "locations" {
					t.Errorf("%s: %s is gone from %s", l.Name, e.Value.JSON(), merged.Value.JSON())
				}
			}
			if l.Merge(merged.Value).Changed {
				t.Errorf("%s: merging twice changes %s", l.Name, merged.Value.JSON())
			}
		}
	})
}
