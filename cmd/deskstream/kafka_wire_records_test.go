//go:build kafka

package main

import (
	"bytes"
	"compress/zlib"
	bits "encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/deskstream/deskstream/mapping/avro"
)

const (
	orderNumber = "ORD-7731"
	wireUser    = "user-88"
	orderFields = `{"name":"type","type":"string"},{"name":"userId","type":"string"},{"name":"messageId","type":"string"},{"name":"event","type":"string"},` +
		`{"name":"properties","type":{"type":"record","name":"Properties","fields":[{"name":"orderId","type":"string"},` +
		`{"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},{"name":"skus","type":{"type":"array","items":"string"}}]}}`
	orderSchema = `{"type":"record","name":"Order","namespace":"com.example.shop","fields":[` + orderFields + `]}`
	// orderFingerprint is that of Apache Avro for Java 1.12.0, lowest byte first.
	orderFingerprint = "4241a10206c3300e"
)

// wireRecord is a record as a library writes it.
type wireRecord struct {
	writer, form string
	headers      []kgo.RecordHeader
	value        []byte
	set          string   // what the error names, where a registry does not help
	holds        []string // what is in the event besides the order's number
	other        bool     // it is of another schema than the file's
}

// wireSchemas are the ids of the schemas that the records are of.
type wireSchemas struct {
	t              *testing.T
	client, native *sr.Client
	prefix         string
	order          uint32
	orderGlobal    uint64
}

// newWireSchemas registers the order's schema so that its globalId is no contentId of
// another: each version has a globalId, and one text has one contentId.
func newWireSchemas(t *testing.T, url, prefix string) *wireSchemas {
	t.Helper()
	s := &wireSchemas{t: t, prefix: prefix}
	caller := sr.HTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
	base, _, _ := strings.Cut(url, "/apis/ccompat/")
	var err error
	if s.client, err = sr.NewClient(sr.URLs(url), caller); err != nil {
		t.Fatal(err)
	}
	if s.native, err = sr.NewClient(sr.URLs(base+"/apis/registry/v2"), caller, sr.PreReq(func(r *http.Request) error {
		r.Header.Set("Accept", "*/*")
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		s.register(fmt.Sprintf("copy%d", i), orderSchema)
	}
	s.order = s.register("order", orderSchema)
	var meta struct {
		GlobalID uint64 `json:"globalId"`
	}
	if err := s.native.Do(t.Context(), http.MethodGet, "/groups/default/artifacts/"+prefix+"order/meta", nil, &meta); err != nil {
		t.Fatal(err)
	}
	s.orderGlobal = meta.GlobalID
	return s
}

func (s *wireSchemas) register(subject, schema string, references ...sr.SchemaReference) uint32 {
	s.t.Helper()
	made, err := s.client.CreateSchema(s.t.Context(), s.prefix+subject, sr.Schema{Schema: schema, References: references})
	if err != nil {
		s.t.Fatalf("registering %s: %v", subject, err)
	}
	return uint32(made.ID)
}

func avroText(s string) []byte { return append(bits.AppendVarint(nil, int64(len(s))), s...) }

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

func head(name string, value []byte) kgo.RecordHeader {
	return kgo.RecordHeader{Key: name, Value: value}
}

func eight(id uint64) []byte { return bits.BigEndian.AppendUint64(nil, id) }

func framed(id uint32, datum []byte) []byte { return append(avro.AppendHeader(nil, id), datum...) }

// person is the beginning of each event: its type, user, id and name.
func person(id int) []byte {
	return join(avroText("track"), avroText(wireUser), avroText(fmt.Sprintf("wire-%d", id)), avroText("Order Completed"))
}

// orderDatum is the order in binary. Lists are in one block, as most libraries write them.
func orderDatum() []byte { return orderWith([]byte("\x02\x0aSKU-1\x00")) }

func orderWith(skus []byte) []byte {
	return join(person(1), avroText(orderNumber), []byte("\x04\x04\xe2"), skus)
}

var (
	wireUUID  = []byte("\xb7\xb4\xa7\xf0\x9c\x96\x4e\x4a\xa6\x87\xfb\x5d\xe9\xef\x0c\x63")
	binaryEnc = head("apicurio.value.encoding", []byte("BINARY"))
	jsonEnc   = head("apicurio.value.encoding", []byte("JSON"))
	orderJSON = []byte(`{"type":"track","userId":"` + wireUser + `","messageId":"wire-1","event":"Order Completed","properties":{"orderId":"` + orderNumber + `","total":"\u0004\u00e2","skus":["SKU-1"]}}`)
	total     = []string{orderNumber, `12.5`, "SKU-1"}
)

func wireRecords(t *testing.T, s *wireSchemas) []wireRecord {
	t.Helper()
	datum := orderDatum()
	list := slices.Concat(confluentRecords(s, datum), apicurioRecords(s, datum), otherVendors(t, datum), plainRecords(t))
	for i := range list {
		if list[i].holds == nil {
			list[i].holds = total
		}
	}
	return append(list, otherSchemas(s)...)
}

func confluentRecords(s *wireSchemas, datum []byte) []wireRecord {
	guid := append([]byte{1}, wireUUID...)
	number := bits.BigEndian.AppendUint32([]byte{0}, s.order)
	return []wireRecord{
		{writer: "confluent-kafka 2.16 (Python), Confluent's Java serde", form: "00, 4-byte id, datum", value: framed(s.order, datum)},
		{writer: "@confluentinc/schemaregistry, @kafkajs/confluent-schema-registry", form: "00, 4-byte id, datum", value: framed(s.order, datum)},
		{writer: "confluent-kafka, `header_schema_id_serializer`", form: "datum", headers: []kgo.RecordHeader{head("__value_schema_id", guid)}, value: datum, set: "source.schema_file"},
		{writer: "the same with the id of 4 bytes", form: "datum", headers: []kgo.RecordHeader{head("__value_schema_id", number)}, value: datum},
	}
}

func apicurioRecords(s *wireSchemas, datum []byte) []wireRecord {
	content, global := head("apicurio.value.contentId", eight(uint64(s.order))), head("apicurio.value.globalId", eight(s.orderGlobal))
	const json = "apicurio.registry.avro.encoding=BINARY"
	return []wireRecord{
		{writer: "Apicurio serde 2.6, default", form: "datum", headers: []kgo.RecordHeader{global, binaryEnc}, value: datum},
		{writer: "2.6, `use-id=contentId`", form: "datum", headers: []kgo.RecordHeader{content, binaryEnc}, value: datum},
		{writer: "2.6, `headers.enabled=false`", form: "00, 8-byte globalId, datum", value: join([]byte{0}, eight(s.orderGlobal), datum)},
		{writer: "2.6, `headers.enabled=false`, `as-confluent=true`", form: "00, 4-byte globalId, datum", value: framed(uint32(s.orderGlobal), datum), set: "use-id=contentId"},
		{writer: "2.6, the same with `use-id=contentId`", form: "00, 4-byte contentId, datum", value: framed(s.order, datum)},
		{writer: "Apicurio serde 3.1, default", form: "00, 4-byte contentId, datum", value: framed(s.order, datum)},
		{writer: "3.1, `headers.enabled=true`", form: "datum", headers: []kgo.RecordHeader{content, binaryEnc}, value: datum},
		{writer: "3.1, `avro.encoding=JSON`", form: "00, 4-byte contentId, JSON", value: framed(s.order, orderJSON), set: json},
		{writer: "3.1, `headers.enabled=true`, `avro.encoding=JSON`", form: "JSON", headers: []kgo.RecordHeader{content, jsonEnc}, value: orderJSON, set: json},
		{writer: "Apicurio's serde of JSON Schema, 2.6", form: "JSON", headers: []kgo.RecordHeader{global}, value: bytes.Replace(orderJSON, []byte(`"\u0004\u00e2"`), []byte("12.50"), 1)},
	}
}

func otherVendors(t *testing.T, datum []byte) []wireRecord {
	t.Helper()
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(datum); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	const file = "source.schema_file"
	return []wireRecord{
		{writer: "AWS Glue serde 1.1", form: "03 00, 16-byte UUID, datum", value: join([]byte{3, 0}, wireUUID, datum), set: file},
		{writer: "AWS Glue serde 1.1, zlib", form: "03 05, 16-byte UUID, packed datum", value: join([]byte{3, 5}, wireUUID, packed.Bytes()), set: file},
		{writer: "Azure's encoder 1.0", form: "datum", headers: []kgo.RecordHeader{head("content-type", []byte("avro/binary+"+hex.EncodeToString(wireUUID)))}, value: datum, set: file},
	}
}

func plainRecords(t *testing.T) []wireRecord {
	t.Helper()
	fingerprint, err := hex.DecodeString(orderFingerprint)
	if err != nil {
		t.Fatal(err)
	}
	sized := []byte("\x01\x0c\x0aSKU-1\x00") // a block with its size in bytes
	return []wireRecord{
		{writer: "fastavro, avsc, goavro, apache-avro (Rust)", form: "datum", value: orderDatum()},
		{writer: "hamba/avro, Avro Java's blocking encoder", form: "datum, lists with sizes", value: orderWith(sized)},
		{writer: "Avro Java, single object", form: "C3 01, 8-byte fingerprint, datum", value: join([]byte{0xc3, 1}, fingerprint, orderDatum()), set: "source.schema_file"},
	}
}

// otherSchemas are events of schemas that are the difficulty.
func otherSchemas(s *wireSchemas) []wireRecord {
	variant := func(name string, change ...string) uint32 {
		return s.register(name, strings.NewReplacer(change...).Replace(orderSchema))
	}
	nullable := variant("nullable", `"fields":[{"name":"type"`, `"fields":[{"name":"groupId","type":["null","string"]},{"name":"previousId","type":["null","string"]},{"name":"name","type":["null","string"]},{"name":"version","type":["null","string"]},{"name":"type"`)
	identify := `{"type":"record","name":"Profile","namespace":"com.example.shop","fields":[{"name":"type","type":"string"},{"name":"userId","type":"string"},{"name":"messageId","type":"string"},{"name":"traits","type":{"type":"map","values":"string"}}]}`
	s.register("identify", identify)
	union := s.register("union", `["com.example.shop.Profile","com.example.shop.Order"]`,
		sr.SchemaReference{Name: "com.example.shop.Profile", Subject: s.prefix + "identify", Version: 1}, sr.SchemaReference{Name: "com.example.shop.Order", Subject: s.prefix + "order", Version: 1})
	profile := join(avroText("identify"), avroText(wireUser), avroText("wire-2"), []byte("\x02"), avroText("email"), avroText(orderNumber+"@example.com"), []byte{0})
	hyphen, letter := variant("hyphen", "com.example.shop", "com.my-company.shop"), variant("letter", `{"name":"skus"`, `{"name":"straße"`)
	symbol := variant("symbol", `{"name":"type","type":"string"}`, `{"name":"type","type":{"type":"enum","name":"Kind","symbols":["größe","track"]}}`)
	big := variant("big", `{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`, `{"type":"bytes","logicalType":"big-decimal"}`)
	nested := variant("nested", `{"name":"skus"`, `{"name":"within","type":{"type":"array","items":{"type":"record","name":"Nested","fields":[{"name":"parent","type":"Nested"}]}}},{"name":"skus"`)
	plain := variant("plain", `"name":"Properties"`, `"name":"Properties","namespace":""`)
	list := []wireRecord{
		{writer: "a value that begins with four nulls", form: "datum", headers: []kgo.RecordHeader{head("apicurio.value.contentId", eight(uint64(nullable))), binaryEnc}, value: join(make([]byte, 4), orderDatum())},
		{writer: "a union of records: an identify event", form: "00, 4-byte id, datum", value: framed(union, join([]byte{0}, profile)), holds: []string{orderNumber + "@example.com"}},
		{writer: "a union of records: an order", form: "00, 4-byte id, datum", value: framed(union, join([]byte{2}, orderDatum()))},
		{writer: "a namespace with a hyphen", form: "00, 4-byte id, datum", value: framed(hyphen, orderDatum())},
		{writer: "an enum with the symbol `größe`", form: "00, 4-byte id, datum", value: framed(symbol, join([]byte{2}, orderDatum()[len(avroText("track")):]))},
		{writer: "a field `straße`", form: "00, 4-byte id, datum", value: framed(letter, orderDatum())},
		{writer: "big-decimal, as Avro Java 1.12 reflects BigDecimal", form: "00, 4-byte id, datum", value: framed(big, join(person(1), avroText(orderNumber), []byte("\x08\x04\x04\xe2\x04\x02\x0aSKU-1\x00")))},
		{writer: "an empty list of a record within itself", form: "00, 4-byte id, datum", value: framed(nested, orderWith([]byte("\x00\x02\x0aSKU-1\x00")))},
		{writer: "a type of no namespace within one", form: "00, 4-byte id, datum", value: framed(plain, orderDatum())},
	}
	for i := range list {
		list[i].other = true
		if list[i].holds == nil {
			list[i].holds = total
		}
	}
	return list
}
