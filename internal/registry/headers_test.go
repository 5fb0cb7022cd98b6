package registry_test

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/deskstream/deskstream/internal/registry"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(strings.NewReplacer(" ", "", "-", "").Replace(text))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func header(name string, value []byte) kgo.RecordHeader {
	return kgo.RecordHeader{Key: name, Value: value}
}

func zip(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// outcome is what decoders make of a record: the event, or the error.
func outcome(t *testing.T, d registry.Decoders, r *kgo.Record) string {
	t.Helper()
	decoder, err := d.Find(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if known, ok := d.Known(r); !ok || known == nil {
		t.Error("not known after it was found")
	}
	got, err := decoder.Decode(r.Value, mapping.Pointer{})
	if err != nil {
		return err.Error()
	}
	reader, err := mapping.NewReader(mapping.Layout{Lane: []string{"userId"}})
	if err != nil {
		t.Fatal(err)
	}
	if lane := reader.Lane(decoder, r.Value, nil); lane != got.Get("userId").Str() {
		t.Errorf("the lane is %q, and the event %s", lane, got.JSON())
	}
	return got.JSON()
}

const (
	guid  = "89791762-2336-4186-9674-299b90a802e2"
	uuid  = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63"
	azure = "avro/binary+3f1a9c0b5d7e4f21a0c4d8e6b2937150"
)

// A datum of the schema event begins with a zero byte for an empty userId.
func TestDecoders_readWhatHeadersAndLongFormsName(t *testing.T) {
	eight := unhex(t, "0000000000000007")
	apicurio := []kgo.RecordHeader{header("apicurio.value.encoding", []byte("BINARY"))}
	with := func(more ...kgo.RecordHeader) []kgo.RecordHeader { return append(apicurio[:1:1], more...) }
	datum, zeros := []byte("\x06ann"), []byte("\x00\x00\x00\x00\x06ann")
	const ann, empty = `{"userId":"ann"}`, `{"a":"","b":"","c":"","d":"","userId":"ann"}`
	tests := map[string]struct {
		headers []kgo.RecordHeader
		value   []byte
		want    string
	}{
		"Apicurio's contentId":            {with(header("apicurio.value.contentId", eight)), datum, ann},
		"contentId without an encoding":   {[]kgo.RecordHeader{header("apicurio.value.contentId", eight)}, datum, ann},
		"Apicurio's globalId":             {with(header("apicurio.value.globalId", unhex(t, "0000000000000009"))), datum, ann},
		"a globalId that nobody has":      {with(header("apicurio.value.globalId", eight)), datum, "unknown_schema: the schema registry does not have schema with globalId 7, or not all that it refers to"},
		"both, of which one can be asked": {with(header("apicurio.value.globalId", eight), header("apicurio.value.contentId", eight)), datum, ann},
		"Confluent's id":                  {[]kgo.RecordHeader{header("__value_schema_id", unhex(t, "0000000007"))}, datum, ann},
		"Confluent's GUID":                {[]kgo.RecordHeader{header("__value_schema_id", unhex(t, "01"+guid))}, datum, ann},
		"a GUID that nobody has":          {[]kgo.RecordHeader{header("__value_schema_id", unhex(t, "01"+uuid))}, datum, "unknown_schema: the schema registry does not have schema " + uuid + ", or not all that it refers to"},
		"the last of two":                 {with(header("apicurio.value.contentId", unhex(t, "00000000000000ff")), header("apicurio.value.contentId", eight)), datum, ann},
		"the key's id":                    {[]kgo.RecordHeader{header("__key_schema_id", unhex(t, "0000000007"))}, []byte(`{"userId":"u"}`), `{"userId":"u"}`},
		"zeros in front":                  {with(header("apicurio.value.contentId", unhex(t, "0000000000000008"))), zeros, empty},
		"a header of another size":        {[]kgo.RecordHeader{header("__value_schema_id", []byte("7"))}, datum, "unknown_schema: the header __value_schema_id has 1 bytes, and not 00 and an id of 4 bytes, or 01 and a GUID of 16: a connector on the way may have changed it"},
		"an id as text":                   {with(header("apicurio.value.contentId", []byte("7"))), datum, "unknown_schema: the header apicurio.value.contentId has 1 bytes, and not 8 bytes: a connector on the way may have changed it"},
		"JSON with a schema":              {[]kgo.RecordHeader{header("apicurio.value.globalId", eight)}, []byte(` {"userId":"u"}`), ` {"userId":"u"}`[1:]},
		"Avro that begins like JSON":      {[]kgo.RecordHeader{header("__value_schema_id", unhex(t, "000000000a"))}, []byte("{\x06ann"), `{"n":-62,"userId":"ann"}`},
		"Apicurio's encoding JSON":        {[]kgo.RecordHeader{header("apicurio.value.encoding", []byte("JSON")), header("apicurio.value.contentId", eight)}, []byte(`{"userId":"u"}`), "bad_avro: " + avro.Unusable + "encoding: the data is JSON, and Avro is read in its binary encoding only: set apicurio.registry.avro.encoding=BINARY in the serializer"},
		"JSON after an id":                {nil, append(avro.AppendHeader(nil, 7), `{"userId":"u"}`...), "bad_avro: " + avro.Unusable + "encoding: the data is JSON, and Avro is read in its binary encoding only: set apicurio.registry.avro.encoding=BINARY in the serializer"},
		"an id of eight bytes":            {nil, append(unhex(t, "00 0000000000000009"), datum...), ann},
		"an unknown id of eight bytes":    {nil, append(unhex(t, "00 0000000000000007"), datum...), "unknown_schema: the schema registry does not have schema with globalId 7, or not all that it refers to: an id of eight bytes is read as Apicurio's globalId; set apicurio.registry.headers.enabled=false, apicurio.registry.as-confluent=true and apicurio.registry.use-id=contentId in the serializer"},
		"single-object encoding":          {nil, append(unhex(t, "c301 0102030405060708"), datum...), "unknown_schema: the value is in Avro's single-object encoding, of a schema with the fingerprint 0102030405060708, which no registry has: set source.schema_file to that schema"},
		"Apicurio's globalId in 4 bytes":  {nil, append(avro.AppendHeader(nil, 9), datum...), "unknown_schema: the schema registry does not have schema 9, or not all that it refers to: Apicurio's serializers of version 2 write globalIds, which its API for Confluent's clients does not know, unless apicurio.registry.use-id=contentId is set"},
		"schema 0":                        {nil, unhex(t, "0000000000 0675"), "unknown_schema: the schema registry does not have schema 0, or not all that it refers to: Apicurio's serializers of version 2 write globalIds, which its API for Confluent's clients does not know, unless apicurio.registry.use-id=contentId is set"},
		"AWS Glue":                        {nil, append(unhex(t, "0300"+uuid), datum...), "unknown_schema: the value is of AWS Glue's schema " + uuid + ", which no Confluent registry has: set source.schema_file to that schema"},
		"AWS Glue, packed":                {nil, append(unhex(t, "0305"+uuid), zip(t, datum)...), "unknown_schema: the value is of AWS Glue's schema " + uuid + ", which no Confluent registry has: set source.schema_file to that schema"},
		"Azure":                           {[]kgo.RecordHeader{header("content-type", []byte(azure))}, datum, "unknown_schema: the header content-type names Azure's schema 3f1a9c0b5d7e4f21a0c4d8e6b2937150, which no Confluent registry has: set source.schema_file to that schema"},
		"Azure, spelt in another way":     {[]kgo.RecordHeader{header("ContentType", []byte(azure))}, zeros, "unknown_schema: the header ContentType names Azure's schema 3f1a9c0b5d7e4f21a0c4d8e6b2937150, which no Confluent registry has: set source.schema_file to that schema"},
		"another content type":            {[]kgo.RecordHeader{header("content-type", []byte("application/json"))}, []byte(`{"userId":"u"}`), `{"userId":"u"}`},
		"a schema that cannot be used":    {with(header("apicurio.value.contentId", unhex(t, "000000000000000b"))), datum, "bad_avro: " + avro.Unusable + "schema 11: the schema is of string, and an event is a record"},
		"a datum that does not fit":       {with(header("apicurio.value.contentId", eight)), datum[:2], "bad_avro: schema 7: userId ends before it is complete, at byte 1"},
		"an id that no registry can give": {with(header("apicurio.value.contentId", unhex(t, "ffffffffffffffff"))), datum, "unknown_schema: the schema registry does not have schema 18446744073709551615, or not all that it refers to"},
	}
	bubble(t, func(t *testing.T, w *world) {
		five := `{"type":"record","name":"Five","fields":[` + strings.Repeat(`{"name":"?","type":"string"},`, 4) + `{"name":"userId","type":"string"}]}`
		for _, name := range []string{"a", "b", "c", "d"} {
			five = strings.Replace(five, "?", name, 1)
		}
		w.fake.SeedSchema("events-value", 1, 7, sr.Schema{Schema: event})
		w.fake.SeedSchema("five-value", 1, 8, sr.Schema{Schema: five})
		w.fake.SeedSchema("n-value", 1, 10, sr.Schema{Schema: `{"type":"record","name":"N","fields":[{"name":"n","type":"int"},{"name":"userId","type":"string"}]}`})
		w.fake.SeedSchema("s-value", 1, 11, sr.Schema{Schema: `"string"`})
		w.answers("one", native(map[string]string{"9": event}, http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
			if strings.HasSuffix(req.URL.Path, "/schemas/guids/"+guid) {
				_, _ = rw.Write([]byte(`{"guid":"` + guid + `","schema":"{\"type\":\"record\",\"name\":\"E\",\"fields\":[{\"name\":\"userId\",\"type\":\"string\"}]}"}`)) // to a recorder
				return
			}
			if strings.Contains(req.URL.Path, "/schemas/guids/") {
				rw.WriteHeader(http.StatusNotFound)
				_, _ = rw.Write([]byte(`{"error_code":40403,"message":"Schema not found"}`)) // to a recorder
				return
			}
			w.fake.Handler().ServeHTTP(rw, req)
		})))
		r := w.registry(t, func(c *registry.Config) { c.URLs = []string{"http://one/apis/ccompat/v7"} })
		for name, tt := range tests {
			for _, format := range []registry.Format{registry.Auto, registry.Avro} {
				if format == registry.Avro && strings.HasPrefix(strings.TrimSpace(string(tt.value)), `{"`) {
					continue // a value in JSON is none in Avro
				}
				if got := outcome(t, registry.Decoders{Format: format, Registry: r}, &kgo.Record{Headers: tt.headers, Value: tt.value}); got != tt.want {
					t.Errorf("%s, %s: got %s, want %s", name, format, got, tt.want)
				}
			}
		}
	})
}

func TestDecoders_aRegistryThatCannotBeAskedIsNamedWithTheSetting(t *testing.T) {
	headers := func(name, value string) []kgo.RecordHeader { return []kgo.RecordHeader{header(name, unhex(t, value))} }
	tests := map[string]struct {
		headers    []kgo.RecordHeader
		value      string
		registered string // with a registry that is not Apicurio's
		alone      string // without one
	}{
		"globalId":  {headers("apicurio.value.globalId", "0000000000000007"), "0675", "use-id=contentId", "the header apicurio.value.globalId names the value's schema with globalId 7, and neither"},
		"contentId": {headers("apicurio.value.contentId", "0000000000000008"), "0675", "does not have schema 8", "neither schema_registry nor source.schema_file"},
		"long":      {nil, "00 0000000000000007 0675", "as-confluent=true", "neither schema_registry nor source.schema_file"},
		"GUID":      {headers("__value_schema_id", "01"+guid), "0675", "cannot be asked for schemas by GUID", "neither schema_registry nor source.schema_file"},
		"framed":    {nil, "00 00000008 0675", "does not have schema 8", "neither schema_registry nor source.schema_file"},
		"AWS Glue":  {nil, "0300" + uuid + "0675", "set source.schema_file", "set source.schema_file"},
	}
	bubble(t, func(t *testing.T, w *world) {
		w.answers("one", http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
			if strings.Contains(req.URL.Path, "/guids/") { // as Karapace and Apicurio do
				rw.WriteHeader(http.StatusNotFound)
				_, _ = rw.Write([]byte(`{"error_code":0,"message":"no such path"}`)) // to a recorder
				return
			}
			w.fake.Handler().ServeHTTP(rw, req)
		}))
		r := w.registry(t, func(c *registry.Config) { c.URLs = []string{"http://one"} })
		for name, tt := range tests {
			record := &kgo.Record{Headers: tt.headers, Value: unhex(t, tt.value)}
			got := outcome(t, registry.Decoders{Format: registry.Auto, Registry: r}, record)
			if !strings.HasPrefix(got, "unknown_schema: ") || !strings.Contains(got, tt.registered) {
				t.Errorf("%s: got %s, want unknown_schema with %q", name, got, tt.registered)
			}
			got = outcome(t, registry.Decoders{Format: registry.Auto}, record)
			if !strings.HasPrefix(got, "unknown_schema: ") || !strings.Contains(got, tt.alone) {
				t.Errorf("%s without a registry: got %s, want unknown_schema with %q", name, got, tt.alone)
			}
			if got := outcome(t, registry.Decoders{Format: registry.JSON, Registry: r}, record); !strings.HasPrefix(got, "not_json: ") {
				t.Errorf("%s in format json: got %s, want not_json", name, got)
			}
		}
	})
}

func TestDecoders_aSchemaFileReadsEveryForm(t *testing.T) {
	file, err := avro.Parse(event)
	if err != nil {
		t.Fatal(err)
	}
	datum := []byte("\x06ann")
	bomb := append(unhex(t, "0305"+uuid), zip(t, make([]byte, 5<<20))...)
	for name, tt := range map[string]struct {
		headers []kgo.RecordHeader
		value   []byte
		want    string
	}{
		"plain":                            {nil, datum, `{"userId":"ann"}`},
		"Confluent":                        {nil, append(avro.AppendHeader(nil, 7), datum...), `{"userId":"ann"}`},
		"long":                             {nil, append(unhex(t, "00 0000000000000007"), datum...), `{"userId":"ann"}`},
		"AWS Glue":                         {nil, append(unhex(t, "0300"+uuid), datum...), `{"userId":"ann"}`},
		"AWS Glue, packed":                 {nil, append(unhex(t, "0305"+uuid), zip(t, datum)...), `{"userId":"ann"}`},
		"packed badly":                     {nil, append(unhex(t, "0305"+uuid), datum...), "bad_avro: the record's data cannot be unpacked with zlib, which its header names"},
		"cut":                              {nil, append(unhex(t, "0305"+uuid), zip(t, datum)[:4]...), "bad_avro: the record's data cannot be unpacked with zlib, which its header names"},
		"a bomb":                           {nil, bomb, "bad_avro: the record's data is larger than 4 MiB when it is unpacked"},
		"Glue's, broken":                   {nil, append(unhex(t, "0300"+uuid), "\x06a"...), "bad_avro: userId ends before it is complete, at byte 1"},
		"Azure":                            {[]kgo.RecordHeader{header("content-type", []byte(azure))}, datum, `{"userId":"ann"}`},
		"a header's id":                    {[]kgo.RecordHeader{header("__value_schema_id", []byte("?"))}, datum, `{"userId":"ann"}`},
		"an id that is data with a header": {[]kgo.RecordHeader{header("apicurio.value.globalId", unhex(t, "0000000000000007"))}, append(avro.AppendHeader(nil, 7), datum...), "bad_avro: the record is followed by bytes that do not belong to it, 8 of them, at byte 1"},
		"JSON after an id":                 {nil, append(avro.AppendHeader(nil, 7), `{"userId":"u"}`...), "bad_avro: " + avro.Unusable + "encoding: the data is JSON, and Avro is read in its binary encoding only: set apicurio.registry.avro.encoding=BINARY in the serializer"},
	} {
		for _, format := range []registry.Format{registry.Auto, registry.Avro} {
			if got := outcome(t, registry.Decoders{Format: format, File: file}, &kgo.Record{Headers: tt.headers, Value: tt.value}); got != tt.want {
				t.Errorf("%s, %s: got %s, want %s", name, format, got, tt.want)
			}
		}
	}
	text := &kgo.Record{Headers: []kgo.RecordHeader{header("apicurio.value.globalId", unhex(t, "0000000000000007"))}, Value: []byte(`{"userId":"u"}`)}
	if got := outcome(t, registry.Decoders{Format: registry.Auto, File: file}, text); got != `{"userId":"u"}` {
		t.Errorf("JSON with a schema: got %s", got)
	}
}

var _ mapping.Decoder = (*avro.Schema)(nil)
