package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/twmb/franz-go/pkg/sr"
)

// RefusedError is an answer of the registry that asking again does not change.
type RefusedError struct{ reason string }

func (e *RefusedError) Error() string { return e.reason }

// Ensure is the id of an Avro schema under a subject. With register it is registered if
// it is not there. The error is a *RefusedError when a person has to act.
func (r *Registry) Ensure(ctx context.Context, subject, schema string, register bool) (uint32, error) {
	s := sr.Schema{Schema: schema, Type: sr.TypeAvro}
	id, err := ask(ctx, r.client, func(ctx context.Context, at address) (int, error) {
		if register {
			id, err := at.sr.RegisterSchema(ctx, subject, s, -1, -1)
			return id, refused(err, subject)
		}
		found, err := at.sr.LookupSchema(ctx, subject, s)
		return found.ID, err
	})
	switch {
	case isUnknown(err):
		return 0, &RefusedError{fmt.Sprintf("schema registry: subject %s does not have the schema of this version: register it, or set schema_registry.auto_register", subject)}
	case err != nil:
		if own, ok := errors.AsType[*RefusedError](err); ok {
			return 0, own
		}
		return 0, fmt.Errorf("asking the schema registry for subject %s: %w", subject, err)
	case id < 0:
		return 0, &RefusedError{"schema registry: it returned a negative id"}
	}
	return uint32(id), nil
}

// refused is the error for a schema that the registry does not take.
func refused(err error, subject string) error {
	answer, ok := errors.AsType[*sr.ResponseError](err)
	if !ok {
		return err
	}
	switch answer.StatusCode {
	case http.StatusConflict:
		return &RefusedError{fmt.Sprintf("schema registry: subject %s has a schema that this version's is not compatible with: give the topic another subject, or set the subject's compatibility", subject)}
	case http.StatusUnprocessableEntity:
		return &RefusedError{fmt.Sprintf("schema registry: it does not take the schema for subject %s (code %d)", subject, answer.ErrorCode)}
	default:
		return err
	}
}

// Ping asks for anything at all, to find out whether the registry is there and lets
// us in. It returns the number of its subjects.
func (r *Registry) Ping(ctx context.Context) (int, error) {
	subjects, err := ask(ctx, r.client, func(ctx context.Context, at address) ([]string, error) { return at.sr.Subjects(ctx) })
	return len(subjects), err
}
