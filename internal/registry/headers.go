package registry

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
)

// The headers that say which schema a value is of. Sources: Apicurio's KafkaSerdeHeaders,
// Confluent's SchemaId (_VALUE_SCHEMA_ID_HEADER), Azure's schema registry encoder.
const (
	contentIDHeader = "apicurio.value.contentId"
	globalIDHeader  = "apicurio.value.globalId"
	encodingHeader  = "apicurio.value.encoding"
	confluentHeader = "__value_schema_id"
	azureHeader     = "content-type"
	azurePrefix     = "avro/binary+"
)

// origin is what a record's headers say about its value. Then no id is in the value.
type origin struct {
	name string // of the header that counts; "" for none
	ref  Ref
	// fault says why the schema cannot be asked for; nil if it can.
	fault *mapping.Error
	// encoding is what Apicurio's header says: BINARY, JSON, or "" for nothing.
	encoding string
}

// readHeaders looks at each header; of several with one name the last counts, as in
// Kafka's own clients, and of several names the one whose id can be asked for.
func readHeaders(headers []kgo.RecordHeader) origin {
	var content, global, confluent, azure *kgo.RecordHeader
	var encoding string
	for i := range headers {
		h := &headers[i]
		switch h.Key {
		case contentIDHeader:
			content = h
		case globalIDHeader:
			global = h
		case confluentHeader:
			confluent = h
		case encodingHeader:
			encoding = string(h.Value)
		default:
			if isAzure(h) {
				azure = h
			}
		}
	}
	var o origin
	switch {
	case content != nil:
		o = numberOrigin(byID, content)
	case confluent != nil:
		o = confluentOrigin(confluent)
	case global != nil:
		o = numberOrigin(byGlobalID, global)
	case azure != nil:
		o = origin{name: azure.Key, fault: refusal("the header %s names Azure's schema %s, which no Confluent registry has: set source.schema_file to that schema", azure.Key, azure.Value[len(azurePrefix):])}
	}
	o.encoding = encoding
	return o
}

// numberOrigin reads one of Apicurio's ids: 8 bytes, the highest first.
func numberOrigin(kind refKind, h *kgo.RecordHeader) origin {
	if len(h.Value) != 8 {
		return badOrigin(h, "8 bytes")
	}
	return origin{name: h.Key, ref: Ref{kind: kind, number: binary.BigEndian.Uint64(h.Value)}}
}

// confluentOrigin reads Confluent's header: 0 and an id of 4 bytes, or 1 and a GUID.
func confluentOrigin(h *kgo.RecordHeader) origin {
	switch v := h.Value; {
	case len(v) == 5 && v[0] == 0:
		return origin{name: h.Key, ref: Ref{number: uint64(binary.BigEndian.Uint32(v[1:]))}}
	case len(v) == 17 && v[0] == 1:
		return origin{name: h.Key, ref: Ref{kind: byGUID, guid: [16]byte(v[1:])}}
	default:
		return badOrigin(h, "00 and an id of 4 bytes, or 01 and a GUID of 16")
	}
}

func badOrigin(h *kgo.RecordHeader, want string) origin {
	return origin{name: h.Key, fault: refusal("the header %s has %d bytes, and not %s: a connector on the way may have changed it", h.Key, len(h.Value), want)}
}

// isAzure reports whether a header is Azure's content type, however it is spelt.
func isAzure(h *kgo.RecordHeader) bool {
	if len(h.Key) < len("contenttype") || len(h.Key) > len(azureHeader) || !bytes.HasPrefix(h.Value, []byte(azurePrefix)) {
		return false
	}
	return strings.EqualFold(strings.NewReplacer("-", "", "_", "").Replace(h.Key), "contenttype")
}

// refusal is the fault of a record whose schema is not to be had.
func refusal(format string, args ...any) *mapping.Error {
	return &mapping.Error{Code: mapping.UnknownSchema, Message: fmt.Sprintf(format, args...)}
}
