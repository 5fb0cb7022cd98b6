package letters

import (
	"strings"

	"github.com/deskstream/deskstream/mapping/avro"
	"github.com/deskstream/deskstream/sink"
)

// Advice is what a person can do about letters of one cause.
func Advice(l *Letter) string {
	switch {
	case l.Dialect == Unknown:
		return "no dead-letter header is known here: look at the record with dlq show, and for what writes to this topic"
	case l.Fault != "":
		return "its headers cannot be used (" + l.Fault + "): look at the record with dlq show"
	case l.Pointer && !l.Source.Known:
		return adviceNowhere(l.Dialect)
	case l.Pointer:
		return advicePointer(l.Dialect)
	case l.Dialect != Own:
		return "fix what that consumer failed at, or send it to one of your destinations: dlq plan --to NAME"
	}
	if strings.HasPrefix(l.Message, avro.Unusable) {
		return "the record is sound: deskstream cannot use its schema or encoding, and the error says why. Change that for what comes, set source.schema_file or report it, then dlq plan"
	}
	if text, ok := adviceOfCode[l.Code]; ok {
		return text
	}
	switch sink.Class(l.Class) {
	case sink.Invalid:
		return "the event cannot be mapped with these settings: fix the settings or what sends it, then dlq plan; dlq discard what stays broken"
	case sink.Rejected:
		return "the API refused it permanently: fix the account or the settings, then dlq plan; dlq discard what stays refused"
	case sink.Exhausted:
		return "it kept failing while others passed: dlq plan and dlq apply send it again"
	case sink.Expired:
		return "older than delivery.max_age: raise it and plan, or dlq discard"
	case sink.Unknown:
		return "it was sent and got no usable response: check at the help desk whether it took effect, then dlq apply or dlq discard"
	default:
		return "look at a sample with dlq show"
	}
}

// advicePointer is for letters that only name their record.
func advicePointer(d Dialect) string {
	const fetched = "the letter only names the record: dlq plan --to NAME fetches it while its topic still has it"
	if d == KIP1191 {
		return fetched + "; brokers copy records with errors.deadletterqueue.copy.record.enable"
	}
	return fetched
}

// adviceNowhere is for letters without a record that name none: those of a punctuator of
// Kafka Streams, and of what it forwarded.
func adviceNowhere(d Dialect) string {
	if d == Streams {
		return "the letter has no record and names none, as when a punctuator of Kafka Streams failed: nothing can be sent again. Fix the application, then dlq discard these"
	}
	return "the letter has no record and names none: nothing can be sent again. dlq discard these"
}

// adviceOfCode is for codes that say more than their class.
var adviceOfCode = map[string]string{
	"contact_not_found":  "the contact does not exist: let it be created (create_contact, or an identify event), then dlq plan",
	"ambiguous_contact":  "several contacts have the address: merge them at the help desk, then dlq plan",
	"unknown_name":       "the help desk has no team, user, label, field, result or channel of a name that a rule has: the message says which; make it there or fix the rule, then dlq plan",
	"window_closed":      "WhatsApp takes no free text later than 24 hours after the contact's last message: wait until the contact writes, then dlq plan, or answer there and dlq discard these",
	"missing_channel":    "no channel is configured: set channel_id, then dlq plan",
	"missing_identifier": "the event has nothing to find the customer by: Trengo needs an e-mail address or a phone number, as channel_identifier says, Kustomer a userId, anonymousId or kustomerId. Fix what sends it (or source.fields), then dlq plan",
	"missing_identity":   "the event has no identity: it has no userId or anonymousId, and no e-mail address that is sent (set_identity_email). Fix what sends it (or source.fields), then dlq plan",
	"missing_event":      "the track event has no name in the field event: fix what sends it (or source.fields), then dlq plan",
	"invalid_event_name": "no character of the event's name is left that Kustomer takes: rename the event where it is sent, then dlq discard these",
	"invalid_id":         "an id in the event may not stand in a URL, or is no whole number: fix what sends it, then dlq discard these",
	"missing_type":       "the record is no event: find out what writes it to the source topic, then dlq discard these",
	"not_json":           "the record is no event: find out what writes it to the source topic, then dlq discard these",
	"not_an_object":      "the record is no event: find out what writes it to the source topic, then dlq discard these",
	"unknown_schema":     "the record's schema was not found, and the error says why: register it, fix schema_registry, set source.schema_file or what the error names, then dlq plan",
	"bad_avro":           "the record does not fit its schema: fix what writes it, then dlq discard these",
	"template_error":     "the subject template fails for this event: fix event_templates, then dlq plan",
	"http_400":           "the help desk refused a field: the message names it; fix what sends it or the settings, then dlq plan",
	"http_409":           "another customer has one of the addresses or ids: merge the two at the help desk, then dlq plan",
	"http_413":           "the request is larger than the help desk takes: shorten the event, or dlq discard these",
	"http_422":           "the help desk refused a field: the message names it; fix what sends it or the settings, then dlq plan",
	"http_401":           "the credential is refused: renew it, then dlq plan",
	"http_403":           "the credential lacks a right that similar calls do not need: grant it, then dlq plan",
	"http_404":           "what the call names does not exist at the help desk: fix the settings or the account, then dlq plan",
	"panic":              "a fault of this program: report it with the log's stack, and plan again after the next version",
}
