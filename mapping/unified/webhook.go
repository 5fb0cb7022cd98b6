package unified

import (
	"errors"
	"time"
)

// Webhook is one request that a desk sent, whose signature is right.
type Webhook struct {
	// Name is the desk's name of the event that the path has, "" where the body has it.
	Name string
	// Form says that the body is application/x-www-form-urlencoded and not JSON.
	Form bool
	Body []byte
	// At is when the desk signed the request, zero where the signature does not say.
	At time.Time
	// Room is what the event is read in, which is good until Room.Clear; nil: memory of its own.
	Room *Room
}

// In is w with a room.
func (w Webhook) In() Webhook {
	if w.Room == nil {
		w.Room = new(Room)
	}
	return w
}

// Signature is what a request claims: MAC is the HMAC-SHA256 of Prefix and then the body, with
// the secret of the registration as key.
type Signature struct {
	MAC    []byte
	Prefix string
	// At is when it was signed, zero where the signature does not say.
	At time.Time
}

// ErrNoSignature is a request without a signature in the desk's form.
var ErrNoSignature = errors.New("the request has no signature in the desk's form")
