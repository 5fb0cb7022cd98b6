package codec

import (
	"fmt"
	"slices"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/mapping"
)

// NewCallReader returns a reader of calls over Kafka. They lie in their records as CONTRACT has
// them, whatever form events have. Without a lane a call is ordered by its correlation id.
func NewCallReader(c *config.Config) (*mapping.Reader, error) {
	return newReader(mapping.Layout{Lane: append(slices.Clone(c.Lane), "correlationId")}, c)
}

// NewInboundReader returns a reader of unified events. They lie in their records as receive and export
// write them, whatever form other events have, and their record's key orders them: a lane is a
// ticket, or a contact. A line of a file has no key.
func NewInboundReader(c *config.Config) (*mapping.Reader, error) {
	return newReader(mapping.Layout{Lane: []string{mapping.KeyField, "ticket.id", "contact.id"}, ID: "id"}, c)
}

// NewReader returns a reader that finds events in records as the configuration says. An error
// is a config.UsageError.
func NewReader(c *config.Config) (*mapping.Reader, error) {
	return newReader(mapping.Layout{Unwrap: c.Source.Unwrap, Fields: c.Source.Fields, Lane: c.Lane}, c)
}

func newReader(l mapping.Layout, c *config.Config) (*mapping.Reader, error) {
	l.NoIDs = append(mapping.NoIDs{}, c.Source.NoIDs...) // not nil, which means the default words
	r, err := mapping.NewReader(l)
	if err != nil {
		return nil, &config.UsageError{Err: fmt.Errorf("source: %w", err)}
	}
	return r, nil
}
