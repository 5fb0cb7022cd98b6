package kustomer

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

// hooks are Kustomer's registrations (vendor documentation, outbound webhooks). It sends again for
// about an hour, and may then switch a registration off (vendor documentation, delivery and retries).
var hooks = desk.Hooks{Events: 12, Most: 5, Repeats: time.Hour, List: hookPages.Read, Save: saveHook}

// errHooks is an answer without what is documented.
var errHooks = errors.New("reading the webhooks of Kustomer: the answer is no list of webhooks")

// hookPages are the pages of the list.
var hookPages = desk.HookPages{
	Desk: "Kustomer", NoList: errHooks, Entry: hookOf,
	Path:   func(page int) string { return "/v1/outbound-webhooks?page=" + strconv.Itoa(page) + "&pageSize=100" },
	IsLast: func(answer mapping.Value, _ int) bool { return !answer.Get("links", "next").Exists() },
}

func saveHook(ctx context.Context, call desk.Caller, r desk.Registration) (desk.Registration, error) {
	members := []mapping.Member{
		{Name: "name", Value: mapping.Str(r.Name)}, {Name: "url", Value: mapping.Str(r.URL)}, {Name: "events", Value: texts(r.Events)},
	}
	if len(r.Headers) > 0 {
		var headers []mapping.Value
		for _, h := range r.Headers {
			headers = append(headers, mapping.Obj(
				mapping.Member{Name: "name", Value: mapping.Str(h.Name)}, mapping.Member{Name: "value", Value: mapping.Str(h.Value.Reveal())},
			))
		}
		members = append(members, mapping.Member{Name: "headers", Value: mapping.Arr(headers...)})
	}
	method, path := "POST", "/v1/outbound-webhooks"
	if r.ID != "" {
		method, path = "PUT", path+"/"+r.ID
		members = append(members, mapping.Member{Name: "enabled", Value: mapping.Boolean(true)})
	}
	answer, err := call(ctx, method, path, mapping.Obj(members...).AppendJSON(nil))
	if err != nil {
		return desk.Registration{}, err
	}
	v, err := mapping.ParseJSON(answer)
	if err != nil {
		return desk.Registration{}, errHooks
	}
	return hookOf(v.Get("data"))
}

func texts(list []string) mapping.Value {
	values := make([]mapping.Value, len(list))
	for i, text := range list {
		values[i] = mapping.Str(text)
	}
	return mapping.Arr(values...)
}

func hookOf(v mapping.Value) (desk.Registration, error) {
	a := v.Get("attributes")
	r := desk.Registration{
		ID: unified.Text(v, "id"), Name: unified.Text(a, "name"), URL: unified.Text(a, "url"), Secret: sink.NewSecret(unified.Text(a, "token")),
	}
	if enabled := unified.Flag(a, "enabled"); enabled != nil {
		r.Off = !*enabled
	}
	for _, e := range unified.Elements(a.Get("events")) {
		r.Events = append(r.Events, e.Str())
	}
	for _, h := range unified.Elements(a.Get("headers")) {
		r.Headers = append(r.Headers, desk.Header{Name: unified.Text(h, "name"), Value: sink.NewSecret(unified.Text(h, "value"))})
	}
	if !unified.IsPlainID(r.ID) {
		return r, errHooks
	}
	return r, nil
}
