package call_test

import (
	"regexp"
	"strings"
	"testing"
)

// The endpoints of both desks that the vendors' documents or several clients show. Several methods
// of a path are joined by a comma.
var endpoints = map[string]string{
	"trengo": `
GET /contacts
GET,PUT,DELETE /contacts/{id}
POST /channels/{channel_id}/contacts
POST /contacts/{id}/custom_fields
POST /contacts/{id}/notes
DELETE /contacts/{id}/notes/{note_id}
GET,POST /profiles
GET,PUT,DELETE /profiles/{id}
POST /profiles/{id}/contacts
DELETE /profiles/{id}/contacts/{contact_id}
POST /profiles/{id}/custom_fields
POST /profiles/{id}/notes
DELETE /profiles/{id}/notes/{note_id}
GET,POST /tickets
GET,DELETE /tickets/{id}
POST /tickets/{id}/assign
POST /tickets/{id}/close
POST /tickets/{id}/reopen
POST /tickets/{target}/merge
GET,POST /tickets/{id}/labels
DELETE /tickets/{id}/labels/{label_id}
POST,DELETE /tickets/{id}/spam
POST /tickets/{id}/favorited
DELETE /tickets/{id}/favorited/0
POST /tickets/{id}/custom_fields
GET,POST /tickets/{id}/messages
GET,DELETE /tickets/{id}/messages/{message_id}
GET /tickets/{id}/email_messages/{comment_id}
POST /tickets/{id}/messages/media
POST /upload/messages/multipart
POST /ticket_draft_attachments
GET /ticket_aggregates
GET,POST /ticket_results
GET,PUT,DELETE /ticket_results/{id}
POST /messages
POST /voice/logs
GET,POST /sms_messages
GET /wallet/balance
POST /wa_sessions
GET /wa_templates
POST /custom_channel_messages
POST /internal_chat/messages
GET /channels
GET,POST /labels
GET,PUT,DELETE /labels/{id}
GET,POST /teams
GET,PUT,DELETE /teams/{id}
GET,POST /users
GET,PUT,DELETE /users/{id}
GET,POST /custom_fields
GET,PUT,DELETE /custom_fields/{id}
GET,POST /contact_groups
GET,PUT,DELETE /contact_groups/{id}
GET,POST /quick_replies
PUT,DELETE /quick_replies/{id}
GET /reporting/metrics
GET /help_center
GET,POST /webhooks
GET,PUT,DELETE /webhooks/{id}`,
	"kustomer": `
GET,POST /v1/customers
GET,PUT,PATCH,DELETE /v1/customers/{id}
GET /v1/customers/email={email}
GET /v1/customers/externalId={externalId}
GET /v1/customers/phone={phone}
POST /v1/customers/search
POST /v1/customers/archive/search
POST /v1/customers/merges
GET /v1/customers/{id}/merges
GET /v1/customers/merges/{id}
POST,PUT,DELETE /v1/customers/bulk
GET /v1/bulk/{id}
GET /v1/bulk/{id}/batches
GET,PUT /v1/metadata/{resource}
POST /v1/tracking/identityEvent
POST /v1/tracking/identity
POST /v1/tracking/event
GET /v1/customers/{id}/sessions
GET /v1/customers/{cid}/sessions/{sid}/events
GET /v1/customers/{cid}/events/{id}
GET,POST /v1/conversations
POST,GET /v1/customers/{id}/conversations
GET,PATCH,PUT /v1/conversations/{id}
GET /v1/conversations/externalId={x}
POST,DELETE /v1/conversations/{id}/tags
GET,POST /v1/conversations/{id}/notes
POST /v1/notes
GET,PUT,PATCH,DELETE /v1/notes/{id}
POST /v1/messages
POST /v1/customers/{id}/messages
POST /v1/conversations/{id}/messages
GET /v1/messages/externalid={x}
POST /v1/customers/{id}/drafts
POST,PUT /v1/conversations/bulk
POST,PUT /v1/messages/bulk
POST,PUT /v1/notes/bulk
POST,PUT /v1/companies/bulk
POST,PUT,DELETE /v1/klasses/{name}/bulk
GET,POST /v1/klasses
POST /v1/klasses/{name}
POST,GET /v1/customers/{id}/klasses/{name}
GET /v1/klasses/{name}/externalId={x}
GET,PUT,DELETE /v1/klasses/{name}/{id}
GET,POST /v1/companies
PUT /v1/companies/{id}
GET /v1/tags
GET,POST /v1/teams
GET,PUT,DELETE /v1/teams/{id}
POST,DELETE /v1/teams/{id}/members
GET /v1/users
GET /v1/users/current
GET /v1/auth/tokens/current
GET /v1/routing/queues`,
}

var (
	placeholder = regexp.MustCompile(`\{[^}]*\}`)
	withOne     = regexp.MustCompile(`[^/]*\{[^}]*\}`)
)

// TestEndpoints_canBeReached shows that each endpoint of either desk can be called with an entry
// for it alone, and that no other endpoint's call is allowed by an entry without a wildcard.
func TestEndpoints_canBeReached(t *testing.T) {
	for desk, list := range endpoints {
		for line := range strings.Lines(strings.TrimSpace(list)) {
			methods, path, _ := strings.Cut(strings.TrimSpace(line), " ")
			for method := range strings.SplitSeq(methods, ",") {
				given := placeholder.ReplaceAllString(path, "a%2Bb%40c.test")
				want := placeholder.ReplaceAllString(path, "a%2Bb@c.test")
				entry := method + " " + withOne.ReplaceAllString(path, "*")
				got, err := read(t, record(method, given), "PATCH /none", entry)
				if err != nil || got.Entry != entry || got.Method != method || got.Path != want {
					t.Errorf("%s: %s %s is sent as %s %q by %q, %v", desk, method, given, got.Method, got.Path, got.Entry, err)
				}
				if _, err := read(t, record(method, given), "PATCH /none", entry+"/more"); err == nil {
					t.Errorf("%s: %s %s is allowed by an entry for what is below it", desk, method, given)
				}
				for _, base := range bases {
					inside(t, base, got.Path)
				}
			}
		}
	}
}
