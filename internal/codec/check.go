package codec

import (
	"context"
	"strings"

	"github.com/deskstream/deskstream/deploy/schemas"
	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
)

// Check asks the schema registry for its subjects and for the schema of outcomes.
func (c *Codec) Check(ctx context.Context) cluster.Finding {
	f := cluster.Finding{What: "schema registry", Name: "-", Text: "not configured"}
	if c.Registry == nil {
		return f
	}
	f.Name = strings.Join(c.cfg.SchemaRegistry.URLs, ",")
	ctx, cancel := context.WithTimeout(ctx, cluster.ContactTimeout)
	defer cancel()
	subjects, err := c.Registry.Ping(ctx)
	if err != nil {
		f.Failed, f.Text = true, err.Error()
		return f
	}
	f.Text = output.Count(subjects, "subject")
	if c.cfg.Responses.Format == config.FormatAvro && !c.cfg.SchemaRegistry.AutoRegister {
		if _, err := c.Registry.Ensure(ctx, c.cfg.Responses.Topic+"-value", schemas.Outcome, false); err != nil {
			f.Failed, f.Text = true, err.Error()
		}
	}
	return f
}
