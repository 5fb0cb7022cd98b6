package avro

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"

	"github.com/deskstream/deskstream/mapping"
)

// Headers of other serializers than Confluent's.
const (
	// LongSize is that of Apicurio's header: a zero byte and an id of eight bytes.
	LongSize = 9
	// glueSize is that of AWS Glue's header: 03, how the data is packed, and a UUID.
	glueSize  = 18
	glueMagic = 3
	gluePlain = 0
	glueZlib  = 5
	// maxInflated bounds the data of a packed value, in bytes: brokers take 1 MiB by default.
	maxInflated = 4 << 20
)

// Unusable begins the message of an error that is the schema's or the encoding's: the
// record itself is sound.
const Unusable = "unusable "

// errJSONEncoding is for Avro's JSON encoding, whose unions name their types.
var errJSONEncoding = &mapping.Error{
	Code:    mapping.BadAvro,
	Message: Unusable + "encoding: the data is JSON, and Avro is read in its binary encoding only: set apicurio.registry.avro.encoding=BINARY in the serializer",
}

// JSONEncoding reads nothing: it is for values in Avro's JSON encoding.
var JSONEncoding = mapping.Refuse(errJSONEncoding)

// LongID is the id in Apicurio's header of eight bytes: false without one. Five zero
// bytes in front mean it, because no registry gives the id 0.
func LongID(value []byte) (uint64, bool) {
	if !isLong(value) {
		return 0, false
	}
	return binary.BigEndian.Uint64(value[1:]), true
}

func isLong(value []byte) bool {
	return len(value) >= LongSize && value[0] == magic && binary.BigEndian.Uint32(value[1:]) == 0
}

// GlueID is the schema's UUID in AWS Glue's header, as text: false without one.
// Source: GlueSchemaRegistry's AWSSchemaRegistryConstants.
func GlueID(value []byte) (string, bool) {
	if !isGlue(value) {
		return "", false
	}
	return UUID([16]byte(value[2:glueSize])), true
}

func isGlue(value []byte) bool {
	return len(value) >= glueSize && value[0] == glueMagic && (value[1] == gluePlain || value[1] == glueZlib)
}

// glueData is the data of a value with Glue's header, unpacked.
func glueData(value []byte) ([]byte, error) {
	if value[1] == gluePlain {
		return value[glueSize:], nil
	}
	r, err := zlib.NewReader(bytes.NewReader(value[glueSize:]))
	if err != nil {
		return nil, errBadZlib
	}
	data, err := io.ReadAll(io.LimitReader(r, maxInflated+1))
	switch {
	case err != nil:
		return nil, errBadZlib
	case len(data) > maxInflated:
		return nil, &mapping.Error{Code: mapping.BadAvro, Message: "the record's data is larger than 4 MiB when it is unpacked"}
	default:
		return data, nil
	}
}

var errBadZlib = &mapping.Error{Code: mapping.BadAvro, Message: "the record's data cannot be unpacked with zlib, which its header names"}

// UUID is a UUID as text.
func UUID(b [16]byte) string {
	x := hex.EncodeToString(b[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

// isJSON reports whether bytes are an object in JSON, which an Avro datum is by no
// accident.
func isJSON(data []byte) bool {
	text := bytes.TrimLeft(data, " \t\r\n")
	return len(text) > 0 && text[0] == '{' && json.Valid(text)
}
