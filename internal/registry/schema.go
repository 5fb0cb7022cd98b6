package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/deskstream/deskstream/mapping/avro"
)

// maxReferences bounds how many schemas one may refer to, those of others included.
const maxReferences = 100

// schemaError is a schema that was found and cannot be used, now or ever.
type schemaError struct{ err error }

func (e *schemaError) Error() string { return e.err.Error() }
func (e *schemaError) Unwrap() error { return e.err }

// schema gets a schema and what it refers to.
func (r *Registry) schema(ctx context.Context, ref Ref) (*avro.Schema, error) {
	found, err := ask(ctx, r.client, ref.question())
	if err != nil {
		return nil, tooLarge(err)
	}
	if found.Type != sr.TypeAvro {
		return nil, &schemaError{fmt.Errorf("it is of type %s, not Avro", found.Type)}
	}
	references, err := r.references(ctx, found.References)
	if err != nil {
		return nil, err
	}
	schema, err := avro.Parse(found.Schema, references...)
	if err != nil {
		return nil, &schemaError{err}
	}
	return schema, nil
}

// references gets the schemas that are referred to, each once: they can refer to
// others, and several to the same.
func (r *Registry) references(ctx context.Context, open []sr.SchemaReference) ([]string, error) {
	type version struct {
		subject string
		number  int
	}
	seen := map[version]bool{}
	var texts []string
	for len(open) > 0 {
		next := version{open[0].Subject, open[0].Version}
		open = open[1:]
		if seen[next] {
			continue
		}
		seen[next] = true
		if len(seen) > maxReferences {
			return nil, &schemaError{fmt.Errorf("it refers to more than %d others", maxReferences)}
		}
		found, err := ask(ctx, r.client, func(ctx context.Context, at address) (sr.SubjectSchema, error) {
			return at.sr.SchemaByVersion(ctx, next.subject, next.number)
		})
		if err != nil {
			return nil, tooLarge(err)
		}
		texts = append(texts, found.Schema.Schema)
		open = append(open, found.References...)
	}
	return texts, nil
}

func tooLarge(err error) error {
	if errors.Is(err, errTooLarge) {
		return &schemaError{errTooLarge}
	}
	return err
}
