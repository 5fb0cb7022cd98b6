package journal

import "fmt"

// NotFoundError says that the topics do not have what was asked for.
type NotFoundError struct{ text string }

// NotFound returns a NotFoundError with a formatted text.
func NotFound(format string, args ...any) error {
	return &NotFoundError{fmt.Sprintf(format, args...)}
}

// Error implements error.
func (e *NotFoundError) Error() string { return e.text }
