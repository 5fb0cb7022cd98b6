package config

import "reflect"

// Block is one block of the file, for documentation.
type Block struct {
	// Path is where the block stands, "" for the file itself: "destinations[].delivery".
	Path string
	// Keys are its keys in their order.
	Keys []Key
}

// Key is a key of a block.
type Key struct {
	// Name is the key, Default its default as a file would spell it, "" for none.
	Name, Default string
	// Doc says what the key means.
	Doc string
	// Values are the words that the key takes; none for any.
	Values []string
	// List marks a key that takes a list.
	List bool
	// Block marks a key whose value is a block, or a list of them.
	Block bool
}

// Reference describes every block of the file: each before those in it.
func Reference() []Block { return describe("", reflect.TypeFor[Config]()) }

func describe(path string, t reflect.Type) []Block {
	block := Block{Path: path}
	var inner []Block
	for _, f := range fieldsOf(t) {
		if word, ok := wordOf(f.typ); ok {
			f.enum = word.enum
		}
		key := Key{Name: f.key, Default: f.def, Doc: f.doc, Values: f.enum, List: f.typ.Kind() == reflect.Slice}
		element, name := f.typ, f.key
		if key.List || f.typ.Kind() == reflect.Pointer {
			element = f.typ.Elem()
		}
		if key.List {
			name += "[]"
		}
		if isBlock(element) {
			key.Block = true
			inner = append(inner, describe(join(path, name), element)...)
		}
		block.Keys = append(block.Keys, key)
	}
	return append([]Block{block}, inner...)
}
