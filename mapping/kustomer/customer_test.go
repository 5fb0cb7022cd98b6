package kustomer_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping/kustomer"
)

// field is one customer field made of an identify with the given members.
type field struct {
	members string // of the event, without outer braces
	name    string
	want    string // JSON, "null" for a field that is not sent
	warning string // part of it, "" for none
}

func (f field) check(t *testing.T) {
	t.Helper()
	event := `{"type":"identify","userId":"u1",` + f.members + `}`
	step, warnings := oneStep[kustomer.Upsert](t, kustomer.Config{}, event)
	if diff := cmp.Diff(f.want, step.Customer.Get(f.name).JSON()); diff != "" {
		t.Errorf("%s of %s (-want +got):\n%s", f.name, event, diff)
	}
	wantWarning(t, warnings, f.warning)
}

func traits(members string) string { return `"traits":{` + members + `}` }

func TestMap_names(t *testing.T) {
	long := strings.Repeat("n", 257)
	for _, f := range []field{
		{traits(`"name":"N","firstName":"A"`), "name", `"N"`, ""},
		{traits(`"name":false,"firstName":"Ada","lastName":"Byron"`), "name", `"Ada Byron"`, ""},
		{traits(`"name":" ","first_name":"Ada"`), "name", `"Ada"`, ""},
		{traits(`"lastname":"Byron"`), "name", `"Byron"`, ""},
		{traits(`"name":" Ada \t King\r\nof  Lovelace\u0000 "`), "name", `"Ada King of  Lovelace"`, ""},
		{traits(`"firstName":" Ada\u200b\u00a0 ","lastName":"\u200bByron\u2028King"`), "name", `"Ada Byron King"`, ""},
		{traits(`"name":"\u200b","firstName":"Ada"`), "name", `"Ada"`, ""},
		{traits(`"firstName":7,"lastName":["x"]`), "name", `null`, ""},
		{`"traits":{"name":5},"context":{"traits":{"name":"C"}}`, "name", `"C"`, ""},
		{`"traits":{"firstName":"Ada"},"context":{"traits":{"lastName":"Byron"}}`, "name", `"Ada Byron"`, ""},
		{traits(`"name":"` + long + `"`), "name", `"` + long[:256] + `"`, "name: cut"},
	} {
		f.check(t)
	}
}

func TestMap_texts(t *testing.T) {
	for _, f := range []field{
		{traits(`"userName":"un"`), "username", `"un"`, ""},
		{traits(`"userName":7`), "username", `"7"`, ""},
		{traits(`"userName":7.0`), "username", `"7"`, ""},
		{traits(`"userName":7.5`), "username", `null`, "username from traits.userName"},
		{traits(`"username":"go"`), "username", `"go"`, ""},
		{`"traits":{"username":"second"},"context":{"traits":{"userName":"first"}}`, "username", `"first"`, ""},
		{traits(`"userName":["un"]`), "username", `null`, "username from traits.userName"},
		{traits(`"userName":"` + strings.Repeat("é", 257) + `"`), "username", `null`, "longer than 256"},
		{traits(`"userName":"` + strings.Repeat("é", 256) + `"`), "username", `"` + strings.Repeat("é", 256) + `"`, ""},
		{traits(`"avatar":"https://example.test/a b/é.png"`), "avatarUrl", `"https://example.test/a%20b/%C3%A9.png"`, ""},
		{traits(`"avatar":"a.png"`), "avatarUrl", `null`, "avatarUrl"},
		{traits(`"gender":"Female"`), "gender", `"f"`, ""},
		{traits(`"gender":"M"`), "gender", `"m"`, ""},
		{traits(`"gender":"diverse"`), "gender", `null`, "gender"},
		{traits(`"gender":false`), "gender", `null`, "gender"},
		{`"traits":{"locale":"en"},"context":{"locale":"fr-FR"}`, "locale", `"fr-FR"`, ""},
		{`"context":{"traits":{"locale":"en"}}`, "locale", `"en"`, ""},
		{traits(`"locale":"a locale of many words"`), "locale", `null`, "locale"},
		{traits(`"defaultLanguage":"fr_fr"`), "defaultLang", `"fr_fr"`, ""},
		{traits(`"rev":4`), "rev", `4`, ""},
		{traits(`"rev":"4"`), "rev", `4`, ""},
		{traits(`"rev":"four"`), "rev", `null`, "rev"},
		{traits(`"company.name":"dotted"`), "company", `null`, ""},
		{traits(`"unknown":"x"`), "unknown", `null`, ""},
	} {
		f.check(t)
	}
}

func TestMap_dateFieldsAndTheirTraits(t *testing.T) {
	const day, want = `"2020-01-02"`, `"2020-01-02T00:00:00.000Z"`
	for trait, name := range map[string]string{
		"createdAt": "signedUpAt", "lastActivityAt": "lastActivityAt", "lastCustomerActivityAt": "lastCustomerActivityAt",
		"lastSeenAt": "lastSeenAt", "importedAt": "importedAt", "birthday": "birthdayAt", "dob": "birthdayAt",
	} {
		field{traits(`"` + trait + `":` + day), name, want, ""}.check(t)
	}
	field{`"traits":{"birthday":"1990-01-01"},"context":{"traits":{"dob":` + day + `}}`, "birthdayAt", want, ""}.check(t)
}

func TestMap_emailsAndPhones(t *testing.T) {
	for _, f := range []field{
		{traits(`"email":"a@example.test"`), "emails", `[{"type":"home","email":"a@example.test"}]`, ""},
		{traits(`"email":"nobody"`), "emails", `null`, "emails from traits.email: left out"},
		{traits(`"email":7`), "emails", `null`, "emails from traits.email"},
		{traits(`"email":"a@example.test","emails":[]`), "emails", `[{"type":"home","email":"a@example.test"}]`, ""},
		{`"traits":{"emails":[]},"context":{"traits":{"emails":["b@example.test"]}}`, "emails", `[{"type":"home","email":"b@example.test"}]`, ""},
		{traits(`"emails":"b@example.test"`), "emails", `[{"type":"home","email":"b@example.test"}]`, ""},
		{traits(`"emails":{"email":"b@example.test"}`), "emails", `[{"email":"b@example.test"}]`, ""},
		{
			traits(`"emails":[{"note":"x","verified":true,"email":"b@example.test","type":"WORK"}]`), "emails",
			`[{"type":"work","email":"b@example.test","verified":true}]`, "emails from traits.emails[0]: members",
		},
		{traits(`"emails":[{"email":"b@example.test","type":"private","verified":"yes"}]`), "emails", `[{"email":"b@example.test"}]`, "emails[0].type"},
		{traits(`"emails":[null,{"type":"work"},"c@example.test","c@example.test"]`), "emails", `[{"type":"home","email":"c@example.test"}]`, "emails[1]: left out"},
		{traits(`"email":"a@example.test","emails":["none"]`), "emails", `[{"type":"home","email":"a@example.test"}]`, "emails[0]"},
		{traits(`"phone":"+15550100"`), "phones", `[{"type":"home","phone":"+15550100"}]`, ""},
		{traits(`"phone":15550100`), "phones", `[{"type":"home","phone":"15550100"}]`, ""},
		{traits(`"phone":0`), "phones", `null`, "phones from traits.phone"},
		{`"properties":{"phone":"1"}`, "phones", `[{"type":"home","phone":"1"}]`, ""},
		{traits(`"phones":[{"type":"fax","phone":"1"},{"type":"pager","phone":"2"}]`), "phones", `[{"type":"fax","phone":"1"},{"phone":"2"}]`, "phones[1].type"},
		{traits(`"whatsapps":[{"phone":"1"},{"type":"mobile","phone":"2"},"3"]`), "whatsapps", `[{"phone":"1"},{"type":"mobile","phone":"2"},{"phone":"3"}]`, ""},
	} {
		f.check(t)
	}
}

func TestMap_twoSpellingsOfOneValueTakeOnePlaceOfALongList(t *testing.T) {
	emails := []string{`"a0@example.test"`, `"A0@Example.test"`}
	for i := 1; i < 10; i++ {
		emails = append(emails, `"a`+strconv.Itoa(i)+`@example.test"`)
	}
	step, warnings := oneStep[kustomer.Upsert](t, kustomer.Config{},
		`{"type":"identify","userId":"u1","traits":{"emails":[`+strings.Join(emails, ",")+`]}}`)
	sent := step.Customer.Get("emails")
	if sent.Len() != 10 || sent.At(9).Get("email").Str() != "a9@example.test" {
		t.Errorf("sent %s, want all ten addresses", sent.JSON())
	}
	if len(warnings) > 0 {
		t.Errorf("warnings %q, want none", warnings)
	}
}

func TestMap_listsAreCutAtWhatKustomerTakes(t *testing.T) {
	var emails, tags []string
	for i := range 21 {
		emails = append(emails, `"a`+strconv.Itoa(i)+`@example.test"`)
		tags = append(tags, `"t`+strconv.Itoa(i)+`"`)
	}
	step, warnings := oneStep[kustomer.Upsert](t, kustomer.Config{},
		`{"type":"identify","userId":"u1","traits":{"emails":[`+strings.Join(emails, ",")+`],"tags":[`+strings.Join(tags, ",")+`]}}`)
	if n, m := step.Customer.Get("emails").Len(), step.Customer.Get("tags").Len(); n != 10 || m != 20 {
		t.Errorf("%d e-mails and %d tags sent, want 10 and 20", n, m)
	}
	wantWarning(t, warnings, "only the first 10")
	wantWarning(t, warnings, "only the first 20")
}

func TestMap_tags(t *testing.T) {
	for _, f := range []field{
		{traits(`"tags":"vip"`), "tags", `["vip"]`, ""},
		{traits(`"tags":[" vip ","vip",7,"a b/<c>-_.d","É"]`), "tags", `["vip","7","a b/<c>-_.d","É"]`, ""},
		{traits(`"tags":["ok","R&D"]`), "tags", `["ok"]`, "tags[1]"},
		{traits(`"tags":["` + strings.Repeat("a", 65) + `",true,""]`), "tags", `null`, "tags[0]"},
		{traits(`"tags":[]`), "tags", `null`, ""},
		{traits(`"tags":null`), "tags", `null`, ""},
	} {
		f.check(t)
	}
}

func TestMap_entriesOfOtherLists(t *testing.T) {
	for _, f := range []field{
		{
			traits(`"socials":[{"type":"Twitter","username":"un","userid":7,"url":"x","verified":false,"followers":3}]`), "socials",
			`[{"type":"twitter","username":"un","userid":"7","verified":false}]`, "socials[0].url",
		},
		{traits(`"socials":[{"type":"myspace","username":"un"},{"type":"facebook"},{"type":"facebook","username":""}]`), "socials", `null`, "no usable type"},
		{traits(`"socials":"un"`), "socials", `null`, "socials from traits.socials"},
		{traits(`"facebookIds":[{"pageId":"p","userId":5},{"pageId":"p"}]`), "facebookIds", `[{"pageId":"p","userId":"5"}]`, "no usable userId"},
		{traits(`"facebookIds":[{"pageId":7.0,"userId":1e2,"name":" A\nB "},{"pageId":1,"userId":0.5}]`), "facebookIds", `[{"pageId":"7","userId":"100","name":"A B"}]`, "no usable userId"},
		{traits(`"instagramIds":[{"pageId":"p","threadId":"t","username":"i","instagramId":null}]`), "instagramIds", `[{"pageId":"p","threadId":"t","username":"i"}]`, ""},
		{traits(`"sentiment":{"polarity":1,"confidence":0.5,"x":1}`), "sentiment", `{"polarity":1,"confidence":0.5}`, "sentiment"},
		{traits(`"sentiment":{"polarity":-1.0,"confidence":0.50}`), "sentiment", `{"polarity":-1,"confidence":0.50}`, ""},
		{traits(`"sentiment":{"polarity":"1e0","confidence":1}`), "sentiment", `{"polarity":1,"confidence":1}`, ""},
		{traits(`"sentiment":{"polarity":0.5,"confidence":0.5}`), "sentiment", `null`, "polarity"},
		{traits(`"sentiment":{"polarity":1,"confidence":1.5}`), "sentiment", `null`, "confidence"},
		{traits(`"sentiment":{"polarity":1}`), "sentiment", `null`, "no usable confidence"},
		{traits(`"sentiment":"good"`), "sentiment", `null`, "sentiment"},
	} {
		f.check(t)
	}
}

func TestMap_customAttributes(t *testing.T) {
	for _, f := range []field{
		{
			traits(`"customObject":{"planStr":"gold","seatsNum":3,"vipBool":"TRUE","sinceAt":"2020-01-02","homeUrl":"https://x.test","noteTxt":null,"ownerId":"5f","kindTree":"a.b"}`), "custom",
			`{"planStr":"gold","seatsNum":3,"vipBool":true,"sinceAt":"2020-01-02T00:00:00.000Z","homeUrl":"https://x.test","noteTxt":null,"ownerId":"5f","kindTree":"a.b"}`, "",
		},
		{traits(`"customObject":{"seatsNum":"3.50","codeStr":7,"onStr":true}`), "custom", `{"seatsNum":3.50,"codeStr":"7","onStr":"true"}`, ""},
		{traits(`"customObject":{"plan":"gold","Str":"x","okStr":"y"}`), "custom", `{"okStr":"y"}`, "customObject.plan"},
		{traits(`"customObject":{"vipbool":true,"okSTR":"x","okStr":"y"}`), "custom", `{"okStr":"y"}`, "customObject.vipbool"},
		{traits(`"customObject":{"longTxt":"` + strings.Repeat("a", 1025) + `"}`), "custom", `{"longTxt":"` + strings.Repeat("a", 1024) + `"}`, "cut at 1024"},
		{traits(`"customObject":{"ownerId":"","petId":" ","okStr":""}`), "custom", `{"okStr":""}`, "customObject.ownerId"},
		{traits(`"customObject":{"plan":null,"okStr":"y"}`), "custom", `{"okStr":"y"}`, "customObject.plan"},
		{traits(`"customObject":{"seatsNum":"many"}`), "custom", `null`, "customObject.seatsNum"},
		{traits(`"customObject":{}`), "custom", `{}`, ""},
		{traits(`"customObject":"x"`), "custom", `null`, "custom from"},
		{traits(`"custom":{"planStr":"gold"}`), "custom", `null`, ""},
	} {
		f.check(t)
	}
}

func TestMap_customAttributesOverHundred(t *testing.T) {
	var members []string
	for i := range 105 {
		members = append(members, `"k`+strconv.Itoa(i)+`Num":1`)
	}
	step, warnings := oneStep[kustomer.Upsert](t, kustomer.Config{},
		`{"type":"identify","userId":"u1","traits":{"customObject":{`+strings.Join(members, ",")+`}}}`)
	if n := step.Customer.Get("custom").Len(); n != 100 {
		t.Errorf("%d attributes sent, want 100", n)
	}
	wantWarning(t, warnings, "only the first 100")
}

func TestMap_warningsAreBounded(t *testing.T) {
	bad := strings.TrimSuffix(strings.Repeat(`"!",`, 1000), ",")
	name := strings.Repeat("k", 5000)
	_, warnings := oneStep[kustomer.Upsert](t, kustomer.Config{},
		`{"type":"identify","userId":"u1","traits":{"customObject":{"`+name+`":1},"tags":[`+bad+`]}}`)
	if len(warnings) != 51 || warnings[50] != "and 951 more warnings" {
		t.Errorf("%d warnings, the last is %q", len(warnings), warnings[len(warnings)-1])
	}
	for _, w := range warnings {
		if len(w) > 200 {
			t.Errorf("a warning of %d bytes", len(w))
		}
	}
}
