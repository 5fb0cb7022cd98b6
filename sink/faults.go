package sink

import (
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// Fault says who has to act about a death, and so whom an alert is for.
type Fault string

// The faults.
const (
	FaultEvent  Fault = "event"  // what sends the event, or the person whom it is about
	FaultConfig Fault = "config" // the configuration, or the account and its rights
	FaultDesk   Fault = "desk"   // the help desk, or the way to it
	FaultUs     Fault = "us"     // this program
)

// Faults are all faults.
func Faults() []Fault { return []Fault{FaultEvent, FaultConfig, FaultDesk, FaultUs} }

// CodeInfo is what is known of a code of death.
type CodeInfo struct {
	Code mapping.Code
	// Classes are those with which an event dies of it.
	Classes []Class
	Fault   Fault
	// Cause is what has happened. Hint is what a person can do about the letters, "" where their
	// class says all.
	Cause, Hint string
}

// IsExact reports whether the row is of one code, and not of all other statuses of a kind.
func (i *CodeInfo) IsExact() bool { return i.Code != anyClientError && i.Code != anyServerError }

// The codes that stand for all other statuses of an answer.
const (
	anyClientError = "http_4NN"
	anyServerError = "http_5NN"
)

// statusPrefix begins the code of an answer's status.
const statusPrefix = "http_"

// CodeInfos is the table of all codes, with the statuses of which more is known than of others.
// docs/codes.md shows it.
func CodeInfos() []CodeInfo { return slices.Clone(codeInfos) }

// InfoOfCode is the row of a code in CodeInfos. Of a code that has none it is that of http_4NN or
// http_5NN, or the zero CodeInfo for one that is no code.
func InfoOfCode(code mapping.Code) CodeInfo {
	if info, ok := infoByCode[code]; ok {
		return info
	}
	if !IsCode(code) {
		return CodeInfo{}
	}
	if status := strings.TrimPrefix(string(code), statusPrefix); status[0] >= '5' || status[0] < '4' {
		return infoByCode[anyServerError]
	}
	return infoByCode[anyClientError]
}

var infoByCode = func() map[mapping.Code]CodeInfo {
	byCode := make(map[mapping.Code]CodeInfo, len(codeInfos))
	for _, info := range codeInfos {
		byCode[info.Code] = info
	}
	return byCode
}()

var (
	invalid   = []Class{Invalid}
	rejected  = []Class{Rejected}
	exhausted = []Class{Exhausted}
	passes    = []Class{Exhausted, Unknown}
)

const noEvent = "the record is no event: find out what writes it to the source topic, then dlq discard these"

//nolint:gochecknoglobals // a table
var codeInfos = []CodeInfo{
	{mapping.NotJSON, invalid, FaultEvent, "the record's value is neither JSON nor Avro, or is empty", noEvent},
	{mapping.NotAnObject, invalid, FaultEvent, "the value is JSON, but no object; or source.unwrap finds no event in it", noEvent},
	{mapping.TooDeep, invalid, FaultEvent, "objects or lists are nested more than 1,000 levels deep", "fix what sends the event, then dlq discard these"},
	{mapping.BadAvro, invalid, FaultEvent, "the value does not fit its Avro schema", "the record does not fit its schema: fix what writes it, then dlq discard these"},
	{mapping.UnknownSchema, invalid, FaultConfig, "no address of the schema registry knows the record's schema id, or there is no registry to ask", "the record's schema was not found, and the error says why: register it, fix schema_registry, set source.schema_file or what the error names, then dlq plan"},
	{mapping.MissingType, invalid, FaultEvent, "the object has no type", noEvent},
	{mapping.WrongType, invalid, FaultEvent, "a field that decides about the event (type, event, an id, a member of a call) has another JSON type than it needs", "fix what sends the event, then dlq discard these"},
	{mapping.MissingEvent, invalid, FaultEvent, "a track event has no name in the field event", "the track event has no name in the field event: fix what sends it (or source.fields), then dlq plan"},
	{mapping.MissingIdentifier, invalid, FaultEvent, "the event has nothing by which the help desk finds the customer", "the event has nothing to find the customer by: Trengo needs an e-mail address or a phone number, as channel_identifier says, Kustomer a userId, anonymousId or kustomerId. Fix what sends it (or source.fields), then dlq plan"},
	{mapping.MissingIdentity, invalid, FaultEvent, "a tracking event has no identity for Kustomer", "the event has no identity: it has no userId or anonymousId, and no e-mail address that is sent (set_identity_email). Fix what sends it (or source.fields), then dlq plan"},
	{mapping.MissingChannel, invalid, FaultConfig, "neither the event nor the configuration names a channel", "no channel is configured: set channel_id, then dlq plan"},
	{mapping.InvalidID, invalid, FaultEvent, "an id cannot be used in a URL, or is no whole number", "an id in the event may not stand in a URL, or is no whole number: fix what sends it, then dlq discard these"},
	{mapping.InvalidEventName, invalid, FaultEvent, "no character of the event's name is one that Kustomer takes", "no character of the event's name is left that Kustomer takes: rename the event where it is sent, then dlq discard these"},
	{mapping.TemplateError, invalid, FaultConfig, "a template of the configuration fails for this event", "the subject template fails for this event: fix event_templates, then dlq plan"},
	{mapping.InvalidPath, invalid, FaultEvent, "a call over Kafka has a path that could leave the API's base URL", "fix what sends the call: its path needs plain segments below base_url; then dlq discard these"},
	{mapping.NotAllowed, invalid, FaultEvent, "a call over Kafka is not on the destination's allow list", "add the call to calls.allow if it is to be made, then dlq plan; else dlq discard these"},
	{ContactNotFound, invalid, FaultEvent, "the help desk has no contact of the event's address", "the contact does not exist: let it be created (create_contact, or an identify event), then dlq plan"},
	{AmbiguousContact, invalid, FaultDesk, "several contacts of the help desk have the event's address", "several contacts have the address: merge them at the help desk, then dlq plan"},
	{UnknownName, invalid, FaultConfig, "a rule with on_missing: dead names what the help desk does not have", "the help desk has no team, user, label, field, result or channel of a name that a rule has: the message says which; make it there or fix the rule, then dlq plan"},
	{WindowClosed, rejected, FaultDesk, "WhatsApp takes no free text more than 24 hours after the contact's last message", "WhatsApp takes no free text later than 24 hours after the contact's last message: wait until the contact writes, then dlq plan, or answer there and dlq discard these"},
	{BadAnswer, passes, FaultDesk, "the API answered 2xx with a body that is not what it documents", ""},
	{Timeout, passes, FaultDesk, "the API did not answer within delivery.timeout", ""},
	{Connection, passes, FaultDesk, "the connection to the API failed", ""},
	{TLS, exhausted, FaultConfig, "the API's certificate was not accepted, or TLS could not be agreed on", "trust the API's certificate on this machine (SSL_CERT_FILE), or fix base_url, then dlq plan"},
	{Redirect, passes, FaultConfig, "the API answered a write, or a lookup to another host, with a redirect", "check base_url, then dlq plan"},
	{TooOld, []Class{Expired}, FaultEvent, "the record was older than delivery.max_age when its turn came", ""},
	{Panic, []Class{Invalid, Unknown}, FaultUs, "a fault of this program", "a fault of this program: report it with the log's stack, and plan again after the next version"},
	{"http_400", rejected, FaultEvent, "the API refused the request", "the help desk refused a field: the message names it; fix what sends it or the settings, then dlq plan"},
	{"http_401", rejected, FaultConfig, "the API refused the credential; during live delivery this is a hold", "the credential is refused: renew it, then dlq plan"},
	{"http_403", rejected, FaultConfig, "the credential lacks a right that calls of other events did not need", "the credential lacks a right that similar calls do not need: grant it, then dlq plan"},
	{"http_404", rejected, FaultConfig, "what a write names does not exist at the help desk", "what the call names does not exist at the help desk: fix the settings or the account, then dlq plan"},
	{"http_409", rejected, FaultDesk, "the API refused the write because of what it has already", "another customer has one of the addresses or ids: merge the two at the help desk, then dlq plan"},
	{"http_413", rejected, FaultEvent, "the request is larger than the API takes", "the request is larger than the help desk takes: shorten the event, or dlq discard these"},
	{"http_422", rejected, FaultEvent, "the API refused a field of the request", "the help desk refused a field: the message names it; fix what sends it or the settings, then dlq plan"},
	{anyClientError, []Class{Rejected, Exhausted, Unknown}, FaultEvent, "the API refused the request with this status", ""},
	{anyServerError, passes, FaultDesk, "the API answered with this status, while calls of other events succeeded", ""},
}
