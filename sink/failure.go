package sink

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/deskstream/deskstream/mapping"
)

// ErrInterrupted is returned for an event that was abandoned because the process
// stops or no longer owns its partition. It is no failure: the event is open as before.
var ErrInterrupted = errors.New("delivery interrupted")

// Stage is the part of the path at which an event died.
type Stage string

// The stages of the path.
const (
	StageDecode  Stage = "decode"
	StageMap     Stage = "map"
	StageLookup  Stage = "lookup"
	StageRequest Stage = "request"
)

// Class says why an event died, and so what can be done about it.
type Class string

// The classes of death.
const (
	Invalid   Class = "invalid"   // the event can never be mapped
	Rejected  Class = "rejected"  // the API refused it permanently
	Exhausted Class = "exhausted" // a passing failure outlived its budget
	Expired   Class = "expired"   // older than max_age
	Unknown   Class = "unknown"   // sent, no usable answer, and not to be sent again
)

// Codes that only calls have; those of the event itself are mapping's.
const (
	ContactNotFound  mapping.Code = "contact_not_found"
	AmbiguousContact mapping.Code = "ambiguous_contact"
	UnknownName      mapping.Code = "unknown_name"  // of a team, label, field or the like
	WindowClosed     mapping.Code = "window_closed" // a channel takes no free text at this time
	BadAnswer        mapping.Code = "bad_answer"
	Timeout          mapping.Code = "timeout"
	Connection       mapping.Code = "connection"
	TLS              mapping.Code = "tls"
	Redirect         mapping.Code = "redirect"
	TooOld           mapping.Code = "too_old"
	Panic            mapping.Code = "panic"
)

// HTTPCode is the code for an answer's status, http_422.
func HTTPCode(status int) mapping.Code { return mapping.Code("http_" + strconv.Itoa(status)) }

// Failure is the error that an event dies of.
//
//nolint:errname // the word of the domain: Error is what an outcome shows of it
type Failure struct {
	Stage   Stage
	Class   Class
	Code    mapping.Code
	Status  int    // of the answer; 0 without one
	Message string // for people; quotes neither secrets nor the customer's data
	// Detail is the help desk's own text about it. It may quote the customer's data, so
	// it stands in outcomes and dead letters, and not in Error, which may be logged. It
	// does not hold the credential.
	Detail string
}

// Error is stage, class, code and message, without the Detail.
func (f *Failure) Error() string {
	return string(f.Stage) + ": " + string(f.Class) + ": " + string(f.Code) + ": " + f.Message
}

// NotFound is the Failure of an event whose contact the lookup did not find, or
// found several times (AmbiguousContact).
func NotFound(code mapping.Code, message string) *Failure {
	return &Failure{Stage: StageLookup, Class: Invalid, Code: code, Message: message}
}

// GoneAgain is the Failure of an event whose ticket is gone although it was found in place of one
// that is gone.
func GoneAgain(what string) *Failure {
	return &Failure{
		Stage: StageRequest, Class: Rejected, Code: HTTPCode(http.StatusNotFound), Status: http.StatusNotFound,
		Message: "the " + what + " that was found instead of one that is gone is gone as well",
	}
}
