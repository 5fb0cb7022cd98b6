package mapping

// Code is the stable name of a fault, as it is in outcomes and dead letters.
type Code string

// The codes that an event's own faults have. The sink adds those of calls.
const (
	NotJSON           Code = "not_json"
	NotAnObject       Code = "not_an_object"
	TooDeep           Code = "too_deep"
	BadAvro           Code = "bad_avro"
	UnknownSchema     Code = "unknown_schema"
	MissingType       Code = "missing_type"
	WrongType         Code = "wrong_type"
	MissingEvent      Code = "missing_event"
	MissingIdentifier Code = "missing_identifier"
	MissingIdentity   Code = "missing_identity"
	MissingChannel    Code = "missing_channel"
	InvalidID         Code = "invalid_id"
	InvalidEventName  Code = "invalid_event_name"
	TemplateError     Code = "template_error"
	InvalidPath       Code = "invalid_path" // of a call over Kafka
	NotAllowed        Code = "not_allowed"  // of a call over Kafka
)

// Error is a fault of the event itself: it can never be mapped, so it is never
// retried. Message is written for the person who reads the dead letter; it names
// the field and quotes no value of the event.
type Error struct {
	Code    Code
	Message string
}

// Error is the code and the message.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// FieldError is the Error for a field: the message is the field's name and what is
// wrong with it, as in "traits.email is a list, not text".
func FieldError(code Code, field, reason string) *Error {
	return &Error{Code: code, Message: field + " " + reason}
}

// Skip is the reason why an event needs nothing done. It is returned as an error so
// that no caller can overlook it; errors.AsType finds it.
//
//nolint:errname // it is a reason, and no fault
type Skip string

// The reasons that outcomes give for a skipped event.
//
//nolint:errname // they are reasons, and no faults
const (
	Tombstone          Skip = "tombstone"
	TypeNotTaken       Skip = "type_not_taken"
	Filtered           Skip = "filtered"
	EventNotConfigured Skip = "event_not_configured"
	NothingToUpdate    Skip = "nothing_to_update"
	// Duplicate is of another record of the partition that had the event's message id.
	Duplicate Skip = "duplicate"
	// OtherDestination is of a call to another destination.
	OtherDestination Skip = "other_destination"
	// TicketNotFound is of a rule that opens no ticket, and for which none was found.
	TicketNotFound Skip = "ticket_not_found"
	// Own is of an event of a help desk that we caused, and a rule that does not take such.
	Own Skip = "own"
	// Loop is of an event of a help desk whose ticket the rule has answered too often.
	Loop Skip = "loop"
)

// Skips are all reasons for which an event is skipped.
func Skips() []Skip {
	return []Skip{Tombstone, TypeNotTaken, Filtered, EventNotConfigured, NothingToUpdate, Duplicate, OtherDestination, TicketNotFound, Own, Loop}
}

// Error is the reason, marked as no failure.
func (s Skip) Error() string { return "skipped: " + string(s) }
