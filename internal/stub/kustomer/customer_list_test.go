package kustomer_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
)

func TestKustomer_customersAreListedByTheTimeOfTheirChange(t *testing.T) {
	d := serve(t, stub.Config{})
	desk := d.Server.Desk("kustomer")
	var made []string
	for i := range 5 {
		desk.SetQuirks(stub.Quirks{ClockOffset: time.Duration(i-10) * time.Hour})
		c := stubtest.Must(t, d.Call("POST", api+"/customers", fmt.Sprintf(`{"externalId":"u-%d"}`, i)), http.StatusCreated)
		made = append(made, fmt.Sprint(c["data"].(map[string]any)["id"]))
	}
	list := func(query string) (ids []string, next any) {
		page := stubtest.Must(t, d.Call("GET", api+"/customers?"+query, ""), http.StatusOK)
		for _, e := range page["data"].([]any) {
			ids = append(ids, fmt.Sprint(e.(map[string]any)["id"]))
		}
		return ids, page["links"].(map[string]any)["next"]
	}
	if ids, next := list("sort=updatedAt&pageSize=3"); !slices.Equal(ids, made[:3]) || next == nil {
		t.Errorf("the first page is %v, next %v", ids, next)
	}
	if ids, next := list("sort=updatedAt&pageSize=3&page=2"); !slices.Equal(ids, made[3:]) || next != nil {
		t.Errorf("the second page is %v, next %v", ids, next)
	}
	if ids, _ := list("sort=-createdAt&pageSize=1"); !slices.Equal(ids, made[4:]) {
		t.Errorf("the newest is %v", ids)
	}
	since := url.QueryEscape(time.Now().Add(-9*time.Hour - 30*time.Minute).UTC().Format(time.RFC3339))
	if ids, _ := list("filter[updatedAt][gte]=" + since + "&sort=updatedAt"); !slices.Equal(ids, made[1:]) {
		t.Errorf("changed since are %v, want %v", ids, made[1:])
	}
	stubtest.Must(t, d.Call("POST", api+"/customers/"+made[0]+"/conversations", `{"name":"x"}`), http.StatusCreated)
	if page := stubtest.Must(t, d.Call("GET", api+"/conversations?pageSize=100", ""), http.StatusOK); len(page["data"].([]any)) != 1 {
		t.Errorf("the conversations are %v", page)
	}
}
