package status

import "time"

// Lane is a lane that waits, as the admin listener and the console show it: whose events wait, and
// nothing of them.
type Lane struct {
	Destination string    `json:"destination"`
	Lane        string    `json:"lane"`
	Since       time.Time `json:"since"`
	Seconds     float64   `json:"seconds"`
	Why         string    `json:"why"`
	Hold        string    `json:"hold,omitempty"`
	Code        string    `json:"code,omitempty"`
	Behind      int       `json:"behind"`
	Topic       string    `json:"topic"`
	Partition   int32     `json:"partition"`
	Offset      int64     `json:"offset"`
}
