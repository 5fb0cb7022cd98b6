package kustomer

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/deskstream/deskstream/internal/stub"
)

const companyKind = "company"

// objectKind is the kind of the objects of a klass.
func objectKind(klass string) string { return "kobject." + klass }

var (
	// companyMembers are those of a company. An update needs no name.
	companyMembers = map[string]rule{
		"name": text(3, 255), "externalId": text(1, 256), "custom": custom, "tags": tags,
		"emails": unique(10, emailEntry), "phones": unique(10, phoneEntry), "urls": unique(10, urlEntry), "locations": unique(10, location),
		"socials": unique(10, socialEntry), "employeeCount": number, "rev": number, "importedAt": dateTime, "createdAt": dateTime,
		"domains": unique(10, object(map[string]rule{"domain": text(1, 255)}, "domain")),
	}
	companyBody   = object(companyMembers, "name")
	companyUpdate = object(companyMembers)

	objectMembers = map[string]rule{
		"title": text(1, 256), "company": text(1, 256), "externalId": text(1, 256),
		"description": text(0, 10240), "images": unique(20, uri), "icon": text(0, 64), "custom": custom, "tags": tags,
		"createdAt": dateTime, "importedAt": dateTime, "rev": number,
	}
	objectBody   = object(with(objectMembers, map[string]rule{"customer": text(1, 256), "data": freeForm}), "title")
	objectUpdate = object(with(objectMembers, map[string]rule{"data": freeForm}))
)

// freeForm is any object.
func freeForm(v any) error {
	if _, ok := v.(map[string]any); !ok {
		return broken("should be object")
	}
	return nil
}

// listCompanies lists the companies of an externalId, or those whose name has the text of filter:
// what the filter does is not said.
func (k *kustomer) listCompanies(r stub.Request) stub.Answer {
	external, filter := r.Query.Get("externalId"), strings.ToLower(r.Query.Get("filter"))
	var list []map[string]any
	for _, c := range k.records.list(func(c record) bool {
		name, _ := c.attributes["name"].(string)
		return c.kind == companyKind && (external == "" || c.external == external) && strings.Contains(strings.ToLower(name), filter)
	}) {
		list = append(list, c.data())
	}
	return paged(r, "/v1/companies", maxPage, list)
}

// createCompany makes a company. That its externalId is unique is not said.
func (k *kustomer) createCompany(r stub.Request) stub.Answer {
	body, err := checked(r, companyBody)
	if err != nil {
		return customerError(err)
	}
	made, err := k.records.add(newRecord(companyKind, r, body), false)
	if err != nil {
		return k.refusedWrite(err)
	}
	return made.answer(http.StatusCreated)
}

func (k *kustomer) updateCompany(r stub.Request) stub.Answer {
	body, err := checked(r, companyUpdate)
	if err != nil {
		return customerError(err)
	}
	c, err := k.records.update(companyKind, r, body)
	if err != nil {
		return k.refusedWrite(err)
	}
	return c.answer(http.StatusOK)
}

func shown(r record, ok bool) stub.Answer {
	if !ok {
		return notFound("id")
	}
	return r.answer(http.StatusOK)
}

// createObject makes an object of the klass that the path names last, of the customer before it or
// of the one that the body names.
func (k *kustomer) createObject(r stub.Request) stub.Answer {
	body, err := checked(r, objectBody)
	if err != nil {
		return customerError(err)
	}
	name := r.Params[len(r.Params)-1]
	if !known(name) {
		return notFound("name")
	}
	made := newRecord(objectKind(name), r, body)
	if len(r.Params) > 1 {
		made.customer = r.Params[0]
	}
	made.customer = cmp.Or(made.customer, stub.ScalarText(body["customer"]))
	if _, ok := k.customers.get(made.customer); !ok && made.customer != "" {
		return notFound("id")
	}
	if made, err = k.records.add(made, true); err != nil {
		return k.refusedWrite(err)
	}
	return made.answer(http.StatusCreated)
}

func (k *kustomer) lookUpObject(r stub.Request) stub.Answer {
	return shown(k.records.lookUp(objectKind(r.Params[0]), r.Params[1]))
}

func (k *kustomer) showObject(r stub.Request) stub.Answer {
	return shown(k.records.get(objectKind(r.Params[0]), r.Params[1]))
}

// updateObject changes the members that the body names. There is no upsert.
func (k *kustomer) updateObject(r stub.Request) stub.Answer {
	body, err := checked(r, objectUpdate)
	if err != nil {
		return customerError(err)
	}
	made, err := k.records.update(objectKind(r.Params[0]), r, body)
	if err != nil {
		return k.refusedWrite(err)
	}
	return made.answer(http.StatusOK)
}

func (k *kustomer) deleteObject(r stub.Request) stub.Answer {
	if !k.records.remove(objectKind(r.Params[0]), r.Params[1]) {
		return notFound("id")
	}
	return stub.Answer{Status: http.StatusNoContent}
}

// listObjects lists those of a customer and a klass.
func (k *kustomer) listObjects(r stub.Request) stub.Answer {
	var list []map[string]any
	for _, o := range k.records.list(func(o record) bool { return o.kind == objectKind(r.Params[1]) && o.customer == r.Params[0] }) {
		list = append(list, o.data())
	}
	return paged(r, "/v1/customers/"+r.Params[0]+"/klasses/"+r.Params[1], maxPage, list)
}

// deleteCustomer deletes a customer.
func (k *kustomer) deleteCustomer(r stub.Request) stub.Answer {
	if !k.customers.remove(r.Params[0]) {
		return notFound("id")
	}
	return stub.Answer{Status: http.StatusNoContent}
}
