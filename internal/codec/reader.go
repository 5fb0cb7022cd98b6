package codec

import (
	"fmt"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/mapping"
)

// NewReader returns a reader that finds events in records as the configuration says. An error
// is a config.UsageError.
func NewReader(c *config.Config) (*mapping.Reader, error) {
	r, err := mapping.NewReader(mapping.Layout{
		Unwrap: c.Source.Unwrap, Fields: c.Source.Fields, Lane: c.Lane,
		NoIDs: append(mapping.NoIDs{}, c.Source.NoIDs...), // not nil, which means the default words
	})
	if err != nil {
		return nil, &config.UsageError{Err: fmt.Errorf("source: %w", err)}
	}
	return r, nil
}
