package trengo

import (
	"context"
	"errors"
	"strconv"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

// hooks are Trengo's registrations: one event and one secret each. Whether one is switched off is
// not shown, and whether it sends again what got no 2xx is not known.
var hooks = desk.Hooks{Events: 1, List: hookPages.Read, Save: saveHook}

// errHooks is an answer without what is documented.
var errHooks = errors.New("reading the webhooks of Trengo: the answer is no list of webhooks")

// hookPages are the pages of the list.
var hookPages = desk.HookPages{
	Desk: "Trengo", NoList: errHooks, Entry: hookOf,
	Path: func(page int) string { return "/webhooks?page=" + strconv.Itoa(page) },
	IsLast: func(answer mapping.Value, page int) bool {
		last := unified.Count(answer.Get("meta"), "last_page")
		return !answer.Get("links", "next").Exists() && (last == nil || *last <= page)
	},
}

func saveHook(ctx context.Context, call desk.Caller, r desk.Registration) (desk.Registration, error) {
	body := mapping.Obj(
		mapping.Member{Name: "name", Value: mapping.Str(r.Name)}, mapping.Member{Name: "type", Value: mapping.Str(r.Events[0])},
		mapping.Member{Name: "url", Value: mapping.Str(r.URL)},
	)
	method, path := "POST", "/webhooks"
	if r.ID != "" {
		method, path = "PUT", path+"/"+r.ID
	}
	answer, err := call(ctx, method, path, body.AppendJSON(nil))
	if err != nil {
		return desk.Registration{}, err
	}
	v, err := mapping.ParseJSON(answer)
	if err != nil {
		return desk.Registration{}, errHooks
	}
	return hookOf(v)
}

func hookOf(v mapping.Value) (desk.Registration, error) {
	r := desk.Registration{
		ID: unified.Text(v, "id"), Name: unified.Text(v, "title", "name"), URL: unified.Text(v, "url"),
		Events: []string{unified.Text(v, "type")}, Secret: sink.NewSecret(unified.Text(v, "signing_secret")),
	}
	if !unified.IsPlainID(r.ID) {
		return r, errHooks
	}
	return r, nil
}
