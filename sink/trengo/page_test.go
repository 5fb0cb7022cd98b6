package trengo_test

import (
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/trengo"
)

func TestNextPage(t *testing.T) {
	for answer, want := range map[string]string{
		`{"data":[{}],"links":{"next":"https://app.trengo.com/api/v2/contacts?page=2","last":null},"meta":{"current_page":1}}`: "page=2",
		`{"data":[{}],"links":{"next":null},"meta":{"current_page":2}}`:                                                        "",
		`{"data":[{}],"links":{"next":null},"meta":{"current_page":2,"last_page":3}}`:                                          "page=3",
		`{"data":[{}],"meta":{"current_page":"1","last_page":"2"}}`:                                                            "page=2",
		`{"data":[{}],"meta":{"current_page":3,"last_page":3}}`:                                                                "",
		`{"data":[{}]}`: "",
		`{"id":7,"links":{"next":"https://app.trengo.com/api/v2/contacts?page=2"}}`: "",
		`[]`: "", `7`: "",
		`{"data":[],"links":{"next":":%zz?page=2"}}`: "",
	} {
		v, err := mapping.ParseJSON([]byte(answer))
		if err != nil {
			t.Fatal(err)
		}
		if got := trengo.NextPage(v); got != want {
			t.Errorf("after %s comes %q, want %q", answer, got, want)
		}
	}
}
