package kustomer_test

import (
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/kustomer"
)

func TestNextPage(t *testing.T) {
	for answer, want := range map[string]string{
		`{"data":[{}],"links":{"self":"/v1/teams","next":"/v1/teams?page=2&pageSize=100"}}`: "page=2&pageSize=100",
		`{"data":[{}],"links":{"next":"https://api.kustomerapp.com/v1/x?cursor=a%3D%3D"}}`:  "cursor=a%3D%3D",
		`{"data":[{}],"links":{"next":null}}`:                                               "",
		`{"data":[{}],"meta":{"page":1}}`:                                                   "",
		`{"data":{"id":"7"},"links":{"next":"?page=2"}}`:                                    "",
		`[]`: "", `"x"`: "",
		`{"data":[],"links":{"next":":%zz?page=2"}}`: "",
	} {
		v, err := mapping.ParseJSON([]byte(answer))
		if err != nil {
			t.Fatal(err)
		}
		if got := kustomer.NextPage(v); got != want {
			t.Errorf("after %s comes %q, want %q", answer, got, want)
		}
	}
}
