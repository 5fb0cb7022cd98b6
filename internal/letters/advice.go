package letters

import (
	"strings"

	"github.com/deskstream/deskstream/mapping"
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
	if hint := sink.InfoOfCode(mapping.Code(l.Code)).Hint; hint != "" {
		return hint
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
