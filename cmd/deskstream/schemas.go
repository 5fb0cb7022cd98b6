package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/deploy/schemas"
	"github.com/deskstream/deskstream/internal/file"
	"github.com/deskstream/deskstream/internal/registry"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
)

// schemaBook is what a process knows of Avro.
type schemaBook struct {
	// registry is nil without one.
	registry *registry.Registry
	// events find what reads an event, outcomes what reads an outcome.
	events, outcomes *registry.Decoders
	// encode makes an outcome's value from its JSON; nil for a topic in JSON.
	encode func(text []byte) ([]byte, error)
	// questions counts those to the registry.
	questions prometheus.Collector
}

// openSchemas reads the schema file and prepares the registry, which is not asked yet.
func openSchemas(cfg *config.Config, log *slog.Logger) (*schemaBook, error) {
	asked, questions := observeSchemas()
	b := &schemaBook{events: &registry.Decoders{Format: registry.Format(cfg.Source.Format)}, questions: questions}
	if path := cfg.Source.SchemaFile; path != "" {
		text, err := file.Read(context.Background(), path, file.MaxSmall)
		if err != nil {
			return nil, fmt.Errorf("reading source.schema_file: %w", err)
		}
		if b.events.File, err = avro.Parse(string(text)); err != nil {
			return nil, fmt.Errorf("source.schema_file %s: %w", path, err)
		}
	}
	if r := cfg.SchemaRegistry; len(r.URLs) > 0 {
		c := registry.Config{
			URLs: r.URLs, Username: r.Username, Password: r.Password, Token: r.Token,
			Version: version(), UnknownGrace: r.UnknownGrace, Asked: asked,
		}
		var err error
		if r.TLS.Enabled {
			if c.TLS, err = tlsConfig(r.TLS); err != nil {
				return nil, fmt.Errorf("setting up schema_registry.tls: %w", err)
			}
		}
		if b.registry, err = registry.New(c, log); err != nil {
			return nil, err
		}
	}
	b.events.Registry = b.registry
	b.outcomes = &registry.Decoders{Format: registry.Auto, Registry: b.registry}
	return b, nil
}

func (b *schemaBook) close() {
	if b.registry != nil {
		b.registry.Close()
	}
}

// prepareOutcomes finds the id of the schema that outcomes are written with, or waits
// for a registry that is down until the time is over.
func (b *schemaBook) prepareOutcomes(ctx context.Context, cfg *config.Config, timeout time.Duration, log *slog.Logger) error {
	if cfg.Responses.Format != config.FormatAvro {
		return nil
	}
	id, err := b.ensure(ctx, cfg, cfg.Responses.Topic+"-value", schemas.Outcome, timeout, log)
	if err != nil {
		return err
	}
	schema, err := avro.Parse(schemas.Outcome)
	if err != nil {
		return err
	}
	b.encode = func(text []byte) ([]byte, error) {
		v, err := mapping.ParseObject(text)
		if err != nil {
			return nil, err
		}
		return schema.Append(avro.AppendHeader(nil, id), v)
	}
	return nil
}

// ensure is the id of a schema under a subject, registered if that is allowed.
func (b *schemaBook) ensure(ctx context.Context, cfg *config.Config, subject, schema string, timeout time.Duration, log *slog.Logger) (uint32, error) {
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, connectBackoff) {
		id, err := b.registry.Ensure(bounded, subject, schema, cfg.SchemaRegistry.AutoRegister)
		if err == nil || errors.As(err, new(*registry.RefusedError)) {
			return id, err
		}
		if ctx.Err() == nil {
			log.Warn("schema registry not reached yet", "err", err)
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

// eventEncoder makes values in Avro from events in JSON: by the schema of the file, in
// plain binary if there is no registry, or by the example's.
func (b *schemaBook) eventEncoder(ctx context.Context, cfg *config.Config, topic string, log *slog.Logger) (func([]byte) ([]byte, error), error) {
	text, schema := schemas.Event, b.events.File
	if schema != nil {
		own, err := file.Read(ctx, cfg.Source.SchemaFile, file.MaxSmall)
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
	case b.registry != nil:
		id, err := b.ensure(ctx, cfg, topic+"-value", text, contactTimeout, log)
		if err != nil {
			return nil, err
		}
		header = avro.AppendHeader(nil, id)
	case b.events.File == nil:
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

// asJSON is a record's value in Avro as JSON. What is in JSON, or read by nothing, is
// given back as it is.
func asJSON(ctx context.Context, d *registry.Decoders, r *kgo.Record) ([]byte, error) {
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

// tryRegistry asks the schema registry what it has, and for the schema of outcomes.
func tryRegistry(ctx context.Context, cfg *config.Config, b *schemaBook) finding {
	f := finding{what: "schema registry", name: "-", text: "not configured"}
	if b.registry == nil {
		return f
	}
	f.name = strings.Join(cfg.SchemaRegistry.URLs, ",")
	ctx, cancel := context.WithTimeout(ctx, contactTimeout)
	defer cancel()
	subjects, err := b.registry.Ping(ctx)
	if err != nil {
		f.failed, f.text = true, err.Error()
		return f
	}
	f.text = count(subjects, "subject")
	if cfg.Responses.Format == config.FormatAvro && !cfg.SchemaRegistry.AutoRegister {
		if _, err := b.registry.Ensure(ctx, cfg.Responses.Topic+"-value", schemas.Outcome, false); err != nil {
			f.failed, f.text = true, err.Error()
		}
	}
	return f
}
