package avro

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc64"
	"strconv"
)

// fingerprintOf is the schema's fingerprint as single-object encoding has it: CRC-64-AVRO
// of its parsing canonical form, lowest byte first. Source: Avro's specification,
// "Schema Fingerprints".
func fingerprintOf(root *node) (sum [8]byte) {
	c := canonicalizer{defined: map[*node]bool{}}
	c.schema(root)
	const empty = 0xc15d213aa4d7a795 // the polynomial, and the fingerprint of nothing
	// Go's CRC begins and ends with all bits the other way round, and Avro's does not.
	crc := ^crc64.Update(^uint64(empty), crc64.MakeTable(empty), c.text.Bytes())
	binary.LittleEndian.PutUint64(sum[:], crc)
	return sum
}

// canonicalizer writes a schema in its parsing canonical form: each named type is
// defined where it is used first and has its full name.
type canonicalizer struct {
	text    bytes.Buffer
	defined map[*node]bool
}

func (c *canonicalizer) schema(n *node) {
	switch {
	case n.kind == unionKind:
		c.list(len(n.branches), func(i int) { c.schema(n.branches[i]) })
	case n.kind == arrayKind:
		c.container(`{"type":"array","items":`, n.items)
	case n.kind == mapKind:
		c.container(`{"type":"map","values":`, n.items)
	case !n.named():
		c.quoted(n.kind.String())
	case c.defined[n]:
		c.quoted(n.name)
	default:
		c.defined[n] = true
		c.definition(n)
	}
}

func (c *canonicalizer) container(opening string, items *node) {
	c.text.WriteString(opening)
	c.schema(items)
	c.text.WriteByte('}')
}

func (c *canonicalizer) definition(n *node) {
	c.text.WriteString(`{"name":`)
	c.quoted(n.name)
	c.text.WriteString(`,"type":"` + n.kind.String() + `",`)
	switch n.kind {
	case enumKind:
		c.text.WriteString(`"symbols":`)
		c.list(len(n.symbols), func(i int) { c.quoted(n.symbols[i]) })
	case fixedKind:
		c.text.WriteString(`"size":` + strconv.Itoa(n.size))
	default:
		c.text.WriteString(`"fields":`)
		c.list(len(n.fields), func(i int) {
			c.text.WriteString(`{"name":`)
			c.quoted(n.fields[i].name)
			c.container(`,"type":`, n.fields[i].node)
		})
	}
	c.text.WriteByte('}')
}

func (c *canonicalizer) list(size int, item func(i int)) {
	c.text.WriteByte('[')
	for i := range size {
		if i > 0 {
			c.text.WriteByte(',')
		}
		item(i)
	}
	c.text.WriteByte(']')
}

// quoted writes a text as JSON in its own letters, without escapes as the form wants it.
func (c *canonicalizer) quoted(text string) {
	e := json.NewEncoder(&c.text)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic("encoding a name: " + err.Error()) // every text has a form in JSON
	}
	c.text.Truncate(c.text.Len() - 1) // the encoder ends each value with a line feed
}
