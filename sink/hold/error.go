package hold

import "errors"

// ErrHeld is what every Error is, for errors.Is.
var ErrHeld = errors.New("destination on hold")

// Error is returned for an event that would have waited longer than the caller does, for
// the end of a hold or for something that is as good as one. The event is open as before.
type Error struct {
	// Why says, for people, what the event waited for.
	Why string
}

// Error implements error.
func (e *Error) Error() string { return ErrHeld.Error() + ": " + e.Why }

// Is makes it an ErrHeld.
func (e *Error) Is(target error) bool { return target == ErrHeld }
