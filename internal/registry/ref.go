package registry

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/deskstream/deskstream/mapping/avro"
)

// Ref names a schema, and says how many bytes stand before a value's data.
type Ref struct {
	kind   refKind
	number uint64
	guid   [16]byte
	header int
}

type refKind uint8

const (
	byID       refKind = iota // Confluent's, and Apicurio's contentId
	byGlobalID                // Apicurio's, of a version of an artifact
	byGUID                    // Confluent's
)

// ID is the Ref of a value in Confluent's wire format.
func ID(id uint32) Ref { return Ref{number: uint64(id), header: avro.HeaderSize} }

// id is the schema's id as text.
func (f Ref) id() string {
	switch f.kind {
	case byGUID:
		return avro.UUID(f.guid)
	case byGlobalID:
		return "globalId " + strconv.FormatUint(f.number, 10)
	default:
		return strconv.FormatUint(f.number, 10)
	}
}

// name is how messages call the schema.
func (f Ref) name() string {
	if f.kind == byGlobalID {
		return "schema with " + f.id()
	}
	return "schema " + f.id()
}

// key is a text of its own for each Ref.
func (f Ref) key() string { return f.id() + " after " + strconv.Itoa(f.header) }

// question asks one address for the schema.
func (f Ref) question() func(context.Context, address) (sr.Schema, error) {
	switch f.kind {
	case byGlobalID:
		return func(ctx context.Context, at address) (sr.Schema, error) { return nativeSchema(ctx, at, f.number) }
	case byGUID:
		return func(ctx context.Context, at address) (sr.Schema, error) { return schemaByGUID(ctx, at, f.id()) }
	default:
		return func(ctx context.Context, at address) (sr.Schema, error) { return at.sr.SchemaByID(ctx, int(f.number)) }
	}
}

// errNoGUIDs is the answer of a registry that knows no GUIDs, as Karapace and Apicurio.
var errNoGUIDs = errors.New("the schema registry cannot be asked for schemas by GUID")

// schemaByGUID asks for a schema by its GUID. A registry that does not know the question
// answers 404 as an address does that is not a registry's. One that knows what it has to
// say of an id that nobody has is a registry.
func schemaByGUID(ctx context.Context, at address, guid string) (sr.Schema, error) {
	found, err := at.sr.SchemaByGUID(ctx, guid)
	answer, ok := errors.AsType[*sr.ResponseError](err)
	if !ok || isUnknown(err) || answer.StatusCode != http.StatusNotFound && answer.StatusCode != http.StatusMethodNotAllowed {
		return found.Schema, err
	}
	if _, errOther := at.sr.SchemaByID(ctx, math.MaxInt32); isUnknown(errOther) {
		return found.Schema, errNoGUIDs
	}
	return found.Schema, err
}
