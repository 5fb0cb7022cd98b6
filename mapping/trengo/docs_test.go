package trengo_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/deskstream/deskstream/mapping/trengo"
)

// addressRow is a row of the table of addresses in docs/trengo.md.
var addressRow = regexp.MustCompile("(?m)^\\| (email|phone) \\| `(.+?)`[^|`]*\\| (?:`(.+)`|nothing) \\|$")

func TestDocs_theTableOfAddressesIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/trengo.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := addressRow.FindAllStringSubmatch(string(page), -1)
	if len(rows) < 30 {
		t.Fatalf("%d rows found, too few: has the table another form?", len(rows))
	}
	for _, row := range rows {
		kind, value, want := row[1], row[2], row[3]
		mapper := newMapper(t, config(func(c *trengo.Config) { c.ChannelIdentifier = trengo.Identifier(kind) }))
		m, err := mapper.Map(decode(t, `{"type":"identify","traits":{"`+kind+`":`+value+`}}`))
		got := ""
		if err == nil {
			got = contactOf(m.Steps[0]).Identifier
		} else if r := resultOf(t, m, err); r.Code != "missing_identifier" {
			t.Errorf("%s: %v", value, err)
		}
		if got != want {
			t.Errorf("%s %s = %q, the page says %q", kind, value, got, want)
		}
	}
}
