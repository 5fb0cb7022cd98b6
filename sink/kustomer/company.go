package kustomer

import (
	"context"
	"errors"
	"net/url"
	"unicode/utf8"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

const (
	companyStepName = "company"
	companyID       = "company_id"
)

// The length of a company's name, in characters. Vendor: POST /v1/companies.
const (
	minCompany = 3
	maxCompany = 255
)

func companyKey(name string) string { return "company\x00" + name }

// company finds the company that the rule names, or makes it: one process makes one for a name.
// Its id is "" where the rule names none, and for a name that none can have.
func (w *work) company(ctx context.Context) (string, error) {
	name := w.asked.company
	if name == "" {
		return "", nil
	}
	planned := false
	id, _, err := w.ids.Find(ctx, w.do, companyKey(name), func(ctx context.Context) (string, error) {
		var found string
		var err error
		if !w.do.Begun(companyStepName) {
			found, err = w.findCompany(ctx, name)
		}
		if found != "" || err != nil && !isPlanned(err) {
			return found, err
		}
		if n := utf8.RuneCountInString(name); n < minCompany || n > maxCompany {
			return "", nil
		}
		made, err := w.once(ctx, making{
			step: companyStepName, id: companyID, call: sink.Call{Op: "POST /v1/companies", Path: "/v1/companies"},
			body: []mapping.Member{{Name: "name", Value: mapping.Str(name)}}, find: w.companyOf,
		})
		planned = made.Reply.Planned
		return made.IDs[companyID], err
	})
	switch {
	case err != nil:
		return "", err
	case planned:
		return "<id of the company>", nil
	case id == "":
		err = w.lacks(directory{what: "company"}, name, "it was left out, since Kustomer takes names of 3 to 255 characters")
		if err == nil {
			w.do.Skip(companyStepName, nil)
		}
		return "", err
	}
	w.receipt.IDs[companyID] = id
	return id, nil
}

// forgetCompany forgets the id of the company that a refused write named: it may be gone.
func (w *work) forgetCompany(err error) {
	if f, refused := errors.AsType[*sink.Failure](err); refused && f.Class == sink.Rejected && w.asked.company != "" {
		w.ids.Drop(companyKey(w.asked.company))
	}
}

// findCompany returns the id of the company of a name: of several the oldest. What the filter of
// the list finds besides is not said.
func (w *work) findCompany(ctx context.Context, name string) (string, error) {
	found := ""
	_, err := w.pages(ctx, companiesCall(url.Values{"filter": {name}}), maxCompanyPages, func(c mapping.Value) {
		id := pathID(c.Get("id"))
		if mapping.OneLine(c.Get("attributes", "name").Str()) == name && (found == "" || id < found) {
			found = id
		}
	})
	return found, err
}

// maxCompanyPages bounds a search for a company.
const maxCompanyPages = 4

// companyOf looks for the company that we made, by its externalId.
func (w *work) companyOf(ctx context.Context, external, _ string) (sink.Sighting, error) {
	found := ""
	call := companiesCall(url.Values{"externalId": {external}})
	call.Patient = true
	_, err := w.pages(ctx, call, maxCompanyPages, func(c mapping.Value) {
		if id := pathID(c.Get("id")); c.Get("attributes", "externalId").Str() == external && (found == "" || id < found) {
			found = id
		}
	})
	if err != nil || found == "" {
		return sink.Sighting{}, err
	}
	return sink.Sighting{IDs: map[string]string{companyID: found}}, nil
}

func companiesCall(query url.Values) sink.Call {
	return sink.Call{Op: "GET /v1/companies", Path: "/v1/companies", Query: query.Encode()}
}
