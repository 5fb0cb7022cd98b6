package codec

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/deploy/schemas"
	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/file"
	"github.com/deskstream/deskstream/internal/registry"
	"github.com/deskstream/deskstream/internal/version"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
)

// Codec reads and writes the records of one deployment, in JSON or Avro.
type Codec struct {
	cfg *config.Config
	log *slog.Logger
	// Registry is nil without one.
	Registry *registry.Registry
	// Events finds the decoder of an event, Outcomes that of an outcome.
	Events, Outcomes *registry.Decoders
	// Encode makes an outcome's value from its JSON. It is nil for a topic in JSON, and until
	// PrepareOutcomes was called.
	Encode func(text []byte) ([]byte, error)
	// Questions counts the requests to the schema registry.
	Questions prometheus.Collector
}

// Open reads the schema file and prepares the client of the schema registry, without a
// request.
func Open(cfg *config.Config, log *slog.Logger) (*Codec, error) {
	asked, questions := observeSchemas()
	b := &Codec{cfg: cfg, log: log, Events: &registry.Decoders{Format: registry.Format(cfg.Source.Format)}, Questions: questions}
	if path := cfg.Source.SchemaFile; path != "" {
		text, err := file.Read(context.Background(), path, file.MaxSmall)
		if err != nil {
			return nil, fmt.Errorf("reading source.schema_file: %w", err)
		}
		if b.Events.File, err = avro.Parse(string(text)); err != nil {
			return nil, fmt.Errorf("source.schema_file %s: %w", path, err)
		}
	}
	if r := cfg.SchemaRegistry; len(r.URLs) > 0 {
		c := registry.Config{
			URLs: r.URLs, Username: r.Username, Password: r.Password, Token: r.Token,
			Version: version.Release(), UnknownGrace: r.UnknownGrace, Asked: asked,
		}
		var err error
		if r.TLS.Enabled {
			if c.TLS, err = cluster.TLS(r.TLS); err != nil {
				return nil, fmt.Errorf("setting up schema_registry.tls: %w", err)
			}
		}
		if b.Registry, err = registry.New(c, log); err != nil {
			return nil, err
		}
	}
	b.Events.Registry = b.Registry
	b.Outcomes = &registry.Decoders{Format: registry.Auto, Registry: b.Registry}
	return b, nil
}

// Close ends the client of the schema registry.
func (c *Codec) Close() {
	if c.Registry != nil {
		c.Registry.Close()
	}
}

// PrepareOutcomes finds the id of the schema of outcomes. It waits up to timeout for a
// registry that is down.
func (c *Codec) PrepareOutcomes(ctx context.Context, timeout time.Duration) error {
	if c.cfg.Responses.Format != config.FormatAvro {
		return nil
	}
	id, err := c.ensure(ctx, c.cfg.Responses.Topic+"-value", schemas.Outcome, timeout)
	if err != nil {
		return err
	}
	schema, err := avro.Parse(schemas.Outcome)
	if err != nil {
		return err
	}
	c.Encode = func(text []byte) ([]byte, error) {
		v, err := mapping.ParseObject(text)
		if err != nil {
			return nil, err
		}
		return schema.Append(avro.AppendHeader(nil, id), v)
	}
	return nil
}

// ensureBackoff limits the pause between two requests to a registry that is down.
const ensureBackoff = 5 * time.Second

// ensure returns the id of a schema under a subject, and registers the schema if that is
// allowed.
func (c *Codec) ensure(ctx context.Context, subject, schema string, timeout time.Duration) (uint32, error) {
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, ensureBackoff) {
		id, err := c.Registry.Ensure(bounded, subject, schema, c.cfg.SchemaRegistry.AutoRegister)
		if err == nil || errors.As(err, new(*registry.RefusedError)) {
			return id, err
		}
		if ctx.Err() == nil {
			c.log.Warn("schema registry not reached yet", "err", err)
		}
		select {
		case <-time.After(wait):
		case <-bounded.Done():
			if ctx.Err() != nil {
				return 0, context.Cause(ctx)
			}
			return 0, fmt.Errorf("no answer from the schema registry within %v: %w", timeout, err)
		}
	}
}

// EventEncoder returns what makes values in Avro from events in JSON. The schema is that of
// the configured file, else the example's. Without a registry the values are plain binary.
func (c *Codec) EventEncoder(ctx context.Context, topic string) (func([]byte) ([]byte, error), error) {
	text, schema := schemas.Event, c.Events.File
	if schema != nil {
		own, err := file.Read(ctx, c.cfg.Source.SchemaFile, file.MaxSmall)
		if err != nil {
			return nil, fmt.Errorf("reading source.schema_file: %w", err)
		}
		text = string(own)
	} else {
		var err error
		if schema, err = avro.Parse(text); err != nil {
			return nil, err
		}
	}
	var header []byte
	switch {
	case c.Registry != nil:
		id, err := c.ensure(ctx, topic+"-value", text, cluster.ContactTimeout)
		if err != nil {
			return nil, err
		}
		header = avro.AppendHeader(nil, id)
	case c.Events.File == nil:
		return nil, errors.New("events in Avro need schema_registry.urls or source.schema_file")
	}
	return func(event []byte) ([]byte, error) {
		v, err := mapping.ParseObject(event)
		if err != nil {
			return nil, err
		}
		return schema.Append(slices.Clone(header), v)
	}, nil
}

// JSON returns a record's value as JSON. A value that is JSON already, or that no decoder
// reads, is returned unchanged.
func JSON(ctx context.Context, d *registry.Decoders, r *kgo.Record) ([]byte, error) {
	decoder, err := d.Try(ctx, r)
	if err != nil {
		return nil, err
	}
	if decoder == mapping.JSON {
		return r.Value, nil
	}
	v, err := decoder.Decode(r.Value, mapping.Pointer{})
	if err != nil {
		return r.Value, nil //nolint:nilerr // whoever reads it says what it is not
	}
	return v.AppendJSON(nil), nil
}

// observeSchemas counts the requests to the schema registry.
func observeSchemas() (func(registry.Result), prometheus.Collector) {
	questions := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "deskstream_schema_requests_total", Help: "Questions to the schema registry by how they ended: found, unknown, failed.",
	}, []string{"result"})
	for _, r := range []registry.Result{registry.Found, registry.Unknown, registry.Failed} {
		questions.WithLabelValues(string(r)) // there from the start, so that an alert can compare
	}
	return func(r registry.Result) { questions.WithLabelValues(string(r)).Inc() }, questions
}
